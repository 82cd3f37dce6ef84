//! Tries made apart from each other, put together.

use super::{
    Children, Kind, Link, Node, Trie, TrieError, Value,
    bulk::{collapse, node},
};

/// Nibbles that all keys of a part share, and keys of two parts do not.
const SHARED: usize = 2;
const MIXED: TrieError = TrieError::Malformed("parts of a trie do not lie apart");

impl<V: Value> Trie<V> {
    /// The trie of all keys of these: those of each part begin with the same two nibbles, those of two parts with different
    /// ones. What the parts hashed stays so.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] when they begin otherwise; [`TrieError::Missing`] when one is blinded.
    pub(crate) fn join(parts: impl IntoIterator<Item = Self>) -> Result<Self, TrieError> {
        let mut first: [Option<Children<V>>; 16] = Default::default();
        for part in parts {
            let Some((high, low, below)) = split(part.root)? else { continue };
            let children = first.get_mut(usize::from(high)).ok_or(MIXED)?.get_or_insert_default();
            if !matches!(children.get(low), Link::Empty) {
                return Err(MIXED);
            }
            children.set(low, below);
        }
        let mut top = Children::default();
        for (nibble, children) in (0_u8..).zip(first) {
            if let Some(children) = children {
                top.set(nibble, collapse(children, None)?);
            }
        }
        Ok(Self { root: collapse(top, None)? })
    }
}

/// The two nibbles that all keys begin with, and what lies below them; none if there is nothing.
fn split<V: Value>(root: Link<V>) -> Result<Option<(u8, u8, Link<V>)>, TrieError> {
    let top = match root {
        Link::Empty => return Ok(None),
        Link::Hash(hash) => return Err(TrieError::Missing(hash)),
        Link::Node(top) => top,
    };
    let (path, below) = match Node::take_kind(top) {
        Kind::Leaf { path, value } if path.len() >= SHARED => {
            (path, node(Kind::Leaf { path: path.slice(SHARED..), value }))
        }
        Kind::Extension { path, child } if path.len() == SHARED => (path, child),
        Kind::Extension { path, child } if path.len() > SHARED => {
            (path, node(Kind::Extension { path: path.slice(SHARED..), child }))
        }
        _ => return Err(MIXED),
    };
    match (path.get(0), path.get(1)) {
        (Some(high), Some(low)) => Ok(Some((high, low, below))),
        _ => Err(MIXED),
    }
}
