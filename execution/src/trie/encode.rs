use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::Nibbles;

use super::{Kind, Link, Node, Value};

/// Nibbles of a key.
const NIBBLES: usize = 64;
/// RLP of a hash.
const HASH_LEN: usize = 33;

/// Writes the RLP of a node; hashes what below it has no hash yet.
pub(super) fn node<V: Value>(node: &Node<V>, out: &mut Vec<u8>) {
    let payload_length = payload_of(node.rlp_len());
    Header { list: true, payload_length }.encode(out);
    match node.kind() {
        Kind::Leaf { path, value } => {
            hex_prefix(path, true, out);
            leaf_value(value, out);
        }
        Kind::Extension { path, child } => {
            hex_prefix(path, false, out);
            link(child, out);
        }
        Kind::Branch { children, value } => {
            for child in children.all() {
                link(child, out);
            }
            match value {
                Some(value) => leaf_value(value, out),
                None => out.push(EMPTY_STRING_CODE),
            }
        }
    }
}

/// Writes the RLP of a leaf that lies `from` nibbles into its key. As [`node`] would, straight from the key's bytes.
pub(super) fn leaf<V: Value>(key: &B256, from: usize, value: &V, out: &mut Vec<u8>) {
    let from = from.min(NIBBLES);
    let whole = key.get(from.div_ceil(2)..).unwrap_or_default();
    let flag = match key.get(from / 2) {
        // The low nibble of the byte that the node lies within.
        Some(byte) if !from.is_multiple_of(2) => 0x30 | (byte & 0x0f),
        _ => 0x20,
    };
    let prefixed_len = whole.len().saturating_add(1);
    let path = Header { list: false, payload_length: prefixed_len };
    let path_len = if prefixed_len > 1 { path.length_with_payload() } else { 1 };
    let payload_length = path_len.saturating_add(value_len(value));
    Header { list: true, payload_length }.encode(out);
    if prefixed_len > 1 {
        path.encode(out);
    }
    out.push(flag);
    out.extend_from_slice(whole);
    leaf_value(value, out);
}

/// Writes the RLP of a branch without a value, whose subtries are named so.
pub(super) fn branch<'a>(
    children: impl Iterator<Item = Option<&'a [u8]>> + Clone,
    out: &mut Vec<u8>,
) {
    let len = |child: Option<&[u8]>| child.map_or(1, <[u8]>::len);
    let payload_length = children.clone().map(len).fold(1, usize::saturating_add);
    Header { list: true, payload_length }.encode(out);
    for child in children {
        out.extend_from_slice(child.unwrap_or(&[EMPTY_STRING_CODE]));
    }
    out.push(EMPTY_STRING_CODE);
}

/// Writes the RLP of an extension to a node that is named so.
pub(super) fn extension(path: &Nibbles, child: &[u8], out: &mut Vec<u8>) {
    let payload_length = hex_prefix_len(path).saturating_add(child.len());
    Header { list: true, payload_length }.encode(out);
    hex_prefix(path, false, out);
    out.extend_from_slice(child);
}

/// The length of a node's RLP. Nothing is hashed for it.
pub(super) fn len<V: Value>(kind: &Kind<V>) -> usize {
    let payload_length = payload_len(kind);
    Header { list: true, payload_length }.length_with_payload()
}

/// The payload of an RLP list that is this long with its header.
fn payload_of(len: usize) -> usize {
    let mut payload = len.saturating_sub(1);
    // One byte of header up to 55 bytes of payload, then one more and those that its length takes.
    while (Header { list: true, payload_length: payload }).length_with_payload() > len {
        payload = payload.saturating_sub(1);
    }
    payload
}

fn payload_len<V: Value>(kind: &Kind<V>) -> usize {
    match kind {
        Kind::Leaf { path, value } => hex_prefix_len(path).saturating_add(value_len(value)),
        Kind::Extension { path, child } => hex_prefix_len(path).saturating_add(link_len(child)),
        Kind::Branch { children, value } => {
            let value = value.as_ref().map_or(1, value_len);
            children.all().map(link_len).fold(value, usize::saturating_add)
        }
    }
}

fn value_len<V: Value>(value: &V) -> usize {
    let payload_length = value.encoded_len();
    if payload_length == 1 {
        // A byte below 0x80 is its own RLP.
        return value.encode().as_slice().length();
    }
    Header { list: false, payload_length }.length_with_payload()
}

fn leaf_value<V: Value>(value: &V, out: &mut Vec<u8>) {
    let payload_length = value.encoded_len();
    if payload_length == 1 {
        return value.encode().as_slice().encode(out);
    }
    Header { list: false, payload_length }.encode(out);
    value.encode_to(out);
}

fn link<V: Value>(link: &Link<V>, out: &mut Vec<u8>) {
    match link {
        Link::Empty => out.push(EMPTY_STRING_CODE),
        Link::Hash(hash) => hash.encode(out),
        Link::Node(node) => out.extend_from_slice(node.reference()),
    }
}

fn link_len<V: Value>(link: &Link<V>) -> usize {
    match link {
        Link::Empty => 1,
        Link::Hash(_) => HASH_LEN,
        Link::Node(node) if node.is_short() => node.rlp_len(),
        Link::Node(_) => HASH_LEN,
    }
}

/// The hex-prefix encoding (Yellow Paper, appendix C), as an RLP string.
fn hex_prefix(path: &Nibbles, leaf: bool, out: &mut Vec<u8>) {
    let flag = if leaf { 0x20 } else { 0x00 };
    let payload_length = prefixed_len(path);
    // A single byte, which the prefix keeps below 0x80, is its own RLP.
    if payload_length > 1 {
        Header { list: false, payload_length }.encode(out);
    }
    let even = match path.first().filter(|_| path.len() % 2 == 1) {
        Some(first) => {
            out.push(flag | 0x10 | first);
            path.slice(1..)
        }
        None => {
            out.push(flag);
            *path
        }
    };
    out.extend_from_slice(&even.pack());
}

fn hex_prefix_len(path: &Nibbles) -> usize {
    match prefixed_len(path) {
        1 => 1,
        payload_length => Header { list: false, payload_length }.length_with_payload(),
    }
}

fn prefixed_len(path: &Nibbles) -> usize {
    (path.len() / 2).saturating_add(1)
}
