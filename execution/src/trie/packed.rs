//! Subtries that stay lists until somebody looks into them.
//!
//! A state of which little is touched need not have all of its nodes in memory: a node that is made of a list knows its hash,
//! and makes what is below it when it is asked for.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use alloy_primitives::{B256, U256};
use alloy_trie::{Nibbles, nodes::RlpNode};

use super::{
    Children, Kind, Link, Node, Nothing, Trie, TrieError, Value, encode,
    hash::{By, Rlp, TOGETHER, hash_all},
};

/// Keys of a subtrie up to which it stays a list.
const FEW: usize = 64;

/// Keys and their values.
type List<'a, V> = &'a [(B256, V)];

/// Keys and values below a node, until it is looked into.
#[derive(Debug)]
pub(super) struct Packed<V> {
    /// In order. Empty from when the node was made.
    list: Mutex<Vec<(B256, V)>>,
    /// Nibbles of the keys that lie before the node.
    depth: usize,
    kind: OnceLock<Box<Kind<V>>>,
}

impl<V: Value> Packed<V> {
    /// The node. Makes it, and what is below, if nobody asked before.
    pub(super) fn kind(&self) -> &Kind<V> {
        self.kind.get_or_init(|| {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            let kind = Box::new(whole(&list, self.depth));
            *list = Vec::new();
            kind
        })
    }

    /// The same, moved.
    pub(super) fn into_kind(self) -> Kind<V> {
        let list = self.list.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.kind.into_inner().map_or_else(|| whole(&list, self.depth), |kind| *kind)
    }
}

impl<V: Value> Trie<V> {
    /// The trie of a list in key order, hashed; `value` is asked for the value of each key, in order. Subtries of few keys
    /// stay lists.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] when keys are not in order.
    pub(crate) fn of_list<S>(
        list: List<'_, S>,
        mut value: impl FnMut(&B256, &S) -> V,
    ) -> Result<Self, TrieError> {
        if !list.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(TrieError::Malformed("keys are not in order"));
        }
        let mut parts = Vec::new();
        split(list, 0, &mut parts);
        let (mut nodes, mut batch, mut keys) = (Vec::with_capacity(parts.len()), Vec::new(), 0);
        let mut rlp = Rlp::default();
        for (list, depth) in parts {
            keys = list.len().saturating_add(keys);
            let list = list.iter().map(|(key, source)| (*key, value(key, source))).collect();
            batch.push((list, depth));
            if keys >= TOGETHER {
                pack(&mut batch, &mut nodes, &mut rlp);
                keys = 0;
            }
        }
        pack(&mut batch, &mut nodes, &mut rlp);
        let root =
            if list.is_empty() { Link::Empty } else { join(list, 0, &mut nodes.into_iter()) };
        let trie = Self { root };
        // All leaves are in lists, which are hashed.
        hash_all::<V, Nothing>(&[&trie], By::Me);
        Ok(trie)
    }
}

/// The lists that are nodes of their own, each with the number of nibbles before it.
fn split<'a, S>(list: List<'a, S>, depth: usize, parts: &mut Vec<(List<'a, S>, usize)>) {
    if list.len() <= FEW {
        parts.extend((!list.is_empty()).then_some((list, depth)));
        return;
    }
    let depth = path_of(list);
    for group in groups(list, depth) {
        split(group, depth.saturating_add(1), parts);
    }
}

/// The nodes above those that are lists, which are taken from `nodes`.
fn join<S, V: Value>(
    list: List<'_, S>,
    depth: usize,
    nodes: &mut impl Iterator<Item = Link<V>>,
) -> Link<V> {
    if list.len() <= FEW {
        return nodes.next().unwrap_or_default();
    }
    let kind = fork(list, depth, &mut |list, depth| join(list, depth, nodes));
    Link::Node(Arc::new(Node::settled(kind)))
}

/// Makes nodes of lists: hashes leaves by their bytes alone, then what is above them, level by level.
fn pack<V: Value>(
    batch: &mut Vec<(Vec<(B256, V)>, usize)>,
    nodes: &mut Vec<Link<V>>,
    rlp: &mut Rlp,
) {
    rlp.clear();
    for (list, depth) in batch.iter() {
        let mut before = *depth;
        for (at, (key, value)) in list.iter().enumerate() {
            let next = list.get(at.saturating_add(1));
            let after = next.map_or(*depth, |(next, _)| shared(key, next).saturating_add(1));
            rlp.add(|out| encode::leaf(key, before.max(after), value, out));
            before = after;
        }
    }
    let mut above = Above::of(rlp.references());
    let tops: Vec<Place> =
        batch.iter().map(|(list, depth)| above.plan(list, *depth).place).collect();
    above.hash(rlp);
    for ((list, depth), top) in batch.drain(..).zip(tops) {
        let (reference, len) = above.known.get(top).cloned().unwrap_or_default();
        let packed = Packed { list: Mutex::new(list), depth, kind: OnceLock::new() };
        nodes.push(Link::Node(Arc::new(Node::packed(packed, reference, len))));
    }
}

