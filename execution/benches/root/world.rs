//! What is hashed.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use recourse_execution::{AccountPatch, FlatAccount};

/// Accounts that change.
pub(crate) const CHANGED: usize = 10_000;
/// Steps whose roots are wanted.
pub(crate) const STEPS: usize = 4096;
/// Slots of one contract, and those of them that change.
const SLOTS: u64 = 200_000;

pub(crate) type Accounts = Vec<(B256, FlatAccount)>;
pub(crate) type Slots = Vec<(B256, U256)>;

fn account(seed: u64) -> FlatAccount {
    // About an ether each, so that a leaf has the size of a real one.
    let balance = U256::from(1_000_000_000_000_000_000_u64) + U256::from(seed);
    FlatAccount { nonce: seed % 300, balance, code_hash: KECCAK256_EMPTY }
}

/// In key order.
pub(crate) fn accounts(count: usize) -> Accounts {
    let mut list: Accounts =
        (0..count as u64).map(|seed| (keccak256(seed.to_be_bytes()), account(seed))).collect();
    list.sort_by_key(|(key, _)| *key);
    list
}

/// New balances, in key order.
pub(crate) fn patches(list: &Accounts) -> Vec<AccountPatch> {
    let every = list.len() / CHANGED;
    let patch = |(key, account): &(B256, FlatAccount)| AccountPatch {
        key: *key,
        account: Some(FlatAccount { balance: account.balance + U256::from(1), ..*account }),
        slots: Vec::new(),
    };
    list.iter().step_by(every).take(CHANGED).map(patch).collect()
}

/// All accounts, changed.
pub(crate) fn changed(list: &Accounts, patches: &[AccountPatch]) -> Accounts {
    let mut list = list.clone();
    for patch in patches {
        let at = list.binary_search_by_key(&patch.key, |(key, _)| *key).unwrap();
        list[at].1 = patch.account.unwrap();
    }
    list
}

/// Those of a contract, and the changes of some of them: new values, new ones, and ends.
pub(crate) fn slots() -> (Slots, Slots) {
    let key = |at: u64| keccak256(B256::from(U256::from(at)));
    let mut all: Slots = (0..SLOTS).map(|at| (key(at), U256::from(at + 1))).collect();
    let some = (0..CHANGED as u64).map(|at| at * SLOTS / CHANGED as u64);
    let change = |at: u64| match at % 20 / 5 {
        0 => (key(at), U256::ZERO),
        1 => (key(at + SLOTS), U256::from(at)),
        _ => (key(at), U256::from(at) << 64),
    };
    let mut changes: Slots = some.map(|at| change(at + at / 20 % 20)).collect();
    all.sort_unstable();
    changes.sort_unstable();
    changes.dedup_by_key(|(key, _)| *key);
    (all, changes)
}
