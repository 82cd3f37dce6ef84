//! The trie against `alloy-trie`'s hash builder and a plain map.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{HashBuilder, Nibbles, proof::verify_proof};
use proptest::prelude::*;
use recourse_execution::trie::{InMemory, Kind, Link, Node, Nodes, Place, Trie, TrieError};

type Key = B256;
type Model = BTreeMap<Key, Bytes>;

/// Keys that share long prefixes, so that forks lie deep, and short values, so that nodes are embedded.
fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![
        (0_u8..40).prop_map(|seed| keccak256([seed])),
        (0_u8..4, 0_u8..4, 0_u8..3).prop_map(|(first, middle, last)| {
            let mut key = B256::ZERO;
            key[0] = first << 4;
            key[15] = middle;
            key[31] = last;
            key
        }),
    ]
}

fn values() -> impl Strategy<Value = Option<Bytes>> {
    prop_oneof![
        2 => Just(None),
        2 => prop::collection::vec(1_u8.., 1..3).prop_map(|value| Some(value.into())),
        1 => prop::collection::vec(any::<u8>(), 30..80).prop_map(|value| Some(value.into())),
    ]
}

fn changes() -> impl Strategy<Value = Vec<(Key, Option<Bytes>)>> {
    prop::collection::vec((keys(), values()), 0..60)
}

fn nibbles(key: &Key) -> Nibbles {
    Nibbles::unpack(key)
}

fn model_root(model: &Model) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(nibbles(key), value);
    }
    builder.root()
}

fn change_model(model: &mut Model, key: Key, value: Option<Bytes>) {
    match value {
        Some(value) => model.insert(key, value),
        None => model.remove(&key),
    };
}

fn change(
    trie: &mut Trie<Bytes>,
    key: &Key,
    value: Option<Bytes>,
    nodes: &mut impl Nodes<Bytes>,
) -> Result<(), TrieError> {
    trie.apply([(&nibbles(key), value)], nodes)
}

/// Nodes by hash, and those that were asked for.
#[derive(Default)]
struct Store {
    nodes: HashMap<B256, Vec<u8>>,
    asked: Vec<B256>,
}

impl Store {
    /// All hashed nodes of a trie in memory.
    fn of(trie: &Trie<Bytes>, model: &Model) -> Self {
        let mut store = Self::default();
        for key in model.keys() {
            for node in trie.proof(&nibbles(key)).unwrap() {
                store.nodes.insert(keccak256(&node), node.to_vec());
            }
        }
        store
    }
}

impl Nodes<Bytes> for Store {
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError> {
        let rlp = self.nodes.get(&hash).ok_or(TrieError::Missing(hash))?;
        self.asked.push(hash);
        Node::<Bytes>::check(rlp)?;
        place.admit(rlp.len())?;
        Ok(rlp)
    }

    fn visit(&mut self, hash: B256, node: &Node<Bytes>) -> Result<(), TrieError> {
        let rlp = node.rlp();
        assert_eq!(keccak256(&rlp), hash, "a visited node has its pre-state hash");
        assert_eq!(self.nodes.get(&hash), Some(&rlp), "and is of the pre-state");
        Ok(())
    }
}

