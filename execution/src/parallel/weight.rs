//! A cheap upper bound of the bytes of state that a transaction uses (the provability rule), without any trie.
//!
//! The exact count needs the tries as they are before the transaction. But a branch lies on the way of a key only as deep as
//! that key, or one that the block added, shares nibbles with another: that is known for each key of the state before the
//! block from the walk that read it, and for those that the block adds by comparing them with each other. Between two
//! branches there is at most one other node for a nibble, and none is longer than a full branch.
//!
//! Only what passes the limit by this bound has to be counted exactly, on the tries.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, keccak256};

use super::{
    cells::{AccountCell, SlotCell},
    record::Work,
    run::Run,
    space::Failure,
};

/// RLP of a branch with 16 hashes.
const BRANCH: u64 = 532;
/// More than the RLP of any leaf: of an account, or of a slot.
const LEAF: u64 = 180;

/// More than a plain transfer ever uses, in any state: the ways of its sender, its recipient and the fee recipient, which it
/// writes.
pub(super) const PLAIN: u64 = 3 * ((NIBBLES + 1) * BRANCH + LEAF + BRANCH);
/// Those of a key.
const NIBBLES: u64 = 64;

/// The keys that a block added to the tries so far.
#[derive(Debug)]
pub(super) struct Weights {
    /// Bytes that a transaction may use.
    limit: u64,
    accounts: Added,
    /// By the number of the account.
    slots: BTreeMap<u32, Added>,
}

/// Keys added to one trie.
#[derive(Debug, Default)]
struct Added {
    /// Their numbers.
    known: BTreeSet<u32>,
    keys: BTreeSet<B256>,
    /// Nibbles that any of them shares with another key, at most.
    shared: u8,
}

impl Added {
    /// Adds a key that shares this much with those of the state before the block.
    fn add(&mut self, number: u32, key: impl FnOnce() -> B256, shared: u8) {
        if !self.known.insert(number) {
            return;
        }
        let key = key();
        let near = [self.keys.range(..key).next_back(), self.keys.range(key..).next()];
        let near = near.into_iter().flatten().map(|other| common(&key, other)).max();
        self.shared = self.shared.max(shared).max(near.unwrap_or_default());
        self.keys.insert(key);
    }

    /// Bytes on the way of a key that shares this much with those of the state before the block.
    fn weigh(&self, shared: u8) -> u64 {
        let levels = u64::from(self.shared.max(shared)).saturating_add(1);
        levels.saturating_mul(BRANCH).saturating_add(LEAF)
    }
}

