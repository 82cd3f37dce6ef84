use std::sync::{
    Arc, OnceLock,
    atomic::{
        AtomicUsize,
        Ordering::{Acquire, Release},
    },
};

use alloy_primitives::{B256, keccak256};
use alloy_trie::{Nibbles, nodes::RlpNode};

use super::{Children, SHORT, Step, Value, encode, packed::Packed};

/// A reference to a subtrie.
#[derive(Clone, Debug, Default)]
pub enum Link<V> {
    /// Nothing below.
    #[default]
    Empty,
    /// A blinded subtrie: only its hash is known.
    Hash(B256),
    /// A subtrie in memory.
    Node(Arc<Node<V>>),
}

/// A node in memory, with its hash as soon as that was asked for.
#[derive(Debug)]
pub struct Node<V> {
    body: Body<V>,
    /// How a parent names it: its hash, or itself when it is short.
    reference: OnceLock<RlpNode>,
    /// The length of its RLP. Known as soon as it is part of a state that a transaction begins with.
    len: Len,
}

/// What a node holds.
#[derive(Debug)]
enum Body<V> {
    Made(Kind<V>),
    /// It is made when somebody looks into it.
    Packed(Box<Packed<V>>),
}

/// A length that becomes known once; 0 until then. Where that of a node is seen, those of the nodes below it are.
#[derive(Debug, Default)]
struct Len(AtomicUsize);

impl Len {
    fn get(&self) -> Option<usize> {
        Some(self.0.load(Acquire)).filter(|len| *len > 0)
    }

    fn set(&self, len: usize) {
        self.0.store(len, Release);
    }
}

impl Clone for Len {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Acquire)))
    }
}

/// The three shapes of a node.
#[derive(Clone, Debug)]
pub enum Kind<V> {
    /// The rest of a key and its value.
    Leaf {
        /// The nibbles of the key that are left here.
        path: Nibbles,
        /// What is stored.
        value: V,
    },
    /// A run of nibbles that all keys below share.
    Extension {
        /// The run; never empty.
        path: Nibbles,
        /// What follows.
        child: Link<V>,
    },
    /// A fork.
    Branch {
        /// One subtrie for each next nibble.
        children: Children<V>,
        /// The value of the key that ends here. Keys of one length, as in Ethereum's state, never do.
        value: Option<V>,
    },
}

impl<V> Node<V> {
    /// A node that changed: nobody hashed it yet.
    pub(super) fn dirty(kind: Kind<V>) -> Self {
        Self { body: Body::Made(kind), reference: OnceLock::new(), len: Len::default() }
    }

    /// A node read from RLP of this length.
    pub(super) fn clean(kind: Kind<V>, reference: RlpNode, len: usize) -> Self {
        let reference = OnceLock::from(reference);
        Self { body: Body::Made(kind), reference, len: Len(AtomicUsize::new(len)) }
    }

    /// The same node with more of it in memory.
    pub(super) fn with_kind(&self, kind: Kind<V>) -> Self {
        Self { body: Body::Made(kind), reference: self.reference.clone(), len: self.len.clone() }
    }

    /// Whether it is part of a state that a transaction began with, not one that the transaction under way makes.
    pub(super) fn is_settled(&self) -> bool {
        self.len.get().is_some()
    }

    pub(super) fn is_hashed(&self) -> bool {
        self.reference.get().is_some()
    }

    pub(super) fn set_reference(&self, reference: RlpNode) {
        // Whoever was faster has set the same.
        let _ = self.reference.set(reference);
    }
}

impl<V: Value> Node<V> {
    /// A node of a list, of which a parent's name for it and the length of its RLP are known.
    pub(super) fn packed(packed: Packed<V>, reference: RlpNode, len: usize) -> Self {
        let body = Body::Packed(Box::new(packed));
        Self { body, reference: OnceLock::from(reference), len: Len(AtomicUsize::new(len)) }
    }

    /// Its shape and content.
    #[must_use]
    pub fn kind(&self) -> &Kind<V> {
        match &self.body {
            Body::Made(kind) => kind,
            Body::Packed(packed) => packed.kind(),
        }
    }

    /// Its content, moved when nobody else holds it, else copied.
    pub(super) fn take_kind(node: Arc<Self>) -> Kind<V> {
        match Arc::try_unwrap(node) {
            Ok(Self { body: Body::Made(kind), .. }) => kind,
            Ok(Self { body: Body::Packed(packed), .. }) => packed.into_kind(),
            Err(shared) => shared.kind().clone(),
        }
    }

    /// Its RLP.
    #[must_use]
    pub fn rlp(&self) -> Vec<u8> {
        let mut rlp = Vec::with_capacity(self.rlp_len());
        self.encode(&mut rlp);
        rlp
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        encode::node(self, out);
    }

    /// The length of its RLP, in bytes.
    #[must_use]
    pub fn rlp_len(&self) -> usize {
        self.len.get().unwrap_or_else(|| encode::len(self.kind()))
    }

    /// Whether a parent holds it as a part of itself, not by its hash.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.rlp_len() < SHORT
    }

    /// The hash by which a parent names it: none when it is short. Hashes what has no hash yet.
    #[must_use]
    pub fn hash(&self) -> Option<B256> {
        self.reference().as_hash()
    }

    /// The hash that it has as a root. Hashes what has no hash yet.
    #[must_use]
    pub fn root_hash(&self) -> B256 {
        let reference = self.reference();
        reference.as_hash().unwrap_or_else(|| keccak256(reference))
    }

    /// A node that is a part of the state at once, as all below it are.
    pub(super) fn settled(kind: Kind<V>) -> Self {
        let len = Len(AtomicUsize::new(encode::len(&kind)));
        Self { body: Body::Made(kind), reference: OnceLock::new(), len }
    }

    /// Where `key` leads from here, of which `depth` nibbles lie behind.
    pub(super) fn step(&self, key: &Nibbles, depth: usize) -> Step<V> {
        match self.kind() {
            Kind::Leaf { path, value } => {
                Step::End((key.slice(depth..) == *path).then(|| value.clone()))
            }
            Kind::Extension { path, child } if key.slice(depth..).starts_with(path) => {
                Step::Down(child.clone(), depth.saturating_add(path.len()))
            }
            Kind::Extension { .. } => Step::End(None),
            Kind::Branch { children, value } => match key.get(depth) {
                Some(nibble) => Step::Down(children.get(nibble).clone(), depth.saturating_add(1)),
                None => Step::End(value.clone()),
            },
        }
    }

    pub(super) fn reference(&self) -> &RlpNode {
        self.reference.get_or_init(|| RlpNode::from_rlp(&self.rlp()))
    }

    /// From now on it is a part of the state, and all below it.
    pub(super) fn settle(&self, values: &mut impl FnMut(&V)) {
        if self.is_settled() {
            return;
        }
        match self.kind() {
            Kind::Leaf { value, .. } => values(value),
            Kind::Extension { child, .. } => child.settle(values),
            Kind::Branch { children, value } => {
                value.iter().for_each(&mut *values);
                for child in children.links() {
                    child.settle(values);
                }
            }
        }
        self.len.set(encode::len(self.kind()));
    }
}

impl<V: Value> Link<V> {
    pub(super) fn settle(&self, values: &mut impl FnMut(&V)) {
        if let Self::Node(node) = self {
            node.settle(values);
        }
    }
}