proptest! {
    #[test]
    fn roots_are_those_of_the_hash_builder(changes in changes()) {
        let (mut trie, mut model) = (Trie::default(), Model::new());
        for (key, value) in changes {
            change(&mut trie, &key, value.clone(), &mut InMemory).unwrap();
            change_model(&mut model, key, value);
            prop_assert_eq!(trie.root(), model_root(&model));
        }
        for (key, value) in &model {
            let got = trie.get(&nibbles(key), &mut InMemory).unwrap();
            prop_assert_eq!(got.as_ref(), Some(value));
        }
    }

    #[test]
    fn a_clone_stays_what_it_was(first in changes(), second in changes()) {
        let mut trie = Trie::default();
        for (key, value) in first {
            change(&mut trie, &key, value, &mut InMemory).unwrap();
        }
        let (before, root) = (trie.clone(), trie.root());
        for (key, value) in second {
            change(&mut trie, &key, value, &mut InMemory).unwrap();
        }
        prop_assert_eq!(before.root(), root);
    }

    #[test]
    fn proofs_verify_elsewhere(changes in changes(), probe in keys()) {
        let (mut trie, mut model) = (Trie::default(), Model::new());
        for (key, value) in changes {
            change(&mut trie, &key, value.clone(), &mut InMemory).unwrap();
            change_model(&mut model, key, value);
        }
        let proof = trie.proof(&nibbles(&probe)).unwrap();
        let value = model.get(&probe).map(|value| value.to_vec());
        verify_proof(trie.root(), nibbles(&probe), value, &proof).unwrap();
    }

    /// A blinded trie gives the same root, asks for nothing but nodes of the state before, and fails by name without any of
    /// those that it asks for.
    #[test]
    fn a_blinded_trie_needs_exactly_what_it_asks_for(base in changes(), updates in changes()) {
        let (mut full, mut model) = (Trie::default(), Model::new());
        for (key, value) in base {
            change(&mut full, &key, value.clone(), &mut InMemory).unwrap();
            change_model(&mut model, key, value);
        }
        let mut store = Store::of(&full, &model);
        let blinded = Trie::<Bytes>::blinded(full.root());

        let updates: Vec<_> = updates.into_iter().map(|(key, value)| (nibbles(&key), value)).collect();
        let list = || updates.iter().map(|(key, value)| (key, value.clone()));
        let mut sparse = blinded.clone();
        sparse.apply(list(), &mut store).unwrap();
        full.apply(list(), &mut InMemory).unwrap();
        prop_assert_eq!(sparse.root(), full.root());

        for hash in store.asked.clone() {
            let node = store.nodes.remove(&hash).unwrap();
            let mut sparse = blinded.clone();
            prop_assert_eq!(sparse.apply(list(), &mut store), Err(TrieError::Missing(hash)));
            prop_assert_eq!(sparse.root(), blinded.root());
            store.nodes.insert(hash, node);
        }
    }

    /// What decodes encodes to the same bytes: there is one encoding.
    #[test]
    fn decoding_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(node) = Node::<Bytes>::decode(keccak256(&bytes), &bytes) {
            prop_assert_eq!(node.rlp(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_the_same_node_or_none(
        changes in changes(), pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let (mut trie, mut model) = (Trie::default(), Model::new());
        for (key, value) in changes {
            change(&mut trie, &key, value.clone(), &mut InMemory).unwrap();
            change_model(&mut model, key, value);
        }
        let store = Store::of(&trie, &model);
        let mut nodes: Vec<_> = store.nodes.into_values().collect();
        nodes.sort();
        prop_assume!(!nodes.is_empty());
        let mut rlp = nodes.swap_remove(pick.index(nodes.len()));
        let at = at.index(rlp.len());
        rlp[at] = byte;
        if let Ok(node) = Node::<Bytes>::decode(keccak256(&rlp), &rlp) {
            prop_assert_eq!(node.rlp(), rlp);
        }
    }
}

#[test]
fn malformed_nodes_are_refused() {
    let cases: [(&str, &[u8]); 8] = [
        ("empty", &[]),
        ("a string", &[0x82, 0x20, 0x01]),
        ("three items", &[0xc3, 0x20, 0x01, 0x02]),
        ("a leaf without a value", &[0xc2, 0x20, 0x80]),
        ("an even prefix with a nibble", &[0xc2, 0x21, 0x01]),
        ("an unknown flag", &[0xc2, 0x40, 0x01]),
        ("an extension of no nibbles", &[0xc4, 0x00, 0xc2, 0x20, 0x01]),
        ("trailing bytes", &[0xc2, 0x20, 0x01, 0x00]),
    ];
    for (what, rlp) in cases {
        let decoded = Node::<Bytes>::decode(keccak256(rlp), rlp);
        assert!(matches!(decoded, Err(TrieError::Malformed(_))), "{what}");
    }
}

#[test]
fn a_short_node_must_be_embedded() {
    // A branch that names a short leaf by its hash, which no honest trie does.
    let leaf = [0xc2_u8, 0x20, 0x01];
    let mut payload = vec![0xa0];
    payload.extend(keccak256(leaf));
    payload.extend([0x80; 15]);
    payload.push(0x07);
    let mut branch = vec![0xf8, payload.len() as u8];
    branch.extend(payload);
    let root = keccak256(&branch);
    let mut store = Store::default();
    store.nodes.insert(root, branch);
    store.nodes.insert(keccak256(leaf), leaf.to_vec());
    let key = Nibbles::from_nibbles([0]);
    assert!(matches!(
        Trie::<Bytes>::blinded(root).get(&key, &mut store),
        Err(TrieError::Malformed(_))
    ));
}

#[test]
fn blinded_absence_is_an_error() {
    let root = keccak256("some root");
    let trie = Trie::<Bytes>::blinded(root);
    assert_eq!(trie.get(&nibbles(&B256::ZERO), &mut InMemory), Err(TrieError::Missing(root)));
}

#[test]
fn links_are_visible() {
    let mut trie = Trie::default();
    for seed in 0..20_u8 {
        change(&mut trie, &keccak256([seed]), Some(vec![seed; 40].into()), &mut InMemory).unwrap();
    }
    let root = trie.proof(&nibbles(&keccak256([0]))).unwrap().remove(0);
    let node = Node::<Bytes>::decode(keccak256(&root), &root).unwrap();
    let Kind::Branch { children, .. } = node.kind() else {
        panic!("20 hashed keys fork at once");
    };
    assert!(children.links().iter().any(|child| matches!(child, Link::Hash(_))));
}
