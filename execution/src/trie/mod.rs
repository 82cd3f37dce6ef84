//! A sparse Merkle-Patricia trie (Yellow Paper, appendix D).
//!
//! Nodes are immutable and shared (`Arc`): a clone of a trie is O(1) and stays what it was, an update copies the path
//! that it changes. A subtrie may be *blinded*: known by its hash only. Walking into one asks [`Nodes::resolve`];
//! what nobody resolves is an error, never an empty value. Hashes are computed for changed nodes only.

mod bulk;
mod children;
mod decode;
mod diff;
mod encode;
mod error;
mod graft;
mod hash;
mod join;
mod node;
mod packed;
mod steps;
mod update;

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

pub use error::TrieError;
pub use node::{Kind, Link, Node};

pub use bulk::Change;
pub use children::Children;
pub(crate) use hash::{Below, By, Nothing, hash_all};
pub(crate) use steps::Steps;

/// A node whose RLP is shorter is a part of its parent.
const SHORT: usize = 32;

/// What a leaf holds.
pub trait Value: Clone + Send + Sync {
    /// The bytes that the trie commits to; never empty.
    fn encode(&self) -> Vec<u8>;

    /// Writes them behind `out`.
    fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.encode());
    }

    /// How many they are.
    fn encoded_len(&self) -> usize {
        self.encode().len()
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] when `bytes` is not what [`Value::encode`] makes of some value.
    fn decode(bytes: &[u8]) -> Result<Self, TrieError>;
}

impl Value for Bytes {
    fn encode(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, TrieError> {
        Ok(Self::copy_from_slice(bytes))
    }
}

/// What a walk asks from outside.
pub trait Nodes<V> {
    /// The RLP of the node behind a hash, which the walk needs and stands on from now on. It is checked: [`Node::check`],
    /// [`Place::admit`]. Counts as a visit.
    ///
    /// # Errors
    /// [`TrieError::Missing`] with the hash when it is not known, [`TrieError::Malformed`] when it is not a node, then what
    /// [`Nodes::visit`] says.
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError>;

    /// The walk stands on a node in memory that its parent (or the root) names by `hash`, and that is a part of the state
    /// that the walk began with, not of the changes made since. Nodes embedded in their parent are a part of it and are not
    /// told.
    ///
    /// # Errors
    /// [`TrieError::Exhausted`] stops the walk.
    fn visit(&mut self, hash: B256, node: &Node<V>) -> Result<(), TrieError>;

    /// [`Nodes::visit`], for those who may not need the hash: a node that changed lately has none yet.
    ///
    /// # Errors
    /// As [`Nodes::visit`].
    fn pass(&mut self, node: &Arc<Node<V>>, place: Place) -> Result<(), TrieError>
    where
        V: Value,
    {
        match place.name(node) {
            Some(hash) => self.visit(hash, node),
            None => Ok(()),
        }
    }
}

/// For tries that are wholly in memory: knows no other node, and does not care which ones are visited.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl<V> Nodes<V> for InMemory {
    fn resolve(&mut self, hash: B256, _: Place) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn visit(&mut self, _: B256, _: &Node<V>) -> Result<(), TrieError> {
        Ok(())
    }

    fn pass(&mut self, _: &Arc<Node<V>>, _: Place) -> Result<(), TrieError> {
        Ok(())
    }
}

/// A Merkle-Patricia trie over keys of at most 64 nibbles.
#[derive(Clone, Debug)]
pub struct Trie<V> {
    root: Link<V>,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: Link::Empty }
    }
}

