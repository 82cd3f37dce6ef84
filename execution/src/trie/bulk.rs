//! Many changes at once, for tries that are wholly in memory.
//!
//! One walk takes all of them down: each node on their paths is made once, however many changes pass it. Subtries do not
//! depend on each other, so that threads share the work at the forks.

use alloy_trie::Nibbles;
use rayon::prelude::*;

use super::{Children, Kind, Link, Node, Trie, TrieError, Value, update::extend};

/// Changes below a fork from which on threads share them: fewer are done sooner than they are handed over.
const SHARED: usize = 256;
/// From here on halving finds where a nibble's changes end sooner than looking at each.
const HALVED: usize = 64;

/// A key with its new value; none removes it.
pub type Change<V> = (Nibbles, Option<V>);

impl<V: Value> Trie<V> {
    /// Applies all of these changes, sorted by key, no key twice. What results is what [`Trie::apply`] makes of them one
    /// after the other. Threads of the rayon pool that this runs in share the work.
    ///
    /// The values are moved out of `changes`.
    ///
    /// # Errors
    /// [`TrieError::Missing`] when a path leads into a blinded subtrie; the trie is then as before.
    pub fn apply_all(&mut self, changes: &mut [Change<V>]) -> Result<(), TrieError> {
        debug_assert!(changes.is_sorted_by(|(one, _), (next, _)| one < next));
        self.root = update(self.root.clone(), changes, 0)?;
        Ok(())
    }
}

/// `link` after changes whose keys have the same `depth` nibbles before it.
fn update<V: Value>(
    link: Link<V>,
    changes: &mut [Change<V>],
    depth: usize,
) -> Result<Link<V>, TrieError> {
    let (first, last) = match changes {
        [] => return Ok(link),
        [(key, value)] if matches!(link, Link::Empty) => {
            return Ok(leaf(key.slice(depth..), value.take()));
        }
        [(first, _)] => (*first, *first),
        [(first, _), .., (last, _)] => (*first, *last),
    };
    let node = match link {
        Link::Empty => {
            let shared = first.common_prefix_length(&last);
            let below = fork(Children::default(), None, changes, shared)?;
            return behind(first.slice(depth..shared), below);
        }
        Link::Hash(hash) => return Err(TrieError::Missing(hash)),
        Link::Node(node) => node,
    };
    match Node::take_kind(node) {
        Kind::Branch { children, value } => fork(children, value, changes, depth),
        Kind::Leaf { path, value } => {
            let shared = shared(&path, &first, &last, depth);
            if let [(key, change)] = changes
                && key.len() == depth.saturating_add(path.len())
                && shared == path.len()
            {
                return Ok(leaf(path, change.take()));
            }
            let (mut children, mut own) = (Children::default(), None);
            match path.get(shared) {
                Some(nibble) => {
                    let rest = path.slice(shared.saturating_add(1)..);
                    children.set(nibble, leaf(rest, Some(value)));
                }
                None => own = Some(value),
            }
            let below = fork(children, own, changes, depth.saturating_add(shared))?;
            behind(path.slice(..shared), below)
        }
        Kind::Extension { path, child } => {
            let shared = shared(&path, &first, &last, depth);
            let at = depth.saturating_add(shared);
            let Some(nibble) = path.get(shared) else {
                return behind(path, update(child, changes, at)?);
            };
            let mut children = Children::default();
            let below = behind(path.slice(shared.saturating_add(1)..), child)?;
            children.set(nibble, below);
            behind(path.slice(..shared), fork(children, None, changes, at)?)
        }
    }
}

/// How far all keys follow a path that lies `depth` nibbles into them. Between the first and the last in order, no key
/// leaves it sooner.
fn shared(path: &Nibbles, first: &Nibbles, last: &Nibbles, depth: usize) -> usize {
    let follows = |key: &Nibbles| key.slice(depth..).common_prefix_length(path);
    follows(first).min(follows(last))
}

/// A branch, `depth` nibbles into the keys, after the changes; what is left of it if that is no branch any more.
fn fork<V: Value>(
    mut children: Children<V>,
    mut own: Option<V>,
    changes: &mut [Change<V>],
    depth: usize,
) -> Result<Link<V>, TrieError> {
    let mut rest = changes;
    // A key that ends here comes before those that go on.
    if let Some(((key, value), _)) = rest.split_first_mut()
        && key.len() <= depth
    {
        own = value.take();
        rest = rest.get_mut(1..).unwrap_or_default();
    }
    let below = depth.saturating_add(1);
    if rest.len() < SHARED {
        children.reserve(ways(rest, depth).saturating_sub(children.links().len()));
        while let Some((nibble, group, after)) = next_group(rest, depth) {
            let child = children.take(nibble);
            children.set(nibble, update(child, group, below)?);
            rest = after;
        }
    } else {
        let mut groups = Vec::with_capacity(16);
        while let Some((nibble, group, after)) = next_group(rest, depth) {
            groups.push((nibble, children.take(nibble), group));
            rest = after;
        }
        let done: Vec<_> = groups
            .into_par_iter()
            .with_max_len(1)
            .map(|(nibble, child, group)| (nibble, update(child, group, below)))
            .collect();
        children.reserve(done.len().saturating_sub(children.links().len()));
        for (nibble, child) in done {
            children.set(nibble, child?);
        }
    }
    collapse(children, own)
}

/// How many subtries the next nibbles of these keys lead into.
fn ways<V>(changes: &[Change<V>], depth: usize) -> usize {
    changes.chunk_by(|(one, _), (next, _)| one.get(depth) == next.get(depth)).count()
}

type Group<'a, V> = (u8, &'a mut [Change<V>], &'a mut [Change<V>]);

/// The changes of the next nibble at `depth`, and those behind them.
fn next_group<V>(changes: &mut [Change<V>], depth: usize) -> Option<Group<'_, V>> {
    let nibble = changes.first()?.0.get(depth)?;
    let is_in = |(key, _): &Change<V>| key.get(depth) == Some(nibble);
    let end = if changes.len() > HALVED {
        changes.partition_point(is_in)
    } else {
        changes.iter().position(|change| !is_in(change)).unwrap_or(changes.len())
    };
    let (group, after) = changes.split_at_mut_checked(end)?;
    Some((nibble, group, after))
}

/// What is left of a branch: nothing is blinded here that would have to be looked at.
pub(super) fn collapse<V: Value>(
    mut children: Children<V>,
    own: Option<V>,
) -> Result<Link<V>, TrieError> {
    let mut left = children.nibbles();
    let link = match (left.next(), left.next(), own) {
        (None, _, own) => leaf(Nibbles::new(), own),
        (Some(nibble), None, None) => {
            let sibling = children.take(nibble);
            if let Link::Hash(hash) = sibling {
                return Err(TrieError::Missing(hash));
            }
            let mut path = Nibbles::new();
            path.push(nibble);
            behind(path, sibling)?
        }
        (_, _, value) => node(Kind::Branch { children, value }),
    };
    Ok(link)
}

fn leaf<V: Value>(path: Nibbles, value: Option<V>) -> Link<V> {
    value.map_or(Link::Empty, |value| node(Kind::Leaf { path, value }))
}

pub(super) fn node<V: Value>(kind: Kind<V>) -> Link<V> {
    Link::Node(std::sync::Arc::new(Node::settled(kind)))
}

/// `link` behind a run of nibbles.
fn behind<V: Value>(path: Nibbles, link: Link<V>) -> Result<Link<V>, TrieError> {
    let link = extend(path, link)?;
    link.settle(&mut |_| {});
    Ok(link)
}