/// Where a node lies among those that are hashed together.
type Place = usize;

/// What is above leaves of which only the hashes are known. Nothing else of these nodes is kept.
struct Above {
    /// How parents name the nodes, and how long they are: the leaves in order, then those above.
    known: Vec<(RlpNode, usize)>,
    /// How many leaves have found their places.
    taken: usize,
    forks: Vec<Fork>,
    /// The forks above leaves, those above them, and so on.
    levels: Vec<Vec<Place>>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
enum Fork {
    Branch([Option<Place>; 16]),
    Extension(Nibbles, Place),
}

/// A node that is going to be hashed.
struct Planned {
    place: Place,
    /// How many nodes lie below it on the longest way.
    height: usize,
}

impl Above {
    const fn of(leaves: Vec<(RlpNode, usize)>) -> Self {
        Self { known: leaves, taken: 0, forks: Vec::new(), levels: Vec::new() }
    }

    /// The topmost node of a list, which lies behind `depth` nibbles. Lists are planned in the order of their leaves.
    fn plan<V>(&mut self, list: List<'_, V>, depth: usize) -> Planned {
        if list.len() <= 1 {
            let place = self.taken;
            self.taken = place.saturating_add(1);
            return Planned { place, height: 0 };
        }
        let at = path_of(list);
        if let Some((first, _)) = list.first()
            && at > depth
        {
            let below = self.plan(list, at);
            let path = Nibbles::unpack(first).slice(depth..at);
            return self.add(Fork::Extension(path, below.place), below.height);
        }
        let (mut children, mut height) = ([None; 16], 0);
        for group in groups(list, depth) {
            let below = self.plan(group, depth.saturating_add(1));
            height = below.height.max(height);
            let nibble = group.first().map_or(0, |(key, _)| nibble(key, depth));
            if let Some(child) = children.get_mut(usize::from(nibble)) {
                *child = Some(below.place);
            }
        }
        self.add(Fork::Branch(children), height)
    }

    fn add(&mut self, fork: Fork, below: usize) -> Planned {
        if self.levels.len() <= below {
            self.levels.resize_with(below.saturating_add(1), Vec::new);
        }
        if let Some(level) = self.levels.get_mut(below) {
            level.push(self.forks.len());
        }
        let place = self.leaves().saturating_add(self.forks.len());
        self.forks.push(fork);
        Planned { place, height: below.saturating_add(1) }
    }

    /// Until it is hashed, nothing else is known.
    const fn leaves(&self) -> usize {
        self.known.len()
    }