impl<V: Value> Trie<V> {
    /// A trie of which only the root hash is known.
    #[must_use]
    pub fn blinded(root: B256) -> Self {
        if root == EMPTY_ROOT_HASH {
            return Self::default();
        }
        Self { root: Link::Hash(root) }
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.root, Link::Empty)
    }

    /// From now on what changed is a part of the state: walks tell of it. `values` is told of every value that changed.
    pub(crate) fn settle(&self, values: &mut impl FnMut(&V)) {
        self.root.settle(values);
    }

    /// The root hash. Hashes what changed since the last call, and from now on walks tell of that too.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.settle(&mut |_| {});
        match &self.root {
            Link::Empty => EMPTY_ROOT_HASH,
            Link::Hash(hash) => *hash,
            Link::Node(node) => node.root_hash(),
        }
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// When the path leads into a node that `nodes` does not resolve, or that is malformed.
    pub fn get(&self, key: &Nibbles, nodes: &mut impl Nodes<V>) -> Result<Option<V>, TrieError> {
        let (mut link, mut place, mut depth) = (self.root.clone(), Place::Root, 0);
        loop {
            let step = match link {
                Link::Empty => return Ok(None),
                Link::Hash(hash) => decode::step(nodes.resolve(hash, place)?, key, depth)?,
                Link::Node(node) => {
                    pass(&node, place, nodes)?;
                    node.step(key, depth)
                }
            };
            match step {
                Step::End(value) => return Ok(value),
                Step::Down(below, at) => (link, depth) = (below, at),
            }
            place = Place::Inner;
        }
    }

    /// Applies changes in their order: a value is inserted, `None` removes.
    ///
    /// # Errors
    /// As [`Trie::get`]; a removal also walks into the sibling of a branch that it collapses. The trie is then as before.
    pub fn apply<'a>(
        &mut self,
        changes: impl IntoIterator<Item = (&'a Nibbles, Option<V>)>,
        nodes: &mut impl Nodes<V>,
    ) -> Result<(), TrieError>
    where
        V: 'a,
    {
        let before = self.root.clone();
        for (key, value) in changes {
            if let Err(error) = self.change(key, value, nodes) {
                self.root = before;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The hashed nodes on the path of `key`, root first: a Merkle proof of the value or of its absence.
    ///
    /// # Errors
    /// As [`Trie::get`].
    pub fn proof(&self, key: &Nibbles) -> Result<Vec<Bytes>, TrieError> {
        self.settle(&mut |_| {});
        let mut path = Path(Vec::new());
        self.get(key, &mut path)?;
        Ok(path.0)
    }

    fn change(
        &mut self,
        key: &Nibbles,
        value: Option<V>,
        nodes: &mut impl Nodes<V>,
    ) -> Result<(), TrieError> {
        if value.is_none() && self.get(key, nodes)?.is_none() {
            return Ok(());
        }
        let root = std::mem::take(&mut self.root);
        self.root = match value {
            Some(value) => update::insert(root, Place::Root, *key, value, nodes)?,
            None => update::remove(root, Place::Root, *key, nodes)?,
        };
        Ok(())
    }
}

/// Where a link lies. Only the root is named by its hash however short it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the top.
    Root,
    /// In a node.
    Inner,
}

impl Place {
    /// The hash by which a node there is named, if it is not a part of another node.
    #[must_use]
    pub fn name<V: Value>(self, node: &Node<V>) -> Option<B256> {
        match self {
            Self::Root => Some(node.root_hash()),
            Self::Inner => node.hash(),
        }
    }

    /// Whether a node of this length can be named by its hash there.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] when it has to be a part of its parent.
    pub fn admit(self, rlp_len: usize) -> Result<(), TrieError> {
        if self == Self::Inner && rlp_len < SHORT {
            return Err(TrieError::Malformed("a short node is named by its hash"));
        }
        Ok(())
    }
}

/// Steps onto a node in memory.
fn pass<V: Value>(
    node: &Arc<Node<V>>,
    place: Place,
    nodes: &mut impl Nodes<V>,
) -> Result<(), TrieError> {
    if node.is_settled() { nodes.pass(node, place) } else { Ok(()) }
}

/// Where a key leads from a node.
enum Step<V> {
    /// Nowhere but to its value, if it has one.
    End(Option<V>),
    /// On, with the nibbles of the key that lie behind then.
    Down(Link<V>, usize),
}

/// Keeps the RLP of every node visited.
struct Path(Vec<Bytes>);

impl<V: Value> Nodes<V> for Path {
    fn resolve(&mut self, hash: B256, _: Place) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn visit(&mut self, _: B256, node: &Node<V>) -> Result<(), TrieError> {
        self.0.push(node.rlp().into());
        Ok(())
    }
}
