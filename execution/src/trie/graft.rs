use std::sync::Arc;

use alloy_primitives::{B256, Bytes};

use super::{Children, Kind, Link, Node, Trie, TrieError, Value};

/// Nodes from a root to a value, at most: one for each nibble of a key, and the leaf.
const MAX_DEPTH: usize = 65;

impl<V: Value> Trie<V> {
    /// The same trie with the blinded subtries in memory that `known` has, and with `grow` applied to every value in memory,
    /// which must not change what the trie commits to.
    ///
    /// # Errors
    /// When a node is malformed, or when `grow` says so.
    pub(crate) fn grafted(
        &self,
        known: &impl Fn(B256) -> Option<Bytes>,
        grow: &impl Fn(&V) -> Result<V, TrieError>,
    ) -> Result<Self, TrieError> {
        Ok(Self { root: graft(&self.root, MAX_DEPTH, known, grow)? })
    }
}

fn graft<V: Value>(
    link: &Link<V>,
    depth: usize,
    known: &impl Fn(B256) -> Option<Bytes>,
    grow: &impl Fn(&V) -> Result<V, TrieError>,
) -> Result<Link<V>, TrieError> {
    let node = match link {
        Link::Empty => return Ok(Link::Empty),
        Link::Node(node) => Arc::clone(node),
        Link::Hash(hash) => match known(*hash) {
            None => return Ok(Link::Hash(*hash)),
            Some(rlp) => Arc::new(Node::decode(*hash, &rlp)?),
        },
    };
    let depth = depth.checked_sub(1).ok_or(TrieError::Malformed("nodes deeper than a key"))?;
    let kind = match node.kind() {
        Kind::Leaf { path, value } => Kind::Leaf { path: *path, value: grow(value)? },
        Kind::Extension { path, child } => {
            Kind::Extension { path: *path, child: graft(child, depth, known, grow)? }
        }
        Kind::Branch { children, value } => {
            let mut grown = Children::with_capacity(children.links().len());
            for (nibble, child) in children.iter() {
                grown.set(nibble, graft(child, depth, known, grow)?);
            }
            let value = value.as_ref().map(grow).transpose()?;
            Kind::Branch { children: grown, value }
        }
    };
    Ok(Link::Node(Arc::new(node.with_kind(kind))))
}