impl Weights {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, accounts: Added::default(), slots: BTreeMap::new() }
    }

    /// Bytes on the way of an account that shares this much with those of the state before the block.
    pub(super) fn account(&self, shared: u8) -> u64 {
        self.accounts.weigh(shared)
    }

    /// Bytes on the way of an account's slot that shares this much with those that it had before the block.
    pub(super) fn slot(&self, account: u32, shared: u8) -> u64 {
        self.slots
            .get(&account)
            .map_or_else(|| Added::default().weigh(shared), |of| of.weigh(shared))
    }

    /// Whether a transaction certainly keeps to the limit, when these are its codes and the ways that it went, and it wrote so
    /// many keys.
    pub(super) fn admits(&self, bytes: u64, written: usize) -> bool {
        // This is before what the transaction itself adds, as the exact count is: it tells of nodes that were there before. What
        // is removed can collapse a branch: then the other way out of it is looked at.
        let written = u64::try_from(written).unwrap_or(u64::MAX);
        bytes.saturating_add(written.saturating_mul(BRANCH)) <= self.limit
    }

    /// A transaction may have added this account, which lies on the ways of the next ones.
    pub(super) fn add_account(&mut self, account: u32, address: Address, shared: u8) {
        self.accounts.add(account, || keccak256(address), shared);
    }

    /// A transaction may have added this slot to an account.
    pub(super) fn add_slot(&mut self, account: u32, (index, slot): (u32, U256), shared: u8) {
        let key = || keccak256(slot.to_be_bytes::<32>());
        self.slots.entry(account).or_default().add(index, key, shared);
    }

    /// Whether a transaction that ran over versions certainly keeps to the limit.
    pub(super) fn admits_work(&self, run: &Run<'_>, work: &Work) -> Result<bool, Failure> {
        let mut bytes = work.code_bytes;
        let beneficiary = run.space.account_index(run.block.beneficiary)?;
        for cell in work.accounts.iter().map(|read| read.cell).chain([beneficiary]) {
            bytes = bytes.saturating_add(self.account(run.account_path(cell)?.1));
        }
        for cell in
            work.slots.iter().map(|read| read.cell).chain(work.written_slots.iter().copied())
        {
            let (slot, shared) = run.slot_path(cell)?;
            bytes = bytes.saturating_add(self.slot(slot.account(), shared));
        }
        let written = work.written_slots.len().saturating_add(work.written_accounts.len());
        Ok(self.admits(bytes, written))
    }

    /// A transaction ended: what it added lies on the ways of the next ones.
    pub(super) fn add_work(&mut self, run: &Run<'_>, work: &Work) -> Result<(), Failure> {
        let beneficiary = run.space.account_index(run.block.beneficiary)?;
        let paid = (!work.reward.is_zero()).then_some(beneficiary);
        for index in work.written_accounts.iter().copied().chain(paid) {
            let (cell, shared) = run.account_path(index)?;
            if cell.base().is_none_or(|base| base.value.is_empty()) {
                self.add_account(index, cell.address(), shared);
            }
        }
        for index in &work.written_slots {
            let (cell, shared) = run.slot_path(*index)?;
            if cell.base().is_none_or(|base| base.value.is_zero()) {
                self.add_slot(cell.account(), (*index, cell.slot()), shared);
            }
        }
        Ok(())
    }
}

impl<'a> Run<'a> {
    fn account_path(&self, index: u32) -> Result<(&'a AccountCell, u8), Failure> {
        let cell = self.space.accounts.get(index).ok_or(Failure::Full)?;
        Ok((cell, self.space.base_account(self.flat, cell)?.path.shared))
    }

    fn slot_path(&self, index: u32) -> Result<(&'a SlotCell, u8), Failure> {
        let cell = self.space.slots.get(index).ok_or(Failure::Full)?;
        Ok((cell, self.space.base_slot(self.flat, cell)?.path.shared))
    }
}

/// Nibbles that two keys have in common at their beginnings.
fn common(one: &B256, other: &B256) -> u8 {
    let equal = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let half =
        one.get(equal).zip(other.get(equal)).is_some_and(|(one, other)| one >> 4 == other >> 4);
    let nibbles = equal.saturating_mul(2).saturating_add(half.into());
    u8::try_from(nibbles).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_nibbles_are_counted() {
        let key = |first: u8, second: u8| {
            let mut key = B256::ZERO;
            key.0[..2].copy_from_slice(&[first, second]);
            key
        };
        assert_eq!(common(&key(0x12, 0x34), &key(0x12, 0x35)), 3);
        assert_eq!(common(&key(0x12, 0x34), &key(0x13, 0x34)), 1);
        assert_eq!(common(&key(0x12, 0x34), &key(0x92, 0x34)), 0);
        assert_eq!(common(&key(1, 1), &key(1, 1)), 64);
    }

    #[test]
    fn keys_that_share_much_lengthen_all_ways() {
        let mut added = Added::default();
        added.add(0, || B256::with_last_byte(1), 3);
        assert_eq!(added.weigh(0), 4 * BRANCH + LEAF);
        added.add(0, || B256::with_last_byte(2), 9);
        assert_eq!(added.weigh(0), 4 * BRANCH + LEAF, "it is there already");
        added.add(1, || B256::with_last_byte(2), 3);
        assert_eq!(added.weigh(5), 64 * BRANCH + LEAF);
        assert_eq!(added.weigh(63), 64 * BRANCH + LEAF);
        assert!(PLAIN >= 3 * (added.weigh(64) + BRANCH));
    }
}
