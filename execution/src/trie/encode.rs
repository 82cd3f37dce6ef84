use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::Nibbles;

use super::{Kind, Link, Node, Value};

/// The RLP of a node; hashes what below it has no hash yet.
pub(super) fn node<V: Value>(node: &Node<V>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(64);
    match node.kind() {
        Kind::Leaf { path, value } => {
            hex_prefix(path, true).as_slice().encode(&mut payload);
            value.encode().as_slice().encode(&mut payload);
        }
        Kind::Extension { path, child } => {
            hex_prefix(path, false).as_slice().encode(&mut payload);
            link(child, &mut payload);
        }
        Kind::Branch { children, value } => {
            payload.reserve(500);
            for child in children.iter() {
                link(child, &mut payload);
            }
            match value {
                Some(value) => value.encode().as_slice().encode(&mut payload),
                None => payload.push(EMPTY_STRING_CODE),
            }
        }
    }
    let header = Header { list: true, payload_length: payload.len() };
    let mut out = Vec::with_capacity(payload.len().saturating_add(header.length()));
    header.encode(&mut out);
    out.extend_from_slice(&payload);
    out
}

fn link<V: Value>(link: &Link<V>, out: &mut Vec<u8>) {
    match link {
        Link::Empty => out.push(EMPTY_STRING_CODE),
        Link::Hash(hash) => hash.encode(out),
        Link::Node(node) => out.extend_from_slice(node.reference()),
    }
}

/// The hex-prefix encoding (Yellow Paper, appendix C).
fn hex_prefix(path: &Nibbles, leaf: bool) -> Vec<u8> {
    let flag = if leaf { 0x20 } else { 0x00 };
    let mut out = Vec::with_capacity(33);
    let mut nibbles = path.iter();
    if path.len() % 2 == 1 {
        let first = nibbles.next().unwrap_or_default();
        out.push(flag | 0x10 | first);
    } else {
        out.push(flag);
    }
    while let (Some(high), Some(low)) = (nibbles.next(), nibbles.next()) {
        out.push(high << 4 | low);
    }
    out
}
