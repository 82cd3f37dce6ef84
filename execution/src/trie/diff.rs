//! What differs between two tries that share nodes.

use std::sync::Arc;

use alloy_trie::Nibbles;

use super::{Kind, Link, Node, Trie, TrieError, Value};

impl<V: Value> Trie<V> {
    /// Tells of every key whose value may differ between this trie and `after`, in order, with both values. Subtries that
    /// the two share in memory are passed over, so that this takes time by the number of differences, not by size. Values in
    /// nodes that were made again are told of even if they are equal.
    ///
    /// # Errors
    /// [`TrieError::Missing`] for a subtrie that is blinded in one of them, and not the same in both.
    pub fn differences<'a>(
        &'a self,
        after: &'a Self,
        tell: &mut impl FnMut(Nibbles, Option<&'a V>, Option<&'a V>),
    ) -> Result<(), TrieError> {
        compare(Nibbles::new(), Place::of(&self.root), Place::of(&after.root), tell)
    }
}

/// Where a walk stands in one of the tries.
enum Place<'a, V> {
    /// Nothing is stored below.
    Nothing,
    /// At a subtrie, or within the path of its topmost node, of which so many nibbles lie behind.
    In(&'a Link<V>, usize),
}

impl<V> Clone for Place<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Place<'_, V> {}

fn compare<'a, V: Value>(
    path: Nibbles,
    before: Place<'a, V>,
    after: Place<'a, V>,
    tell: &mut impl FnMut(Nibbles, Option<&'a V>, Option<&'a V>),
) -> Result<(), TrieError> {
    if before.is(after) {
        return Ok(());
    }
    let (old, new) = (before.leaf()?, after.leaf()?);
    match (old, new) {
        (Some((rest, old)), None) if after.is_nothing() => {
            tell(path.join(&rest), Some(old), None);
            return Ok(());
        }
        (None, Some((rest, new))) if before.is_nothing() => {
            tell(path.join(&rest), None, Some(new));
            return Ok(());
        }
        (Some((rest, old)), Some((other, new))) if rest == other => {
            tell(path.join(&rest), Some(old), Some(new));
            return Ok(());
        }
        _ => {}
    }
    let (old, new) = (before.value()?, after.value()?);
    if old.is_some() || new.is_some() {
        tell(path, old, new);
    }
    for nibble in 0..16 {
        let (before, after) = (before.down(nibble)?, after.down(nibble)?);
        if before.is_nothing() && after.is_nothing() {
            continue;
        }
        let mut path = path;
        path.push(nibble);
        compare(path, before, after, tell)?;
    }
    Ok(())
}

impl<'a, V: Value> Place<'a, V> {
    const fn of(link: &'a Link<V>) -> Self {
        match link {
            Link::Empty => Self::Nothing,
            _ => Self::In(link, 0),
        }
    }

    const fn is_nothing(self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether both are the same place, shared in memory or known by the same hash.
    fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::In(Link::Node(one), depth), Self::In(Link::Node(other), at)) => {
                depth == at && Arc::ptr_eq(one, other)
            }
            (Self::In(Link::Hash(one), _), Self::In(Link::Hash(other), _)) => one == other,
            _ => false,
        }
    }

    fn node(self) -> Result<Option<(&'a Node<V>, usize)>, TrieError> {
        match self {
            Self::Nothing | Self::In(Link::Empty, _) => Ok(None),
            Self::In(Link::Hash(hash), _) => Err(TrieError::Missing(*hash)),
            Self::In(Link::Node(node), behind) => Ok(Some((node, behind))),
        }
    }

    /// The rest of the path, and the value, if there is but one below.
    fn leaf(self) -> Result<Option<(Nibbles, &'a V)>, TrieError> {
        Ok(match self.node()? {
            Some((node, behind)) => match node.kind() {
                Kind::Leaf { path, value } => Some((path.slice(behind..), value)),
                _ => None,
            },
            None => None,
        })
    }

    /// The value of the key that ends here.
    fn value(self) -> Result<Option<&'a V>, TrieError> {
        Ok(match self.node()? {
            Some((node, behind)) => match node.kind() {
                Kind::Leaf { path, value } => (path.len() == behind).then_some(value),
                Kind::Extension { .. } => None,
                Kind::Branch { value, .. } => value.as_ref(),
            },
            None => None,
        })
    }

    fn down(self, nibble: u8) -> Result<Self, TrieError> {
        let (Self::In(link, _), Some((node, behind))) = (self, self.node()?) else {
            return Ok(Self::Nothing);
        };
        let next = behind.saturating_add(1);
        Ok(match node.kind() {
            Kind::Branch { children, .. } => Self::of(children.get(nibble)),
            Kind::Extension { path, child } if path.get(behind) == Some(nibble) => {
                if path.len() == next { Self::of(child) } else { Self::In(link, next) }
            }
            Kind::Leaf { path, .. } if path.get(behind) == Some(nibble) => Self::In(link, next),
            _ => Self::Nothing,
        })
    }
}
