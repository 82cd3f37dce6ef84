//! Hashing what changed: each level of a trie at once, and subtries on different threads.

use alloy_trie::nodes::RlpNode;
use rayon::prelude::*;

use super::{Kind, Link, Node, SHORT, Trie, Value};
use crate::keccak::keccak256_all;

/// Levels below a root where subtries are hashed each by itself, at least: there are up to 256 of them.
const SPLIT: usize = 2;
/// And at most: who sends transactions can make one way long, which says nothing about the others.
const SPLIT_AT_MOST: usize = 4;
/// Levels that those subtries have, about: some hundreds of nodes then lie in the cache of a core while they are hashed.
const LEVELS: usize = 3;
/// Subtries from which on threads share them.
const SHARED: usize = 64;
/// Nodes that are hashed together, at least, if there are as many: enough to fill the lanes of the hash function.
pub(super) const TOGETHER: usize = 512;
/// Parts that each thread gets, so that none waits long for another that has more in its own.
const PARTS: usize = 16;

/// What the values of a trie commit to themselves, and so is hashed before them.
pub(crate) trait Below<V> {
    /// Whether that is anything.
    const ANY: bool;

    /// Hashes it.
    fn hash(values: &[&V], by: By);
}

/// For values that are just bytes.
pub(crate) struct Nothing;

impl<V> Below<V> for Nothing {
    const ANY: bool = false;

    fn hash(_: &[&V], _: By) {}
}

/// Who hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The thread that asks.
    Me,
    /// Threads of the rayon pool that it runs in, if there is much to do.
    Threads,
}

/// Hashes all that was not hashed yet in these tries.
pub(crate) fn hash_all<V, B>(tries: &[&Trie<V>], by: By)
where
    V: Value,
    B: Below<V>,
{
    let (mut top, mut parts) = (Unhashed::default(), Vec::new());
    let mut found = Split::default();
    for trie in tries {
        let split = depth(&trie.root).saturating_sub(LEVELS).clamp(SPLIT, SPLIT_AT_MOST);
        found.look(&trie.root, 0, split);
        if found.below.len() < SHARED {
            // Nearly nothing changed, or it is a small trie: one of many, or done soon.
            parts.extend(trie.root.unhashed().map(|node| (node, 0)));
        } else {
            found.above.drain(..).for_each(|(node, depth)| top.push(node, depth));
            parts.extend(found.below.drain(..).map(|node| (node, split)));
        }
        found.clear();
    }
    let threads = if by == By::Threads { rayon::current_num_threads() } else { 1 };
    if threads > 1 && parts.len() >= SHARED {
        let size = parts.len().div_ceil(threads.saturating_mul(PARTS));
        parts.par_chunks(size).for_each(|parts| hash_parts::<V, B>(parts, by));
    } else {
        hash_parts::<V, B>(&parts, by);
    }
    top.finish::<B>(by);
}

fn hash_parts<V, B>(parts: &[(&Node<V>, usize)], by: By)
where
    V: Value,
    B: Below<V>,
{
    let mut unhashed = Unhashed::default();
    for (node, depth) in parts {
        unhashed.gather(node, *depth);
        if unhashed.count >= TOGETHER {
            unhashed.finish::<B>(by);
            unhashed.clear();
        }
    }
    unhashed.finish::<B>(by);
}

/// How many nodes that were not hashed yet lie on one path down.
fn depth<V: Value>(root: &Link<V>) -> usize {
    let (mut link, mut depth) = (Some(root), 0_usize);
    while let Some(node) = link.and_then(Link::unhashed) {
        link = node.kind().children().find(|child| child.unhashed().is_some());
        depth = depth.saturating_add(1);
    }
    depth
}

/// The nodes of a trie that were not hashed yet: those far up, and those where subtries begin.
struct Split<'a, V> {
    above: Vec<(&'a Node<V>, usize)>,
    below: Vec<&'a Node<V>>,
}

impl<V> Default for Split<'_, V> {
    fn default() -> Self {
        Self { above: Vec::new(), below: Vec::new() }
    }
}

impl<'a, V: Value> Split<'a, V> {
    fn look(&mut self, link: &'a Link<V>, depth: usize, split: usize) {
        let Some(node) = link.unhashed() else {
            return;
        };
        if depth == split {
            return self.below.push(node);
        }
        self.above.push((node, depth));
        let next = depth.saturating_add(1);
        node.kind().children().for_each(|child| self.look(child, next, split));
    }

