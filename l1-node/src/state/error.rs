//! Why a state cannot be read or written.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use recourse_execution::trie::TrieError;
use recourse_rpc::ChainError;
use revm::{
    bytecode::BytecodeDecodeError,
    context::result::{EVMError, InvalidTransaction},
};

use crate::fork::{ForkError, chain_of};

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
    /// The chain that this one forks did not give what was needed.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// This chain's state roots do not cover it, because it was not written since the fork.
    #[error("{}", uncovered(.address, .slot.as_ref()))]
    Uncovered {
        /// The account.
        address: Address,
        /// The slot, unless it is the whole account.
        slot: Option<B256>,
    },
    /// A change could not be written, so that the state is not what was executed.
    #[error("the state could not be written")]
    Commit(#[source] Arc<StateError>),
}

impl revm::database_interface::DBErrorMarker for StateError {}

impl From<StateError> for ChainError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Fork(error) => Self::Upstream(chain_of(&error)),
            StateError::Uncovered { .. } => Self::Refused(error.to_string()),
            StateError::Commit(cause) => match &*cause {
                StateError::Fork(error) => Self::Upstream(chain_of(error)),
                _ => Self::internal(StateError::Commit(cause)),
            },
            other => Self::internal(other),
        }
    }
}

/// An error of the EVM, in which one of the state may be.
pub(crate) fn evm_error(error: EVMError<StateError, InvalidTransaction>) -> ChainError {
    match error {
        EVMError::Database(error) => error.into(),
        other => other.into(),
    }
}

fn uncovered(address: &Address, slot: Option<&B256>) -> String {
    let what = slot.map_or_else(
        || format!("account {address}"),
        |slot| format!("slot {slot} of account {address}"),
    );
    format!(
        "{what} was not written since the fork, so this chain's state roots do not cover it: prove it in the fork block, or \
         write it first (anvil_setStorageAt with the value that it has)"
    )
}
