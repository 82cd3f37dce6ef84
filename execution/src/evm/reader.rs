use std::sync::Arc;

use alloy_primitives::B256;

use super::Meter;
use crate::{
    state::{Account, Slot, Source},
    trie::{Node, Nodes, TrieError},
};

/// Resolves nodes from a [`Source`], and counts what is visited.
pub(crate) struct Reader<'a> {
    source: &'a mut dyn Source,
    meter: &'a mut Meter,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a mut dyn Source, meter: &'a mut Meter) -> Self {
        Self { source, meter }
    }
}

impl Nodes<Account> for Reader<'_> {
    fn resolve(&mut self, hash: B256) -> Result<Arc<Node<Account>>, TrieError> {
        self.source.account_node(hash)
    }

    fn visit(&mut self, hash: B256, node: &Node<Account>) -> Result<(), TrieError> {
        self.meter.node(hash, node.rlp_len(), || node.rlp())
    }
}

impl Nodes<Slot> for Reader<'_> {
    fn resolve(&mut self, hash: B256) -> Result<Arc<Node<Slot>>, TrieError> {
        self.source.slot_node(hash)
    }

    fn visit(&mut self, hash: B256, node: &Node<Slot>) -> Result<(), TrieError> {
        self.meter.node(hash, node.rlp_len(), || node.rlp())
    }
}
