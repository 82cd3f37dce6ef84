//! Roots and proofs over the sorted maps, with `alloy-trie`'s hash builder.

use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use rpds::RedBlackTreeMapSync;

use super::account::{Account, Slots};

/// Accounts in the order of the trie.
pub(super) type Accounts = RedBlackTreeMapSync<B256, Account>;

pub(super) fn storage_root(slots: &Slots) -> B256 {
    let mut builder = HashBuilder::default();
    add_slots(&mut builder, slots);
    builder.root()
}

pub(super) fn state_root(accounts: &Accounts) -> B256 {
    let mut builder = HashBuilder::default();
    add_accounts(&mut builder, accounts);
    builder.root()
}

/// Nodes from the root to where `key` is or would be.
pub(super) fn account_proof(accounts: &Accounts, key: B256) -> Vec<Bytes> {
    proof(key, |builder| add_accounts(builder, accounts))
}

/// Nodes from the storage root to where `key` is or would be; none for an empty trie.
pub(super) fn storage_proof(slots: &Slots, key: B256) -> Vec<Bytes> {
    if slots.is_empty() {
        return Vec::new();
    }
    proof(key, |builder| add_slots(builder, slots))
}

fn proof(key: B256, fill: impl FnOnce(&mut HashBuilder)) -> Vec<Bytes> {
    let target = Nibbles::unpack(key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    fill(&mut builder);
    builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    nodes.into_iter().map(|(_, node)| node).collect()
}

fn add_slots(builder: &mut HashBuilder, slots: &Slots) {
    for (key, value) in slots {
        if *value != U256::ZERO {
            builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
        }
    }
}

fn add_accounts(builder: &mut HashBuilder, accounts: &Accounts) {
    for (key, account) in accounts {
        if let Account::Present(present) = account {
            builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(present.leaf()));
        }
    }
}
