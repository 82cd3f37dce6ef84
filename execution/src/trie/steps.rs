//! Hashing what many states in a row made, all at once.

use std::sync::Arc;

use super::{Kind, Link, Trie, Value, hash::Unhashed};

/// The nodes that were not hashed yet in a row of tries, each made from the one before. Each node is found once, where it
/// came in: what a trie shares with the one before is passed over. A few dozen nodes are new in each step, too few to keep
/// the lanes of the hash function full; those of many steps are enough, for a node of one step never names one of a later.
#[derive(Debug)]
pub(crate) struct Steps<'a, V> {
    unhashed: Unhashed<'a, V>,
}

impl<V> Default for Steps<'_, V> {
    fn default() -> Self {
        Self { unhashed: Unhashed::default() }
    }
}

impl<'a, V: Value> Steps<'a, V> {
    /// Adds what `next` has and `before` has not. Tells `values` of every new value, with the one that was in its place.
    pub(crate) fn add(
        &mut self,
        before: Option<&'a Trie<V>>,
        next: &'a Trie<V>,
        values: &mut impl FnMut(Option<&'a V>, &'a V),
    ) {
        self.gather(before.map(|trie| &trie.root), &next.root, 0, values);
    }

    /// Hashes what was added. Nodes below that were not added must have been.
    pub(crate) fn hash(&self) {
        self.unhashed.hash();
    }

    fn gather(
        &mut self,
        before: Option<&'a Link<V>>,
        next: &'a Link<V>,
        depth: usize,
        values: &mut impl FnMut(Option<&'a V>, &'a V),
    ) {
        let Link::Node(node) = next else {
            return;
        };
        let before = match before {
            Some(Link::Node(before)) => Some(before),
            _ => None,
        };
        if node.is_hashed() || before.is_some_and(|before| Arc::ptr_eq(before, node)) {
            return;
        }
        self.unhashed.push(node, depth);
        let before = before.map(|node| node.kind());
        if let Some(value) = node.kind().value() {
            values(before.and_then(Kind::value), value);
        }
        let below = depth.saturating_add(1);
        match (node.kind(), before) {
            (Kind::Leaf { .. }, _) => {}
            (Kind::Extension { path, child }, before) => {
                let old = match before {
                    Some(Kind::Extension { path: was, child }) if was == path => Some(child),
                    _ => None,
                };
                self.gather(old, child, below, values);
            }
            (Kind::Branch { children, .. }, before) => {
                let old = match before {
                    Some(Kind::Branch { children, .. }) => Some(children),
                    _ => None,
                };
                for (nibble, child) in children.iter() {
                    self.gather(old.map(|old| old.get(nibble)), child, below, values);
                }
            }
        }
    }
}