    /// Hashes all that is planned.
    fn hash(&mut self, rlp: &mut Rlp) {
        let leaves = self.leaves();
        self.known.resize_with(leaves.saturating_add(self.forks.len()), Default::default);
        for level in &self.levels {
            rlp.clear();
            for fork in level.iter().filter_map(|place| self.forks.get(*place)) {
                let reference = |place: &Place| self.known.get(*place).map(|(node, _)| &**node);
                rlp.add(|out| match fork {
                    Fork::Branch(children) => {
                        let children = children.iter();
                        encode::branch(children.map(|at| at.as_ref().and_then(reference)), out);
                    }
                    Fork::Extension(path, child) => {
                        encode::extension(path, reference(child).unwrap_or_default(), out);
                    }
                });
            }
            for (place, hashed) in level.iter().zip(rlp.references()) {
                if let Some(known) = self.known.get_mut(leaves.saturating_add(*place)) {
                    *known = hashed;
                }
            }
        }
    }
}

/// The topmost node of a list, and all below.
fn whole<V: Value>(list: List<'_, V>, depth: usize) -> Kind<V> {
    match list {
        [(key, value)] => leaf(key, depth, value),
        _ => fork(list, depth, &mut |list, depth| {
            Link::Node(Arc::new(Node::settled(whole(list, depth))))
        }),
    }
}

fn leaf<V: Value>(key: &B256, depth: usize, value: &V) -> Kind<V> {
    Kind::Leaf { path: Nibbles::unpack(key).slice(depth..), value: value.clone() }
}

/// The topmost node of a list of two keys at least, which lies behind `depth` nibbles; `below` makes its subtries.
fn fork<'a, S, V>(
    list: List<'a, S>,
    depth: usize,
    below: &mut impl FnMut(List<'a, S>, usize) -> Link<V>,
) -> Kind<V> {
    let at = path_of(list);
    if let Some((first, _)) = list.first()
        && at > depth
    {
        let path = Nibbles::unpack(first).slice(depth..at);
        return Kind::Extension { path, child: below(list, at) };
    }
    let mut children = Children::with_capacity(groups(list, depth).count());
    for group in groups(list, depth) {
        if let Some((key, _)) = group.first() {
            children.set(nibble(key, depth), below(group, depth.saturating_add(1)));
        }
    }
    Kind::Branch { children, value: None }
}

/// How many nibbles all keys of a list have in common.
fn path_of<S>(list: List<'_, S>) -> usize {
    match list {
        [(first, _), .., (last, _)] => shared(first, last),
        _ => 0,
    }
}

/// The keys of a list by the nibble behind `depth` others.
fn groups<S>(list: List<'_, S>, depth: usize) -> impl Iterator<Item = List<'_, S>> {
    list.chunk_by(move |(one, _), (other, _)| nibble(one, depth) == nibble(other, depth))
}

/// How many nibbles two keys have in common from the start.
fn shared(one: &B256, other: &B256) -> usize {
    (U256::from_be_bytes(one.0) ^ U256::from_be_bytes(other.0)).leading_zeros() / 4
}

/// The nibble of a key behind `depth` others.
fn nibble(key: &B256, depth: usize) -> u8 {
    let byte = key.get(depth / 2).copied().unwrap_or_default();
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

    use alloy_primitives::Bytes;
    use proptest::{collection::btree_map, prelude::*};

    use super::*;
    use crate::trie::{Change, InMemory};

    /// Keys that share much with each other, also all but their last nibbles, so that nodes are short.
    fn key() -> impl Strategy<Value = B256> {
        (0..=3_usize, prop::array::uniform4(any::<u8>()), any::<bool>()).prop_map(
            |(at, end, ends)| {
                let mut key = B256::ZERO;
                let from = if ends { 28 } else { 0 };
                for (place, byte) in key.iter_mut().skip(from + at).zip(end) {
                    *place = byte;
                }
                key
            },
        )
    }

    fn values(most: usize) -> impl Strategy<Value = Vec<(B256, Bytes)>> {
        let value = prop::collection::vec(1..=255_u8, 1..40).prop_map(Bytes::from);
        btree_map(key(), value, 0..most).prop_map(|map| map.into_iter().collect())
    }

    fn packed(list: &[(B256, Bytes)]) -> Trie<Bytes> {
        Trie::of_list(list, |_, value| value.clone()).unwrap()
    }

    fn changed(mut trie: Trie<Bytes>, changes: &[(B256, Option<Bytes>)]) -> Trie<Bytes> {
        let change = |(key, value): &(B256, Option<Bytes>)| (Nibbles::unpack(key), value.clone());
        let mut changes: Vec<Change<Bytes>> = changes.iter().map(change).collect();
        trie.apply_all(&mut changes).unwrap();
        trie
    }

    fn made(list: &[(B256, Bytes)]) -> Trie<Bytes> {
        let set = |(key, value): &(B256, Bytes)| (*key, Some(value.clone()));
        changed(Trie::default(), &list.iter().map(set).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn a_list_is_the_trie_that_changes_make(list in values(300), others in values(40)) {
            let (lists, nodes) = (packed(&list), made(&list));
            // The hashes are those of the lists: nobody looked into them yet.
            prop_assert_eq!(lists.root(), nodes.root());
            // Some keys go, some get new values, some are new.
            let gone = list.iter().step_by(7).map(|(key, _)| (*key, None));
            let new = others.iter().map(|(key, value)| (*key, Some(value.clone())));
            let changes: Vec<_> =
                gone.chain(new).collect::<std::collections::BTreeMap<_, _>>().into_iter().collect();
            prop_assert_eq!(
                changed(lists.clone(), &changes).root(),
                changed(nodes.clone(), &changes).root(),
            );
            for (key, value) in list.iter().chain(&others) {
                let key = Nibbles::unpack(key);
                prop_assert_eq!(lists.proof(&key).unwrap(), nodes.proof(&key).unwrap());
                let found = lists.get(&key, &mut InMemory).unwrap();
                prop_assert_eq!(&found, &nodes.get(&key, &mut InMemory).unwrap());
                prop_assert!(found.is_some() || others.iter().any(|(_, other)| other == value));
            }
            // As it was, though nodes were made meanwhile.
            prop_assert_eq!(lists.root(), nodes.root());
            let mut differences = 0;
            lists.differences(&packed(&list), &mut |_, one, other| {
                assert_eq!(one, other);
                differences += 1;
            }).unwrap();
            prop_assert_eq!(differences, list.len());
        }
    }

    #[test]
    fn keys_must_be_in_order() {
        let value = Bytes::from_static(b"x");
        let one = (B256::repeat_byte(1), value.clone());
        let other = (B256::repeat_byte(2), value);
        for list in [vec![other.clone(), one.clone()], vec![one.clone(), one]] {
            let error = Trie::of_list(&list, |_, value| value.clone()).unwrap_err();
            assert_eq!(error, TrieError::Malformed("keys are not in order"));
        }
    }
}
