//! Openings on states whose EIP-4788 contract has a storage made by hand: shapes that no hashed keys give. An opening takes
//! no EVM to follow: it writes the timestamp to one slot and the anchor to another, or deletes that if the anchor is zero.

use std::collections::BTreeMap;

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use alloy_trie::Nibbles;
use eyre::OptionExt;
use recourse_execution::{
    Schedule, Witness,
    state::{Account, Slot},
    stateless,
    trie::{InMemory, Trie},
};
use recourse_protocol::bindings::Trace;
use recourse_tests::published::{L1, Reason};

use crate::{lies::Lie, raw, scene};

/// Slots of the EIP-4788 contract.
const RING: u64 = 8_191;

/// A storage: its root, and its nodes.
struct Storage {
    root: B256,
    nodes: Vec<Bytes>,
}

/// An opening on such a storage that is true.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) pre: B256,
    pub(crate) post: B256,
    pub(crate) trace: Bytes,
}

/// The keys that an opening writes: of the timestamp, and of the anchor.
fn keys() -> (B256, B256) {
    let ring = scene::block().timestamp % RING;
    let key = |slot: u64| keccak256(U256::from(slot).to_be_bytes::<32>());
    (key(ring), key(ring.saturating_add(RING)))
}

/// `key` with other nibbles from nibble `at` on.
fn beside(key: B256, at: usize) -> B256 {
    let nibbles = Nibbles::unpack(key).to_vec();
    let other = |(index, nibble): (usize, u8)| if index < at { nibble } else { nibble ^ 5 };
    let nibbles =
        Nibbles::from_nibbles(nibbles.into_iter().enumerate().map(other).collect::<Vec<_>>());
    B256::from_slice(&nibbles.pack())
}

/// The canonical storage of these keys.
fn of(values: &[(B256, u64)]) -> eyre::Result<Storage> {
    let entries: Vec<_> = values
        .iter()
        .map(|(key, value)| (Nibbles::unpack(key), Some(Slot(U256::from(*value)))))
        .collect();
    let mut trie = Trie::default();
    trie.apply(entries.iter().map(|(key, value)| (key, *value)), &mut InMemory)?;
    let mut nodes = Vec::new();
    for (key, _) in &entries {
        nodes.extend(trie.proof(key)?);
    }
    Ok(Storage { root: trie.root(), nodes })
}

/// Trie nodes, the root first.
fn by_hand(nodes: Vec<Vec<u8>>) -> eyre::Result<Storage> {
    let root = keccak256(nodes.first().ok_or_eyre("no root")?);
    Ok(Storage { root, nodes: nodes.into_iter().map(Into::into).collect() })
}

/// A state of the two system contracts, one with that storage, and an opening on it: the root, and the trace with more
/// witness than it needs.
fn opening(storage: &Storage, anchor: B256) -> eyre::Result<(B256, Trace)> {
    let system = [eip4788::BEACON_ROOTS_ADDRESS, eip2935::HISTORY_STORAGE_ADDRESS];
    let plain = scene::accounts("plain")?;
    let simple = plain.into_iter().filter(|(address, _)| system.contains(address));
    let mut entries = BTreeMap::new();
    for (address, account) in simple {
        let ours = address == eip4788::BEACON_ROOTS_ADDRESS;
        let kept = Account {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: keccak256(&account.code),
            storage: if ours { Trie::blinded(storage.root) } else { Trie::default() },
        };
        entries.insert(key_of(address), Some(kept));
    }
    let mut trie = Trie::default();
    trie.apply(entries.iter().map(|(key, value)| (key, value.clone())), &mut InMemory)?;
    let mut witness = Witness { nodes: storage.nodes.clone(), codes: Vec::new() };
    for address in system {
        witness.nodes.extend(trie.proof(&key_of(address))?);
    }
    witness.codes = vec![eip4788::BEACON_ROOTS_CODE.clone(), eip2935::HISTORY_STORAGE_CODE.clone()];
    let trace = Trace {
        context: scene::block(),
        opens: true,
        parentHash: B256::repeat_byte(0x0a),
        anchor,
        maxWitnessBytes: scene::MAX_WITNESS,
        witness: witness.encode(),
        ..Trace::default()
    };
    Ok((trie.root(), trace))
}

fn key_of(address: Address) -> Nibbles {
    Nibbles::unpack(keccak256(address))
}

/// A name, a description, a storage, the anchor.
type Case = (&'static str, &'static str, Storage, B256);

/// Those that are true.
pub(crate) fn shapes() -> eyre::Result<Vec<Shape>> {
    let mut all = Vec::new();
    for (name, description, storage, anchor) in deletions()?.into_iter().chain(insertions()?) {
        let (pre, mut trace) = opening(&storage, anchor)?;
        let witness = Witness::decode(&trace.witness)?;
        let done = stateless(pre, &trace, &Schedule::osaka(), witness)?;
        trace.witness = done.witness.encode();
        let trace = trace.abi_encode().into();
        all.push(Shape { name, description, pre, post: done.state_root, trace });
    }
    Ok(all)
}

