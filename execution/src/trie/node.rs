use std::sync::{Arc, OnceLock};

use alloy_primitives::{B256, keccak256};
use alloy_trie::{Nibbles, nodes::RlpNode};

use super::{Value, encode};

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
#[derive(Clone, Debug)]
pub struct Node<V> {
    kind: Kind<V>,
    name: OnceLock<Name>,
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
        children: Box<[Link<V>; 16]>,
        /// The value of the key that ends here. Keys of one length, as in Ethereum's state, never do.
        value: Option<V>,
    },
}

/// How a parent names a node (its hash, or itself when it is short), and the length of its RLP.
#[derive(Clone, Debug)]
struct Name {
    reference: RlpNode,
    len: usize,
}

impl<V> Node<V> {
    /// A node that changed: nobody hashed it yet.
    pub(super) fn dirty(kind: Kind<V>) -> Self {
        Self { kind, name: OnceLock::new() }
    }

    /// A node read from `rlp`.
    pub(super) fn clean(kind: Kind<V>, reference: RlpNode, len: usize) -> Self {
        Self { kind, name: OnceLock::from(Name { reference, len }) }
    }

    /// Its shape and content.
    #[must_use]
    pub fn kind(&self) -> &Kind<V> {
        &self.kind
    }

    pub(super) fn into_kind(self) -> Kind<V> {
        self.kind
    }

    /// The hash by which a parent names it: none while it is dirty, or when it is embedded.
    pub(super) fn clean_hash(&self) -> Option<B256> {
        self.name.get().and_then(|name| name.reference.as_hash())
    }

    /// The hash that it has as a root, unless it is dirty.
    pub(super) fn clean_root_hash(&self) -> Option<B256> {
        self.name.get().map(Name::as_root)
    }
}

impl<V: Value> Node<V> {
    /// Its RLP.
    #[must_use]
    pub fn rlp(&self) -> Vec<u8> {
        encode::node(self)
    }

    /// The length of its RLP, in bytes.
    #[must_use]
    pub fn rlp_len(&self) -> usize {
        self.name().len
    }

    pub(super) fn is_short(&self) -> bool {
        self.rlp_len() < 32
    }

    pub(super) fn reference(&self) -> &RlpNode {
        &self.name().reference
    }

    pub(super) fn root_hash(&self) -> B256 {
        self.name().as_root()
    }

    fn name(&self) -> &Name {
        self.name.get_or_init(|| {
            let rlp = encode::node(self);
            Name { reference: RlpNode::from_rlp(&rlp), len: rlp.len() }
        })
    }
}

impl Name {
    fn as_root(&self) -> B256 {
        self.reference.as_hash().unwrap_or_else(|| keccak256(&self.reference))
    }
}

/// The link of a branch for a nibble.
pub(super) fn child<V>(children: &[Link<V>; 16], nibble: u8) -> &Link<V> {
    children.get(usize::from(nibble)).unwrap_or(const { &Link::Empty })
}
