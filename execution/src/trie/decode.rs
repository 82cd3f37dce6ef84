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
    let (items, len) = list(rlp)?;
    match items.get(..len).unwrap_or_default() {
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

/// The items of an RLP list that fills `rlp`, and how many they are.
fn list(rlp: &[u8]) -> Result<([Item<'_>; 17], usize), TrieError> {
    let (outer, rest) = item(rlp)?;
    if !outer.list || !rest.is_empty() {
        return Err(TrieError::Malformed("not one list"));
    }
    let mut items = [Item { list: false, raw: &[], payload: &[] }; 17];
    let mut len = 0_usize;
    let mut rest = outer.payload;
    while !rest.is_empty() {
        let place = items.get_mut(len).ok_or(TrieError::Malformed("more than 17 items"))?;
        (*place, rest) = item(rest)?;
        len = len.saturating_add(1);
    }
    Ok((items, len))
}

fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), TrieError> {
    const BAD: TrieError = TrieError::Malformed("not canonical RLP");
    // Nearly all items: a hash, or nothing.
    if let [0xa0, rest @ ..] = bytes
        && let (Some((payload, after)), Some(raw)) = (rest.split_at_checked(32), bytes.get(..33))
    {
        return Ok((Item { list: false, raw, payload }, after));
    }
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
    match flag {
        1 | 3 if rest.len() >= MAX_PREFIXED_PATH.saturating_sub(1) => {
            Err(TrieError::Malformed("a path of more than 64 nibbles"))
        }
        1 | 3 => {
            let mut path = Nibbles::new();
            path.push(low);
            Ok((path.join(&Nibbles::unpack(rest)), flag == 3))
        }
        0 | 2 if low == 0 => Ok((Nibbles::unpack(rest), flag == 2)),
        _ => Err(TrieError::Malformed("a path with a bad prefix")),
    }
}
