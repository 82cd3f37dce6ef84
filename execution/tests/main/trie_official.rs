//! The official TrieTests (ethereum/tests).

use std::path::Path;

use alloy_primitives::{B256, Bytes, hex, keccak256};
use alloy_trie::Nibbles;
use recourse_execution::trie::{Change, InMemory, Trie};
use serde_json::Value;

use crate::vectors;

#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Plain,
    Hashed,
}

#[test]
fn official_trie_tests() {
    let Some(folder) = vectors::find("trie-and-rlp-tests") else {
        return;
    };
    let folder = folder.join("TrieTests");
    let mut run = 0;
    for (file, keys) in [
        ("trietest.json", Keys::Plain),
        ("trieanyorder.json", Keys::Plain),
        ("trietest_secureTrie.json", Keys::Hashed),
        ("trieanyorder_secureTrie.json", Keys::Hashed),
        ("hex_encoded_securetrie_test.json", Keys::Hashed),
    ] {
        run += run_file(&folder.join(file), keys);
    }
    assert!(run >= 20, "only {run} tests found");
}

fn run_file(path: &Path, keys: Keys) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let tests: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    for (name, test) in &tests {
        let expected: B256 = test["root"].as_str().unwrap().parse().unwrap();
        let pairs = pairs(&test["in"]);
        assert_eq!(root(pairs.iter(), keys), expected, "{name}");
        if test["in"].is_object() {
            assert_eq!(root(pairs.iter().rev(), keys), expected, "{name}, reversed");
            assert_eq!(root_at_once(&pairs, keys), expected, "{name}, at once");
        }
    }
    tests.len()
}

type Pair = (Vec<u8>, Option<Vec<u8>>);

fn pairs(input: &Value) -> Vec<Pair> {
    match input {
        Value::Array(list) => {
            list.iter().map(|pair| (bytes(&pair[0]).unwrap(), bytes(&pair[1]))).collect()
        }
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (bytes(&Value::String(key.clone())).unwrap(), bytes(value)))
            .collect(),
        other => panic!("unexpected input {other}"),
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    Some(match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).unwrap(),
        None => text.as_bytes().to_vec(),
    })
}

fn root<'a>(pairs: impl Iterator<Item = &'a Pair>, keys: Keys) -> B256 {
    let mut trie = Trie::<Bytes>::default();
    for (key, value) in pairs {
        let key = nibbles(key, keys);
        let value = value.clone().map(Bytes::from);
        trie.apply([(&key, value)], &mut InMemory).unwrap();
    }
    trie.root()
}

fn root_at_once(pairs: &[Pair], keys: Keys) -> B256 {
    let change =
        |(key, value): &Pair| (nibbles(key, keys), value.as_deref().map(Bytes::copy_from_slice));
    let mut changes: Vec<Change<Bytes>> = pairs.iter().map(change).collect();
    changes.sort_by_key(|(key, _)| *key);
    let mut trie = Trie::<Bytes>::default();
    trie.apply_all(&mut changes).unwrap();
    trie.root()
}

fn nibbles(key: &[u8], keys: Keys) -> Nibbles {
    match keys {
        Keys::Plain => Nibbles::unpack(key),
        Keys::Hashed => Nibbles::unpack(keccak256(key)),
    }
}
