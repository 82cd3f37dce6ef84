use std::sync::Arc;

use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::{Nibbles, nodes::RlpNode};

use super::{Children, Kind, Link, Node, SHORT, Step, TrieError, Value};

/// A path has at most 64 nibbles: 33 bytes with its prefix.
const MAX_PREFIXED_PATH: usize = 33;
/// RLP of a hash.
const HASH_LEN: usize = 33;
/// It begins with this byte.
const HASH_CODE: u8 = EMPTY_STRING_CODE + 32;

impl<V: Value> Node<V> {
    /// Reads the node whose RLP hashes to `hash`; the caller vouches for that.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] unless `rlp` is the canonical RLP of a node.
    pub fn decode(hash: B256, rlp: &[u8]) -> Result<Self, TrieError> {
        let kind = kind(rlp)?;
        let reference =
            if rlp.len() < SHORT { RlpNode::from_rlp(rlp) } else { RlpNode::word_rlp(&hash) };
        Ok(Self::clean(kind, reference, rlp.len()))
    }

    /// Whether `rlp` is that of a node.
    ///
    /// # Errors
    /// [`TrieError::Malformed`] unless it is, and canonical.
    pub fn check(rlp: &[u8]) -> Result<(), TrieError> {
        let items = items(rlp)?;
        if let Some((path, value)) = pair(items)? {
            return short::<V>(&path, &value).map(|_| ());
        }
        let mut rest = items;
        for _ in 0..16 {
            rest = match behind_common(rest) {
                Some(rest) => rest,
                None => reference::<V>(rest)?.1,
            };
        }
        own_value::<V>(rest).map(|_| ())
    }
}

/// Where `key` leads, of which `depth` nibbles lie behind, from a node that was checked. It is not built for that.
pub(super) fn step<V: Value>(
    rlp: &[u8],
    key: &Nibbles,
    depth: usize,
) -> Result<Step<V>, TrieError> {
    let items = items(rlp)?;
    if let Some((path, value)) = pair(items)? {
        let (path, leaf) = hex_prefix(string(&path)?)?;
        let rest = key.slice(depth..);
        return Ok(match leaf {
            true if rest == path => Step::End(leaf_value(&value)?),
            false if rest.starts_with(&path) => {
                Step::Down(link(&value)?, depth.saturating_add(path.len()))
            }
            _ => Step::End(None),
        });
    }
    let nibble = key.get(depth);
    let mut rest = items;
    for _ in 0..nibble.unwrap_or(16) {
        rest = behind(rest)?;
    }
    match nibble {
        Some(_) => Ok(Step::Down(reference(rest)?.0, depth.saturating_add(1))),
        None => own_value(rest).map(Step::End),
    }
}

/// One item of an RLP list: its whole encoding, and what that holds.
#[derive(Clone, Copy)]
struct Item<'a> {
    list: bool,
    raw: &'a [u8],
    payload: &'a [u8],
}

