use alloy_primitives::B256;

use super::Code;
use crate::{error::StateError, trie::TrieError};

/// Where what a [`World`](super::World) does not hold in memory comes from, by hash.
pub trait Source {
    /// The RLP of a node of the account trie, checked to be one.
    ///
    /// # Errors
    /// When it is unknown or malformed.
    fn account_node(&mut self, hash: B256) -> Result<&[u8], TrieError>;

    /// The RLP of a node of a storage trie, checked to be one.
    ///
    /// # Errors
    /// When it is unknown or malformed.
    fn slot_node(&mut self, hash: B256) -> Result<&[u8], TrieError>;

    /// The code that hashes to `hash`.
    ///
    /// # Errors
    /// When it is unknown.
    fn code(&mut self, hash: B256) -> Result<Code, StateError>;
}

/// The source of a state that is wholly in memory: it has nothing to add.
#[derive(Clone, Copy, Debug, Default)]
pub struct Full;

impl Source for Full {
    fn account_node(&mut self, hash: B256) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn slot_node(&mut self, hash: B256) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn code(&mut self, hash: B256) -> Result<Code, StateError> {
        Err(StateError::MissingCode(hash))
    }
}
