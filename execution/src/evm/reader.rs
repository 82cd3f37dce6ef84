use std::sync::Arc;

use alloy_primitives::B256;

use super::{Meter, meter::Visited};
use crate::{
    state::{Account, Slot, Source},
    trie::{Node, Nodes, Place, TrieError},
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
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError> {
        let rlp = self.source.account_node(hash)?;
        place.admit(rlp.len())?;
        self.meter.named(hash, rlp)?;
        Ok(rlp)
    }

    // What is told is passed.
    fn visit(&mut self, _: B256, _: &Node<Account>) -> Result<(), TrieError> {
        Ok(())
    }

    fn pass(&mut self, node: &Arc<Node<Account>>, place: Place) -> Result<(), TrieError> {
        self.meter.node(node, place, Visited::Account)
    }
}

impl Nodes<Slot> for Reader<'_> {
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError> {
        let rlp = self.source.slot_node(hash)?;
        place.admit(rlp.len())?;
        self.meter.named(hash, rlp)?;
        Ok(rlp)
    }

    fn visit(&mut self, _: B256, _: &Node<Slot>) -> Result<(), TrieError> {
        Ok(())
    }

    fn pass(&mut self, node: &Arc<Node<Slot>>, place: Place) -> Result<(), TrieError> {
        self.meter.node(node, place, Visited::Slot)
    }
}
