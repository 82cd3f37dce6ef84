use std::sync::Arc;

use alloy_primitives::B256;

use super::{Account, Code, Slot};
use crate::{
    error::StateError,
    trie::{Node, TrieError},
};

/// Where what a [`World`](super::World) does not hold in memory comes from, by hash.
pub trait Source {
    /// A node of the account trie.
    ///
    /// # Errors
    /// When it is unknown or malformed.
    fn account_node(&mut self, hash: B256) -> Result<Arc<Node<Account>>, TrieError>;

    /// A node of a storage trie.
    ///
    /// # Errors
    /// When it is unknown or malformed.
    fn slot_node(&mut self, hash: B256) -> Result<Arc<Node<Slot>>, TrieError>;

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
    fn account_node(&mut self, hash: B256) -> Result<Arc<Node<Account>>, TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn slot_node(&mut self, hash: B256) -> Result<Arc<Node<Slot>>, TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn code(&mut self, hash: B256) -> Result<Code, StateError> {
        Err(StateError::MissingCode(hash))
    }
}
