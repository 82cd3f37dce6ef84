//! The witness decoder, the decoder of its nodes, and tries made of whatever nodes it holds.

use std::collections::HashMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::Nibbles;
use recourse_execution::{
    Account, Witness,
    state::Slot,
    trie::{Node, Nodes, Place, Trie, TrieError, Value},
};

/// Takes the input as `rlp([[node...],[code...]])`, and as one node.
pub fn run(data: &[u8]) {
    let alone = [Bytes::copy_from_slice(data)];
    walk(&alone);
    let Ok(witness) = Witness::decode(data) else { return };
    assert_eq!(&witness.encode()[..], data, "there is one encoding");
    assert!((witness.nodes.len() + witness.codes.len()) * 32 <= data.len());
    walk(&witness.nodes);
}

/// Decodes all nodes as nodes of each kind, and changes the trie whose root is the first.
fn walk(nodes: &[Bytes]) {
    for rlp in nodes {
        decode::<Bytes>(rlp);
        decode::<Account>(rlp);
        decode::<Slot>(rlp);
    }
    let Some(root) = nodes.first().map(keccak256) else { return };
    let mut known = Known(nodes.iter().map(|rlp| (keccak256(rlp), rlp.clone())).collect());
    for key in [[0; 32], [0x11; 32], [0xff; 32], root.0] {
        change(Trie::blinded(root), &Nibbles::unpack(key), &mut known);
    }
}

fn decode<V: Value>(rlp: &[u8]) {
    let checked = Node::<V>::check(rlp).is_ok();
    assert_eq!(checked, Node::<V>::decode(keccak256(rlp), rlp).is_ok(), "a check is a decoding");
    if let Ok(node) = Node::<V>::decode(keccak256(rlp), rlp) {
        assert_eq!(node.rlp(), rlp, "there is one encoding");
        assert_eq!(node.rlp_len(), rlp.len());
    }
}

/// However odd the trie is: what is put in is there, what is taken out is not, and what fails changes nothing.
fn change(trie: Trie<Bytes>, key: &Nibbles, nodes: &mut Known) {
    let root = trie.root();
    let mut with = trie.clone();
    let value = Bytes::from_static(b"a value that is long enough not to be embedded");
    match with.apply([(key, Some(value.clone()))], nodes) {
        Ok(()) => assert_eq!(with.get(key, nodes), Ok(Some(value))),
        Err(_) => assert_eq!(with.root(), root),
    }
    let mut without = with.clone();
    match without.apply([(key, None)], nodes) {
        Ok(()) => assert_eq!(without.get(key, nodes), Ok(None)),
        Err(_) => assert_eq!(without.root(), with.root()),
    }
}

struct Known(HashMap<B256, Bytes>);

impl Nodes<Bytes> for Known {
    fn resolve(&mut self, hash: B256, place: Place) -> Result<&[u8], TrieError> {
        let rlp = self.0.get(&hash).ok_or(TrieError::Missing(hash))?;
        Node::<Bytes>::check(rlp)?;
        place.admit(rlp.len())?;
        Ok(rlp)
    }

    fn visit(&mut self, _: B256, _: &Node<Bytes>) -> Result<(), TrieError> {
        Ok(())
    }
}
