//! Many changes of a trie at once are the same changes one by one.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::Nibbles;
use proptest::{collection::vec, prelude::*};
use rayon::ThreadPoolBuilder;
use recourse_execution::trie::{Change, InMemory, Trie, TrieError};

type Changes = BTreeMap<Nibbles, Option<Bytes>>;

/// Keys that lie close together, some of them the beginning of others.
fn keys() -> impl Strategy<Value = Nibbles> {
    let near = vec(0..3_u8, 0..6).prop_map(Nibbles::from_nibbles);
    let far = (0..60_u8).prop_map(|seed| Nibbles::unpack(keccak256([seed])));
    prop_oneof![near, far]
}

fn changes() -> impl Strategy<Value = Changes> {
    let value = prop_oneof![
        2 => Just(None),
        2 => vec(1_u8.., 1..3).prop_map(|value| Some(Bytes::from(value))),
        1 => vec(any::<u8>(), 30..80).prop_map(|value| Some(Bytes::from(value))),
    ];
    prop::collection::btree_map(keys(), value, 0..60)
}

fn one_by_one(trie: &mut Trie<Bytes>, changes: &Changes) {
    let changes = changes.iter().map(|(key, value)| (key, value.clone()));
    trie.apply(changes, &mut InMemory).unwrap();
}

fn at_once(trie: &mut Trie<Bytes>, changes: &Changes) {
    let mut changes: Vec<Change<Bytes>> = changes.clone().into_iter().collect();
    trie.apply_all(&mut changes).unwrap();
}

proptest! {
    #[test]
    fn at_once_is_one_by_one(rounds in vec(changes(), 1..4)) {
        let (mut single, mut bulk) = (Trie::default(), Trie::default());
        for changes in &rounds {
            one_by_one(&mut single, changes);
            let before = (bulk.clone(), bulk.root());
            at_once(&mut bulk, changes);
            prop_assert_eq!(bulk.root(), single.root());
            prop_assert_eq!(before.0.root(), before.1, "a clone stays what it was");
            for key in changes.keys() {
                prop_assert_eq!(bulk.proof(key), single.proof(key), "the shapes are the same");
            }
        }
    }

    #[test]
    fn what_differs_is_told(before in changes(), changes in changes()) {
        let mut old = Trie::default();
        at_once(&mut old, &before);
        let mut new = old.clone();
        at_once(&mut new, &changes);
        let mut told = Vec::new();
        old.differences(&new, &mut |key, old, new| told.push((key, old.cloned(), new.cloned()))).unwrap();
        prop_assert!(told.is_sorted_by(|one, next| one.0 < next.0));
        told.retain(|(_, old, new)| old != new);
        let mut expected = Vec::new();
        for (key, value) in &changes {
            let was = before.get(key).cloned().flatten();
            if was != *value {
                expected.push((*key, was, value.clone()));
            }
        }
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn what_differs_between_strangers_is_told(one in changes(), other in changes()) {
        let (mut old, mut new) = (Trie::default(), Trie::default());
        at_once(&mut old, &one);
        at_once(&mut new, &other);
        let mut told = Changes::new();
        old.differences(&new, &mut |key, old, new| {
            if old != new {
                told.insert(key, new.cloned());
            }
        }).unwrap();
        at_once(&mut old, &told);
        prop_assert_eq!(old.root(), new.root());
    }
}

/// Numbers that look random.
fn random(seed: u64) -> impl Iterator<Item = B256> {
    (0_u64..).map(move |at| keccak256([seed.to_be_bytes(), at.to_be_bytes()].concat()))
}

fn many(seed: u64, count: usize, removed: u8) -> Changes {
    let change = |hash: B256| {
        // Of few enough keys that later rounds meet those of earlier ones.
        let key = Nibbles::unpack(keccak256(&hash[..2]));
        (key, (hash[2] >= removed).then(|| Bytes::copy_from_slice(&hash[..])))
    };
    random(seed).take(count).map(change).collect()
}

#[test]
fn threads_change_nothing() {
    let rounds = [many(1, 40_000, 0), many(2, 30_000, 128), many(3, 60_000, 255), many(4, 500, 64)];
    let mut single = Trie::default();
    let roots: Vec<B256> = rounds
        .iter()
        .map(|changes| {
            one_by_one(&mut single, changes);
            single.root()
        })
        .collect();
    for threads in [1, 2, 3, 8] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut bulk = Trie::default();
        for (changes, root) in rounds.iter().zip(&roots) {
            pool.install(|| at_once(&mut bulk, changes));
            assert_eq!(pool.install(|| bulk.root()), *root, "{threads} threads");
        }
    }
    let all: Changes =
        (0..=u16::MAX).map(|seed| (Nibbles::unpack(keccak256(seed.to_be_bytes())), None)).collect();
    at_once(&mut single, &all);
    assert!(single.is_empty());
}

#[test]
fn what_is_blinded_is_an_error_and_changes_nothing() {
    let mut whole = Trie::default();
    at_once(&mut whole, &many(5, 1000, 0));
    let root = whole.root();
    let mut blinded = Trie::<Bytes>::blinded(root);
    let mut changes: Vec<Change<Bytes>> = many(6, 1000, 0).into_iter().collect();
    assert_eq!(blinded.apply_all(&mut changes), Err(TrieError::Missing(root)));
    assert_eq!(blinded.root(), root);
    assert_eq!(blinded.differences(&whole, &mut |_, _, _| {}), Err(TrieError::Missing(root)));
    let same = Trie::<Bytes>::blinded(root);
    assert_eq!(blinded.differences(&same, &mut |_, _, _| panic!("nothing differs")), Ok(()));
}