fn deletions() -> eyre::Result<Vec<Case>> {
    let (time, anchor) = keys();
    let (gone, there) = (B256::ZERO, B256::repeat_byte(0x0b));
    let far = beside(anchor, 0);
    Ok(vec![
        (
            "trie/embedded",
            "leaves and a branch are embedded; one leaf goes, the branch collapses into the other",
            of(&[(anchor, 1), (beside(anchor, 62), 2)])?,
            gone,
        ),
        (
            "trie/embedded-update",
            "an embedded leaf gets a value with which it is none",
            of(&[(anchor, 1), (beside(anchor, 62), 2)])?,
            there,
        ),
        (
            "trie/collapse-leaf",
            "a branch collapses into a leaf that nothing has read",
            of(&[(anchor, 1), (far, u64::MAX)])?,
            gone,
        ),
        (
            "trie/collapse-extension",
            "a branch collapses into an extension: what lies below that is not needed",
            of(&[(anchor, 1), (far, 2), (beside(far, 9), 3)])?,
            gone,
        ),
        (
            "trie/collapse-branch",
            "a branch collapses into a branch behind a nibble, whose children are not needed",
            of(&[(anchor, 1), (far, 2), (beside(far, 1), 3)])?,
            gone,
        ),
        (
            "trie/insert-first",
            "the neighbour of what is deleted is inserted before: the branch stays",
            of(&[(anchor, 1), (beside(time, 3), 2)])?,
            gone,
        ),
    ])
}

fn insertions() -> eyre::Result<Vec<Case>> {
    let (time, _) = keys();
    let there = B256::repeat_byte(0x0b);
    Ok(vec![
        (
            "trie/split-extension",
            "an extension forks in its middle: what lies below it is not needed",
            of(&[(beside(time, 5), 1), (beside(beside(time, 5), 20), 2)])?,
            there,
        ),
        (
            "trie/split-extension-end",
            "an extension forks at its last nibble, and is gone",
            of(&[(beside(time, 5), 1), (beside(beside(time, 5), 6), 2)])?,
            there,
        ),
        (
            "trie/one-way",
            "a branch of one child, which no state has: it is read and written as it is",
            by_hand(one_way(time))?,
            there,
        ),
        (
            "trie/extension-to-leaf",
            "an extension to a leaf, which no state has: the leaf is written, they merge",
            by_hand(extension_to_leaf(time))?,
            there,
        ),
    ])
}

/// Those that are false: nodes that are none.
pub(crate) fn lies() -> eyre::Result<Vec<Lie>> {
    let (time, _) = keys();
    let short = leaf(&[0x20], &[1]);
    let long = leaf(&rest(time, 1), &[1]);
    let zero = leaf(&rest(time, 0), &[0x80]);
    let wide = leaf(&rest(time, 0), &[&[0xa1][..], &[1; 33]].concat());
    let string = |bytes: &[u8]| alloy_rlp::encode(bytes);
    let list = [
        (
            "trie/short-by-hash",
            "a node of fewer than 32 bytes is named by its hash",
            vec![branch(time, &string(keccak256(&short).as_slice())), short.clone()],
        ),
        (
            "trie/long-embedded",
            "a node of more than 31 bytes is embedded",
            vec![branch(time, &long)],
        ),
        ("trie/zero", "a slot holds zero", vec![zero]),
        ("trie/wide", "a slot holds 33 bytes", vec![wide]),
    ];
    let mut all = Vec::new();
    for (name, description, nodes) in list {
        let (pre, trace) = opening(&by_hand(nodes)?, B256::ZERO)?;
        all.push(Lie {
            name: name.to_owned(),
            description,
            reason: Reason::MalformedNode,
            l1: L1::default(),
            pre,
            post: pre,
            trace: trace.abi_encode().into(),
            gas_used: 0,
        });
    }
    Ok(all)
}

/// The hex-prefix encoding of a leaf's path: the nibbles of `key` from `depth` (0 or 1) on.
fn rest(key: B256, depth: usize) -> Vec<u8> {
    if depth == 0 {
        return [&[0x20], key.as_slice()].concat();
    }
    let first = key.first().copied().unwrap_or_default();
    [&[0x30 | (first & 0x0f)], key.get(1..).unwrap_or_default()].concat()
}

fn leaf(path: &[u8], value: &[u8]) -> Vec<u8> {
    alloy_rlp::encode(vec![Bytes::copy_from_slice(path), Bytes::copy_from_slice(value)])
}

/// A branch whose only child is the one on the way of `key`.
fn branch(key: B256, child: &[u8]) -> Vec<u8> {
    let nibble = usize::from(key.first().copied().unwrap_or_default() >> 4);
    let empty = alloy_rlp::EMPTY_STRING_CODE;
    let mut payload = vec![empty; nibble];
    payload.extend_from_slice(child);
    payload.resize(payload.len().saturating_add(16_usize.saturating_sub(nibble)), empty);
    raw::list(&payload)
}

fn one_way(key: B256) -> Vec<Vec<u8>> {
    let leaf = leaf(&rest(key, 1), &[7]);
    vec![branch(key, &alloy_rlp::encode(keccak256(&leaf).as_slice())), leaf]
}

fn extension_to_leaf(key: B256) -> Vec<Vec<u8>> {
    let leaf = leaf(&rest(key, 1), &[7]);
    let nibble = key.first().copied().unwrap_or_default() >> 4;
    let path = Bytes::from(vec![0x10 | nibble]);
    vec![alloy_rlp::encode(vec![path, Bytes::copy_from_slice(keccak256(&leaf).as_slice())]), leaf]
}