/// Builds a node.
pub(super) fn kind<V: Value>(rlp: &[u8]) -> Result<Kind<V>, TrieError> {
    let items = items(rlp)?;
    if let Some((path, value)) = pair(items)? {
        return short(&path, &value);
    }
    let mut children = Children::with_capacity(items.len() / HASH_LEN);
    let mut rest = items;
    for nibble in 0..16 {
        let child;
        (child, rest) = reference(rest)?;
        children.set(nibble, child);
    }
    Ok(Kind::Branch { children, value: own_value(rest)? })
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
    if item.raw.len() >= SHORT {
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

/// The items of a node, one behind the other.
fn items(rlp: &[u8]) -> Result<&[u8], TrieError> {
    let (outer, rest) = item(rlp)?;
    if !outer.list || !rest.is_empty() {
        return Err(TrieError::Malformed("not one list"));
    }
    Ok(outer.payload)
}

/// The items of a node that has two.
fn pair(items: &[u8]) -> Result<Option<(Item<'_>, Item<'_>)>, TrieError> {
    if !behind(behind(items)?)?.is_empty() {
        return Ok(None);
    }
    let (first, rest) = item(items)?;
    Ok(Some((first, item(rest)?.0)))
}

/// The last of the 17 items of a branch.
fn own_value<V: Value>(last: &[u8]) -> Result<Option<V>, TrieError> {
    let (value, rest) = item(last)?;
    if !rest.is_empty() {
        return Err(TrieError::Malformed("neither 2 nor 17 items"));
    }
    leaf_value(&value)
}

/// The reference that comes next, and what follows it.
#[inline]
fn reference<V: Value>(bytes: &[u8]) -> Result<(Link<V>, &[u8]), TrieError> {
    if let [HASH_CODE, rest @ ..] = bytes
        && let Some((hash, rest)) = rest.split_first_chunk()
    {
        return Ok((Link::Hash(B256::new(*hash)), rest));
    }
    let (item, rest) = item(bytes)?;
    Ok((link(&item)?, rest))
}

/// What follows the next item.
#[inline]
fn behind(bytes: &[u8]) -> Result<&[u8], TrieError> {
    match behind_common(bytes) {
        Some(rest) => Ok(rest),
        None => item(bytes).map(|(_, rest)| rest),
    }
}

/// What follows a hash, or nothing: nearly all items are one of these.
#[inline]
fn behind_common(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [HASH_CODE, rest @ ..] => rest.get(32..),
        [EMPTY_STRING_CODE, rest @ ..] => Some(rest),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, keccak256};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::trie::{InMemory, Trie};

    /// The nodes on the ways to all keys, short ones that are embedded included in their parents.
    fn nodes(keys: &[Nibbles], long: bool) -> Vec<Bytes> {
        let value = |key: &Nibbles| {
            let hash = keccak256(key.to_vec());
            Bytes::copy_from_slice(if long { &hash[..] } else { &hash[..1] })
        };
        let mut trie = Trie::default();
        trie.apply(keys.iter().map(|key| (key, Some(value(key)))), &mut InMemory).unwrap();
        keys.iter().flat_map(|key| trie.proof(key).unwrap()).collect()
    }

    fn keys() -> impl Strategy<Value = Vec<Nibbles>> {
        let key = vec(0..4_u8, 0..6).prop_map(Nibbles::from_nibbles);
        vec(key, 1..12)
    }

    /// A step as it can be compared: where it leads, or the value.
    fn shown(step: Step<Bytes>) -> (Option<Bytes>, Vec<u8>, usize) {
        match step {
            Step::End(value) => (value, Vec::new(), 0),
            Step::Down(Link::Empty, depth) => (None, vec![0], depth),
            Step::Down(Link::Hash(hash), depth) => (None, hash.to_vec(), depth),
            Step::Down(Link::Node(node), depth) => (None, node.rlp(), depth),
        }
    }

    proptest! {
        #[test]
        fn a_step_in_rlp_is_one_from_the_node_built_of_it(keys in keys(), long: bool, asked in keys()) {
            for rlp in nodes(&keys, long) {
                let node = Node::<Bytes>::decode(keccak256(&rlp), &rlp).unwrap();
                for key in keys.iter().chain(&asked) {
                    for depth in 0..=key.len() {
                        let stepped = step::<Bytes>(&rlp, key, depth).unwrap();
                        prop_assert_eq!(shown(stepped), shown(node.step(key, depth)));
                    }
                }
            }
        }

        #[test]
        fn a_check_refuses_what_can_not_be_built(
            keys in keys(),
            long: bool,
            at: prop::sample::Index,
            by: u8,
            end: prop::sample::Index,
        ) {
            for rlp in nodes(&keys, long) {
                let mut bad = rlp.to_vec();
                bad[at.index(rlp.len())] ^= by;
                for bytes in [&bad[..], &rlp[..end.index(rlp.len())], &[&rlp[..], &[by]].concat()] {
                    let checked = Node::<Bytes>::check(bytes);
                    let built = Node::<Bytes>::decode(keccak256(bytes), bytes).map(|_| ());
                    prop_assert_eq!(checked, built);
                }
            }
        }
    }
}
