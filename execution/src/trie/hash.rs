use alloy_trie::nodes::RlpNode;

use super::{Kind, Link, Node, Trie, Value};
use crate::keccak::keccak256_all;

/// Nodes that were not hashed yet, by the number of nodes above them. All of a level are hashed at once, for they do not
/// depend on each other.
#[derive(Debug)]
pub(crate) struct Unhashed<'a, V> {
    levels: Vec<Vec<&'a Node<V>>>,
}

impl<V> Default for Unhashed<'_, V> {
    fn default() -> Self {
        Self { levels: Vec::new() }
    }
}

impl<'a, V: Value> Unhashed<'a, V> {
    /// Adds those of a trie. Tells `values` of every value in them.
    pub(crate) fn add(&mut self, trie: &'a Trie<V>, values: &mut impl FnMut(&'a V)) {
        self.gather(&trie.root, 0, values);
    }

    fn gather(&mut self, link: &'a Link<V>, depth: usize, values: &mut impl FnMut(&'a V)) {
        let Link::Node(node) = link else {
            return;
        };
        if node.is_hashed() {
            return;
        }
        if self.levels.len() <= depth {
            self.levels.resize_with(depth.saturating_add(1), Vec::new);
        }
        if let Some(level) = self.levels.get_mut(depth) {
            level.push(node);
        }
        let below = depth.saturating_add(1);
        match node.kind() {
            Kind::Leaf { value, .. } => values(value),
            Kind::Extension { child, .. } => self.gather(child, below, values),
            Kind::Branch { children, value } => {
                value.iter().for_each(&mut *values);
                for child in children.iter() {
                    self.gather(child, below, values);
                }
            }
        }
    }

    /// Hashes them. What their values commit to must have its hashes already.
    pub(crate) fn hash(self) {
        let mut rlp = Vec::new();
        for level in self.levels.iter().rev() {
            hash_level(level, &mut rlp);
        }
    }
}

fn hash_level<V: Value>(level: &[&Node<V>], rlp: &mut Vec<u8>) {
    rlp.clear();
    rlp.reserve(level.iter().map(|node| node.rlp_len()).fold(0, usize::saturating_add));
    let mut ends = Vec::with_capacity(level.len());
    for node in level {
        node.encode(rlp);
        ends.push(rlp.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let parts = starts.zip(&ends).map(|(start, end)| rlp.get(start..*end).unwrap_or_default());
    let parts: Vec<&[u8]> = parts.collect();
    // A short node is a part of its parent.
    let long: Vec<&[u8]> = parts.iter().copied().filter(|part| part.len() >= 32).collect();
    let mut hashes = keccak256_all(&long).into_iter();
    for (node, part) in level.iter().zip(parts) {
        let hash = if part.len() < 32 { None } else { hashes.next() };
        node.set_reference(hash.map_or_else(|| RlpNode::from_rlp(part), |h| RlpNode::word_rlp(&h)));
    }
}
