//! What a run changed, written where later transactions see it.

use std::sync::atomic::Ordering::Release;

use alloy_primitives::{KECCAK256_EMPTY, U256};
use revm::state::{Account, EvmState};

use super::{
    cells::{
        ADDED, AccountVersion, BALANCE, CODE, NONCE, STALE, SlotVersion, WHOLE, WIPED,
        account_words,
    },
    flat::FlatAccount,
    record::{Work, needs},
    space::{Failure, Space},
    versions::{Version, Written},
    view::View,
    words,
};

/// Reads among which a written slot is looked for.
const FEW: usize = 16;

impl Space {
    /// Marks what a run wrote: whoever reads it waits for the next run.
    pub(super) fn make_stale(&self, tx: u32, work: &Work) {
        for cell in &work.written_accounts {
            if let Some(cell) = self.accounts.get(*cell) {
                cell.versions.update(tx, |version, _| version.flags |= STALE);
            }
        }
        for cell in &work.written_slots {
            if let Some(cell) = self.slots.get(*cell) {
                cell.versions.update(tx, |version, _| version.flags |= STALE);
            }
        }
    }

    /// Takes back what a run wrote and `kept` did not write again.
    pub(super) fn take_back(&self, tx: u32, work: &Work, kept: &Work) {
        for cell in without(&work.written_accounts, &kept.written_accounts) {
            if let Some(cell) = self.accounts.get(cell) {
                cell.versions.remove(tx);
            }
        }
        for cell in without(&work.written_slots, &kept.written_slots) {
            if let Some(cell) = self.slots.get(cell) {
                cell.versions.remove(tx);
            }
        }
    }

    pub(super) fn write_account(
        &self,
        cell: u32,
        version: &AccountVersion,
    ) -> Result<Written, Failure> {
        let account = self.accounts.get(cell).ok_or(Failure::Full)?;
        if version.flags & WIPED != 0 {
            account.ever_wiped.store(true, Release);
        }
        let base = || account.base().map(|base| base.value.code_hash);
        if version.code_hash().is_some_and(|hash| base() != Some(hash)) {
            account.ever_coded.store(true, Release);
        }
        let written = account.versions.write(version, &self.floor).ok_or(Failure::Full)?;
        if written.spilled {
            self.accounts.spill();
        }
        Ok(written)
    }

    fn write_slot(&self, cell: u32, version: &SlotVersion) -> Result<Written, Failure> {
        let slot = self.slots.get(cell).ok_or(Failure::Full)?;
        let written = slot.versions.write(version, &self.floor).ok_or(Failure::Full)?;
        if written.spilled {
            self.slots.spill();
        }
        Ok(written)
    }
}

impl View<'_> {
    /// Writes what the transaction under way changed; `state` is emptied.
    pub(super) fn publish(&mut self, state: &mut EvmState) -> Result<(), Failure> {
        for (address, account) in state.drain() {
            if !account.is_touched() {
                continue;
            }
            let known = account.info.account_id.and_then(|id| u32::try_from(id.get()).ok());
            let cell = match known {
                Some(cell) => cell,
                None => self.scene.space.account_index(address)?,
            };
            self.publish_account(cell, &account)?;
        }
        Ok(())
    }

    fn publish_account(&mut self, cell: u32, account: &Account) -> Result<(), Failure> {
        let before = self.seen(cell).map_or(FlatAccount::NONE, |read| read.seen);
        // EIP-161 and EIP-6780: empty accounts, and those that were created and destructed, end.
        if account.is_selfdestructed() || account.is_empty() {
            if before.is_empty() {
                return Ok(());
            }
            self.need(cell, needs::NONCE | needs::BALANCE);
            let words = account_words(0, U256::ZERO, KECCAK256_EMPTY);
            return self.put_account(cell, WHOLE | WIPED, words);
        }
        let info = &account.info;
        if let Some(code) = info.code.as_ref().filter(|_| info.code_hash != before.code_hash)
            && info.code_hash != KECCAK256_EMPTY
        {
            self.scene.space.add_code(info.code_hash, code.clone());
            self.work.codes.push((info.code_hash, code.clone()));
        }
        let (flags, balance) = self.flags(cell, account, &before);
        if flags != 0 {
            let words = account_words(info.nonce, balance, info.code_hash);
            self.put_account(cell, flags, words)?;
        }
        for (slot, value) in account.changed_storage_slots() {
            let index = self.scene.space.slot_index(cell, *slot)?;
            let words = words::of_u256(value.present_value());
            let version = Version { tx: self.tx, flags: 0, words };
            self.work.written_slots.push(index);
            let written = self.scene.space.write_slot(index, &version)?;
            // Its own write does not make it another slot. Of many it is not worth to look for the one.
            let mut reads = self.work.slots.iter_mut().take(FEW);
            if let Some(read) = reads.find(|read| read.cell == index)
                && read.sequence == written.before
            {
                read.sequence = written.after;
            }
        }
        Ok(())
    }

    /// What of an account that goes on is written, and its balance or what is added to it.
    fn flags(&mut self, cell: u32, account: &Account, before: &FlatAccount) -> (u32, U256) {
        let info = &account.info;
        if account.is_created() {
            self.need(cell, needs::NONCE | needs::BALANCE);
            return (WHOLE | WIPED, info.balance);
        }
        let mut flags = 0;
        if info.nonce != before.nonce {
            self.need(cell, needs::NONCE);
            flags |= NONCE;
        }
        if info.code_hash != before.code_hash {
            flags |= CODE;
        }
        let needs = self.seen(cell).map_or(needs::BALANCE, |read| read.needs);
        if info.balance != before.balance {
            match info.balance.checked_sub(before.balance) {
                Some(added) if needs & needs::BALANCE == 0 => return (flags | ADDED, added),
                _ => {
                    self.need(cell, needs::BALANCE);
                    flags |= BALANCE;
                }
            }
        }
        // All of it was looked at: then all is known.
        let all = needs::NONCE | needs::BALANCE;
        if flags != 0 && self.seen(cell).is_some_and(|read| read.needs & all == all) {
            flags = WHOLE;
        }
        (flags, info.balance)
    }

    pub(super) fn put_account(
        &mut self,
        cell: u32,
        flags: u32,
        words: [u64; 9],
    ) -> Result<(), Failure> {
        self.work.written_accounts.push(cell);
        if flags & WHOLE != WHOLE || flags & WIPED != 0 {
            self.work.parts.push(cell);
        }
        let version = Version { tx: self.tx, flags, words };
        let written = self.scene.space.write_account(cell, &version)?;
        // Its own write does not make it another account.
        if let Some(read) = self.seen_mut(cell)
            && read.sequence == written.before
        {
            read.sequence = written.after;
        }
        Ok(())
    }
}

fn without(all: &[u32], kept: &[u32]) -> Vec<u32> {
    if all.is_empty() {
        return Vec::new(); // as in every first run
    }
    let mut kept = kept.to_vec();
    kept.sort_unstable();
    all.iter().copied().filter(|cell| kept.binary_search(cell).is_err()).collect()
}
