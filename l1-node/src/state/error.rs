//! Why a state cannot be read or written.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::trie::TrieError;
use revm::bytecode::BytecodeDecodeError;

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// No account deployed this code.
    #[error("no code with hash {0}")]
    UnknownCode(B256),
    /// A trie is broken: never, it is wholly in memory.
    #[error("the state trie is broken")]
    Trie(#[from] TrieError),
    /// A code that nobody can have: it begins like a delegation (EIP-7702) and is none.
    #[error("no account can have this code")]
    Code(#[from] BytecodeDecodeError),
    /// A change could not be written, so that the state is not what was executed.
    #[error("the state could not be written")]
    Commit(#[source] Arc<StateError>),
}

impl revm::database_interface::DBErrorMarker for StateError {}