    fn clear(&mut self) {
        self.above.clear();
        self.below.clear();
    }
}

/// Nodes that were not hashed yet, by the number of nodes above them. All of a level are hashed at once, for they do not
/// depend on each other.
#[derive(Debug)]
pub(super) struct Unhashed<'a, V> {
    levels: Vec<Vec<&'a Node<V>>>,
    count: usize,
}

impl<V> Default for Unhashed<'_, V> {
    fn default() -> Self {
        Self { levels: Vec::new(), count: 0 }
    }
}

impl<'a, V: Value> Unhashed<'a, V> {
    pub(super) fn push(&mut self, node: &'a Node<V>, depth: usize) {
        if self.levels.len() <= depth {
            self.levels.resize_with(depth.saturating_add(1), Vec::new);
        }
        if let Some(level) = self.levels.get_mut(depth) {
            level.push(node);
        }
        self.count = self.count.saturating_add(1);
    }

    fn clear(&mut self) {
        self.levels.iter_mut().for_each(Vec::clear);
        self.count = 0;
    }

    fn gather(&mut self, node: &'a Node<V>, depth: usize) {
        self.push(node, depth);
        let below = depth.saturating_add(1);
        for node in node.kind().children().filter_map(Link::unhashed) {
            self.gather(node, below);
        }
    }

    fn values(&self) -> Vec<&'a V> {
        self.levels.iter().flatten().filter_map(|node| node.kind().value()).collect()
    }
}

impl<V: Value> Unhashed<'_, V> {
    /// Hashes them, and what is below their values first.
    fn finish<B: Below<V>>(&self, by: By) {
        if B::ANY {
            B::hash(&self.values(), by);
        }
        self.hash();
    }

    /// Hashes them; what is below their values must have been.
    pub(super) fn hash(&self) {
        let mut rlp = Rlp::default();
        for level in self.levels.iter().rev() {
            hash_level(level, &mut rlp);
        }
    }
}

fn hash_level<V: Value>(level: &[&Node<V>], rlp: &mut Rlp) {
    rlp.clear();
    rlp.bytes.reserve(level.iter().map(|node| node.rlp_len()).fold(0, usize::saturating_add));
    level.iter().for_each(|node| rlp.add(|out| node.encode(out)));
    for (node, (reference, _)) in level.iter().zip(rlp.references()) {
        node.set_reference(reference);
    }
}

/// The RLP of many nodes, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Rlp {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rlp {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a node, which `encode` writes.
    pub(super) fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// How their parents name them, and how long they are.
    pub(super) fn references(&self) -> Vec<(RlpNode, usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let part = |(start, end): (usize, &usize)| self.bytes.get(start..*end).unwrap_or_default();
        let parts: Vec<&[u8]> = starts.zip(&self.ends).map(part).collect();
        // A short node is a part of its parent.
        let long: Vec<&[u8]> = parts.iter().copied().filter(|part| part.len() >= SHORT).collect();
        let mut hashes = keccak256_all(&long).into_iter();
        let reference = |part: &&[u8]| {
            let hash = if part.len() < SHORT { None } else { hashes.next() };
            hash.map_or_else(|| RlpNode::from_rlp(part), |hash| RlpNode::word_rlp(&hash))
        };
        parts.iter().map(reference).zip(parts.iter().map(|part| part.len())).collect()
    }
}

impl<V> Link<V> {
    /// The node of this link, if it was not hashed yet.
    pub(super) fn unhashed(&self) -> Option<&Node<V>> {
        match self {
            Self::Node(node) if !node.is_hashed() => Some(node),
            _ => None,
        }
    }
}

impl<V> Kind<V> {
    /// The links of a node that lead somewhere, in order.
    pub(super) fn children(&self) -> impl Iterator<Item = &Link<V>> {
        let links: &[Link<V>] = match self {
            Self::Leaf { .. } => &[],
            Self::Extension { child, .. } => std::slice::from_ref(child),
            Self::Branch { children, .. } => children.links(),
        };
        links.iter()
    }

    /// The value that a node holds itself.
    pub(super) fn value(&self) -> Option<&V> {
        match self {
            Self::Leaf { value, .. } => Some(value),
            Self::Extension { .. } => None,
            Self::Branch { value, .. } => value.as_ref(),
        }
    }
}
