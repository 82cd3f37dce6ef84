//! Our trie against a map hashed by `alloy-trie`, whole and with nodes missing.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{HashBuilder, Nibbles};
use recourse_execution::trie::{InMemory, Node, Nodes, Place, Trie, TrieError};

use super::input::Input;

/// The most changes: what is interesting happens among few keys.
const CHANGES: u8 = 48;

type Change = (Nibbles, Option<Bytes>);

/// Takes the input as changes that make a state, changes to it, and the nodes to leave out.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (base, updates) = (changes(&mut input), changes(&mut input));
    let (mut trie, mut model) = (Trie::default(), BTreeMap::new());
    both(&mut trie, &mut model, base);
    let mut nodes = Hidden::of(&trie, &model);
    let blinded = Trie::<Bytes>::blinded(trie.root());
    whole(&blinded, &updates, nodes.clone(), &model);
    nodes.hide(&mut input);
    let before = model.clone();
    both(&mut trie, &mut model, updates.clone());
    partial(&blinded, &updates, nodes, (&before, &model));
}

/// The same changes on our trie and on the map. Some are hashed at once, some together.
fn both(trie: &mut Trie<Bytes>, model: &mut BTreeMap<Nibbles, Bytes>, changes: Vec<Change>) {
    for (index, (key, value)) in changes.into_iter().enumerate() {
        trie.apply([(&key, value.clone())], &mut InMemory).expect("nothing is missing");
        match value {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
        if index % 8 < 2 {
            assert_eq!(trie.root(), root(model));
        }
    }
    assert_eq!(trie.root(), root(model));
}

/// From the root alone, with all nodes to be had.
fn whole(
    blinded: &Trie<Bytes>,
    updates: &[Change],
    mut nodes: Hidden,
    model: &BTreeMap<Nibbles, Bytes>,
) {
    let mut trie = blinded.clone();
    let mut model = model.clone();
    for (key, value) in updates {
        assert_eq!(trie.get(key, &mut nodes), Ok(model.get(key).cloned()));
        trie.apply([(key, value.clone())], &mut nodes).expect("nothing is missing");
        match value {
            Some(value) => model.insert(*key, value.clone()),
            None => model.remove(key),
        };
    }
    assert_eq!(trie.root(), root(&model));
}

/// From the root alone, with nodes missing: the same answers, or the error that names one of those.
fn partial(
    blinded: &Trie<Bytes>,
    updates: &[Change],
    mut nodes: Hidden,
    (before, after): (&BTreeMap<Nibbles, Bytes>, &BTreeMap<Nibbles, Bytes>),
) {
    let mut trie = blinded.clone();
    for (key, _) in updates {
        match trie.get(key, &mut nodes) {
            Ok(value) => assert_eq!(value.as_ref(), before.get(key)),
            Err(error) => nodes.excuses(&error),
        }
    }
    match trie.apply(updates.iter().map(|(key, value)| (key, value.clone())), &mut nodes) {
        Ok(()) => assert_eq!(trie.root(), root(after)),
        Err(error) => {
            nodes.excuses(&error);
            assert_eq!(trie.root(), blinded.root());
        }
    }
}

fn changes(input: &mut Input<'_>) -> Vec<Change> {
    let count = input.byte() % CHANGES;
    (0..count).map(|_| change(input)).collect()
}

/// Keys that fork early, in the middle, and at their last nibble; values whose leaves are embedded, and others.
fn change(input: &mut Input<'_>) -> Change {
    let (head, tail) = (input.byte(), input.byte());
    let mut key = B256::ZERO;
    key[0] = head & 0xf0;
    key[15] = (head & 0x0f) << 2;
    key[31] = tail & 0x3f;
    let value = match tail >> 6 {
        0 => None,
        1 => Some(Bytes::from(vec![head | 1])),
        2 => Some(Bytes::from(vec![head; 31])),
        _ => Some(Bytes::from(vec![head; 60])),
    };
    (Nibbles::unpack(key), value)
}

fn root(model: &BTreeMap<Nibbles, Bytes>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(*key, value);
    }
    builder.root()
}

/// The nodes of a trie, some of them hidden.
#[derive(Clone, Debug, Default)]
struct Hidden {
    nodes: HashMap<B256, Vec<u8>>,
    hidden: Vec<B256>,
}

impl Hidden {
    fn of(trie: &Trie<Bytes>, model: &BTreeMap<Nibbles, Bytes>) -> Self {
        let mut all = Self::default();
        for key in model.keys() {
            for node in trie.proof(key).expect("nothing is missing") {
                all.nodes.insert(keccak256(&node), node.to_vec());
            }
        }
        all
    }

    fn hide(&mut self, input: &mut Input<'_>) {
        let mut hashes: Vec<_> = self.nodes.keys().copied().collect();
        hashes.sort_unstable();
        while !input.is_empty() && !hashes.is_empty() {
            let hash = hashes.swap_remove(input.index(hashes.len()));
            self.nodes.remove(&hash);
            self.hidden.push(hash);
        }
    }

    fn excuses(&self, error: &TrieError) {
        match error {
            TrieError::Missing(hash) => assert!(self.hidden.contains(hash), "{hash} was there"),
            other => panic!("{other}"),
        }
    }
}

impl Nodes<Bytes> for Hidden {
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError> {
        let rlp = self.nodes.get(&hash).ok_or(TrieError::Missing(hash))?;
        Node::<Bytes>::check(rlp)?;
        place.admit(rlp.len())?;
        Ok(rlp)
    }

    fn visit(&mut self, hash: B256, node: &Node<Bytes>) -> Result<(), TrieError> {
        assert_eq!(keccak256(node.rlp()), hash, "a visited node is of the state before");
        Ok(())
    }
}
