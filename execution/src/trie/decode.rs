use std::sync::Arc;

use alloy_primitives::B256;
use alloy_rlp::Header;
use alloy_trie::{Nibbles, nodes::RlpNode};

use super::{Kind, Link, Node, TrieError, Value};

/// A path has at most 64 nibbles: 33 bytes with its prefix.
const MAX_PREFIXED_PATH: usize = 33;

impl<V: Value> Node<V> {
    /// Reads the node whose RLP hashes to `hash`; the caller vouches for that.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] unless `rlp` is the canonical RLP of a node.
    pub fn decode(hash: B256, rlp: &[u8]) -> Result<Self, TrieError> {
        let kind = kind(rlp)?;
        let reference =
            if rlp.len() < 32 { RlpNode::from_rlp(rlp) } else { RlpNode::word_rlp(&hash) };
        Ok(Self::clean(kind, reference, rlp.len()))
    }
}

/// One item of an RLP list: its whole encoding, and what that holds.
#[derive(Clone, Copy)]
struct Item<'a> {
    list: bool,
    raw: &'a [u8],
    payload: &'a [u8],
}

fn kind<V: Value>(rlp: &[u8]) -> Result<Kind<V>, TrieError> {
    let items = list(rlp)?;
    match items.as_slice() {
        [path, value] => short(path, value),
        [children @ .., value] if children.len() == 16 => branch(children, value),
        _ => Err(TrieError::Malformed("neither 2 nor 17 items")),
    }
}

fn short<V: Value>(path: &Item<'_>, value: &Item<'_>) -> Result<Kind<V>, TrieError> {
    let (path, leaf) = hex_prefix(string(path)?)?;
    if leaf {
        let value = leaf_value(value)?.ok_or(TrieError::Malformed("a leaf without a value"))?;
        return Ok(Kind::Leaf { path, value });
    }
    let child = link(value)?;
    if path.is_empty() || matches!(child, Link::Empty) {
        return Err(TrieError::Malformed("an empty extension"));
    }
    Ok(Kind::Extension { path, child })
}

fn branch<V: Value>(items: &[Item<'_>], value: &Item<'_>) -> Result<Kind<V>, TrieError> {
    let mut children: Box<[Link<V>; 16]> = Box::default();
    for (child, item) in children.iter_mut().zip(items) {
        *child = link(item)?;
    }
    let value = leaf_value(value)?;
    Ok(Kind::Branch { children, value })
}

fn leaf_value<V: Value>(item: &Item<'_>) -> Result<Option<V>, TrieError> {
    let bytes = string(item)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    V::decode(bytes).map(Some)
}

/// An embedded node is shorter than 32 bytes, so that this recursion ends soon.
fn link<V: Value>(item: &Item<'_>) -> Result<Link<V>, TrieError> {
    if !item.list {
        return match item.payload.len() {
            0 => Ok(Link::Empty),
            32 => Ok(Link::Hash(B256::from_slice(item.payload))),
            _ => Err(TrieError::Malformed("a reference of a wrong length")),
        };
    }
    if item.raw.len() >= 32 {
        return Err(TrieError::Malformed("a long node is embedded"));
    }
    let node = Node::clean(kind(item.raw)?, RlpNode::from_rlp(item.raw), item.raw.len());
    Ok(Link::Node(Arc::new(node)))
}

fn string<'a>(item: &Item<'a>) -> Result<&'a [u8], TrieError> {
    if item.list {
        return Err(TrieError::Malformed("a list where a string belongs"));
    }
    Ok(item.payload)
}

/// The items of an RLP list that fills `rlp`.
fn list(rlp: &[u8]) -> Result<Vec<Item<'_>>, TrieError> {
    let (outer, rest) = item(rlp)?;
    if !outer.list || !rest.is_empty() {
        return Err(TrieError::Malformed("not one list"));
    }
    let mut items = Vec::with_capacity(17);
    let mut rest = outer.payload;
    while !rest.is_empty() {
        if items.len() == 17 {
            return Err(TrieError::Malformed("more than 17 items"));
        }
        let (next, after) = item(rest)?;
        items.push(next);
        rest = after;
    }
    Ok(items)
}

fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), TrieError> {
    const BAD: TrieError = TrieError::Malformed("not canonical RLP");
    let mut rest = bytes;
    let header = Header::decode(&mut rest).map_err(|_| BAD)?;
    let (payload, after) = rest.split_at_checked(header.payload_length).ok_or(BAD)?;
    let raw_len = bytes.len().saturating_sub(after.len());
    let raw = bytes.get(..raw_len).ok_or(BAD)?;
    Ok((Item { list: header.list, raw, payload }, after))
}

fn hex_prefix(bytes: &[u8]) -> Result<(Nibbles, bool), TrieError> {
    let (first, rest) =
        bytes.split_first().ok_or(TrieError::Malformed("a path without a prefix"))?;
    if bytes.len() > MAX_PREFIXED_PATH {
        return Err(TrieError::Malformed("a path of more than 64 nibbles"));
    }
    let (flag, low) = (first >> 4, first & 0x0f);
    let mut path = Nibbles::new();
    match flag {
        1 | 3 if rest.len() >= MAX_PREFIXED_PATH.saturating_sub(1) => {
            return Err(TrieError::Malformed("a path of more than 64 nibbles"));
        }
        1 | 3 => path.push(low),
        0 | 2 if low == 0 => {}
        _ => return Err(TrieError::Malformed("a path with a bad prefix")),
    }
    for byte in rest {
        path.push(byte >> 4);
        path.push(byte & 0x0f);
    }
    Ok((path, flag >= 2))
}
