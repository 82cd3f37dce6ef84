//! The state as one thread alone sees it. revm's journal holds what was read and what changed; here lies what was taken out of
//! the journal in between.

use std::{collections::BTreeMap, mem, sync::Arc};

use alloy_eips::eip2935;
use alloy_primitives::{
    Address, B256, KECCAK256_EMPTY, U256,
    map::{AddressMap, B256Map, U256Map},
};
use revm::{
    Database,
    context::JournalEntry,
    state::{Account, AccountId, AccountInfo, Bytecode, EvmState, EvmStorageSlot},
};

use super::{
    flat::{FlatAccount, FlatState},
    job::{FlatBlock, FlatChange},
    space::Failure,
};
use crate::{
    error::StateError,
    evm::{StorageKnown, history_slot, is_recent},
};

/// revm's database for one thread alone.
pub(super) struct Direct<'a> {
    flat: &'a dyn FlatState,
    /// Accounts before the block, in the order in which the journal loaded them: it keeps that number with each.
    bases: Vec<FlatAccount>,
    number: u64,
    ancestors: Option<&'a Arc<BTreeMap<u64, B256>>>,
    taken: AddressMap<Taken>,
    /// Codes that are new.
    codes: B256Map<Bytecode>,
    /// Slots that transactions changed since the journal began, and what they were before.
    written: AddressMap<U256Map<U256>>,
    hashes: BTreeMap<u64, B256>,
    /// Accounts that the last transaction destructed.
    destroyed: Vec<Address>,
}

/// An account that was taken out of the journal.
struct Taken {
    before: FlatAccount,
    now: FlatAccount,
    wiped: bool,
    /// Before, unless it was emptied since, and now.
    slots: U256Map<(U256, U256)>,
}

impl<'a> Direct<'a> {
    pub(super) fn new(block: &FlatBlock<'a>) -> Self {
        Self {
            flat: block.state,
            bases: Vec::new(),
            number: block.number,
            ancestors: block.ancestors,
            taken: AddressMap::default(),
            codes: B256Map::default(),
            written: AddressMap::default(),
            hashes: BTreeMap::new(),
            destroyed: Vec::new(),
        }
    }

    /// An account before the block.
    fn base(&self, address: Address) -> Result<FlatAccount, Failure> {
        match self.flat.account(address)?.value {
            Some(account) if account.is_empty() => Err(Failure::Hollow),
            found => Ok(found.unwrap_or(FlatAccount::NONE)),
        }
    }

    /// The same, of an account that the journal holds.
    fn base_of(&self, address: Address, account: &Account) -> Result<FlatAccount, Failure> {
        let known = account.info.account_id.and_then(|id| self.bases.get(id.get()));
        known.map_or_else(|| self.base(address), |base| Ok(*base))
    }

    fn now(&self, address: Address) -> Result<FlatAccount, Failure> {
        match self.taken.get(&address) {
            Some(taken) => Ok(taken.now),
            None => self.base(address),
        }
    }

    /// Remembers what a transaction that is about to end changed, by its journal.
    pub(super) fn note(&mut self, journal: &[JournalEntry]) {
        for entry in journal {
            match entry {
                JournalEntry::StorageChanged { address, key, had_value } => {
                    let slots = self.written.entry(*address).or_default();
                    slots.entry(*key).or_insert(*had_value);
                }
                JournalEntry::AccountDestroyed { address, .. } => self.destroyed.push(*address),
                _ => {}
            }
        }
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self) {
        self.destroyed.clear();
        self.hashes.clear();
    }

    /// Takes over what the journal held; `state` is emptied.
    pub(super) fn take(&mut self, state: &mut EvmState) -> Result<(), Failure> {
        for (address, mut account) in state.drain().filter(|(_, account)| account.is_touched()) {
            self.take_one(address, &mut account)?;
        }
        self.written.clear();
        Ok(())
    }

    /// Takes over the accounts that the last transaction destructed: they are others when they come back.
    pub(super) fn take_destroyed(&mut self, state: &mut EvmState) -> Result<(), Failure> {
        for address in mem::take(&mut self.destroyed) {
            if let Some(mut account) = state.remove(&address) {
                self.take_one(address, &mut account)?;
            }
        }
        Ok(())
    }

    fn take_one(&mut self, address: Address, account: &mut Account) -> Result<(), Failure> {
        let mut taken = match self.taken.remove(&address) {
            Some(taken) => taken,
            None => Taken::new(self.base_of(address, account)?),
        };
        let written = self.written.remove(&address);
        self.update(&mut taken, account, written);
        self.taken.insert(address, taken);
        Ok(())
    }

    /// Takes over what the journal held at last. Gives all that changed, and the codes that are new.
    pub(super) fn end(mut self, mut state: EvmState) -> Result<Changes, Failure> {
        let mut changes = Vec::with_capacity(state.len());
        for (address, account) in state.iter_mut().filter(|(_, account)| account.is_touched()) {
            let written = self.written.remove(address);
            let mut taken = match self.taken.remove(address) {
                Some(taken) => taken,
                None => {
                    let before = self.base_of(*address, account)?;
                    if let Some(now) = goes_on(&before, account) {
                        changes.extend(change(*address, (before, now), slots(account, written)));
                        continue;
                    }
                    Taken::new(before)
                }
            };
            self.update(&mut taken, account, written);
            changes.extend(taken.change(*address));
        }
        let taken = self.taken.into_iter();
        changes.extend(taken.filter_map(|(address, taken)| taken.change(address)));
        Ok((changes, self.codes.into_iter().collect()))
    }

    /// Brings an account to what the journal says, of which it had these slots written.
    fn update(&mut self, taken: &mut Taken, account: &mut Account, written: Option<U256Map<U256>>) {
        let hash = account.info.code_hash;
        if let Some(code) = account.info.code.take().filter(|_| hash != taken.now.code_hash) {
            self.codes.insert(hash, code);
        }
        if taken.set(account) {
            // What it wrote ended with it: should it come back, nothing of it may stand there.
            taken.slots.clear();
            return;
        }
        for (slot, before) in written.unwrap_or_default() {
            let Some(now) = account.storage.get(&slot).map(EvmStorageSlot::present_value) else {
                continue;
            };
            let before = if taken.wiped { U256::ZERO } else { before };
            taken.slots.entry(slot).or_insert((before, now)).1 = now;
        }
    }
}

/// The account now, if it did not end, was not created by code and has the code that it had: then only its nonce and balance can
/// differ.
fn goes_on(before: &FlatAccount, account: &Account) -> Option<FlatAccount> {
    let AccountInfo { balance, nonce, code_hash, .. } = account.info;
    let ended = account.is_empty() || account.is_selfdestructed();
    let goes_on = before.code_hash == code_hash && !ended && !account.is_created();
    goes_on.then_some(FlatAccount { nonce, balance, ..*before })
}

/// Of slots that were written, and what they were before: those that changed, with what they are now.
fn slots(account: &Account, written: Option<U256Map<U256>>) -> Vec<(U256, U256)> {
    let written = written.unwrap_or_default().into_iter();
    let changed = written.filter_map(|(slot, before)| {
        let now = account.storage.get(&slot)?.present_value();
        (now != before).then_some((slot, now))
    });
    changed.collect()
}

/// What became of an account that went on, with the storage that it had but for these slots.
fn change(
    address: Address,
    (before, now): (FlatAccount, FlatAccount),
    slots: Vec<(U256, U256)>,
) -> Option<FlatChange> {
    (before != now || !slots.is_empty()).then(|| FlatChange {
        address,
        after: now.existing(),
        wiped: false,
        slots,
    })
}

/// Accounts that changed, and codes that are new.
type Changes = (Vec<FlatChange>, Vec<(B256, Bytecode)>);

impl Taken {
    fn new(before: FlatAccount) -> Self {
        Self { before, now: before, wiped: false, slots: U256Map::default() }
    }

    /// Takes over everything but slots; true if the account ended.
    fn set(&mut self, account: &Account) -> bool {
        // EIP-161 and EIP-6780: empty accounts, and those that were created and destructed, end.
        let ended = account.is_selfdestructed() || account.is_empty();
        if ended && self.now.is_empty() {
            return true;
        }
        if ended || account.is_created() {
            self.wiped = true;
            self.slots.clear();
        }
        let AccountInfo { balance, nonce, code_hash, .. } = account.info;
        let has_storage = self.before.has_storage && !self.wiped;
        self.now = if ended {
            FlatAccount::NONE
        } else {
            FlatAccount { nonce, balance, code_hash, has_storage }
        };
        ended
    }

    fn change(self, address: Address) -> Option<FlatChange> {
        let Self { before, now, wiped, slots } = self;
        let slots = slots.into_iter().filter(|(_, (before, now))| before != now);
        let slots: Vec<_> = slots.map(|(slot, (_, now))| (slot, now)).collect();
        let emptied = wiped && before.has_storage;
        let same = FlatAccount { has_storage: before.has_storage, ..now } == before;
        (!same || emptied || !slots.is_empty()).then(|| FlatChange {
            address,
            after: now.existing(),
            wiped,
            slots,
        })
    }
}

impl Database for Direct<'_> {
    type Error = Failure;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Failure> {
        if let Some(taken) = self.taken.get(&address) {
            return Ok(taken.now.existing().map(|account| account.info()));
        }
        let Some(base) = self.base(address)?.existing() else {
            return Ok(None);
        };
        let account_id = AccountId::new(self.bases.len());
        self.bases.push(base);
        Ok(Some(AccountInfo { account_id, ..base.info() }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Failure> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        match self.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => Ok(self.flat.code(hash)?),
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Failure> {
        if let Some(taken) = self.taken.get(&address) {
            if let Some((_, now)) = taken.slots.get(&slot) {
                return Ok(*now);
            }
            if taken.wiped || taken.before.is_empty() {
                return Ok(U256::ZERO);
            }
        }
        Ok(self.flat.storage(address, slot)?.value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        if !is_recent(self.number, number) {
            return Ok(B256::ZERO);
        }
        if let Some(ancestors) = self.ancestors {
            let known = ancestors.get(&number).copied();
            return known.ok_or(StateError::MissingAncestor(number).into());
        }
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        let address = eip2935::HISTORY_STORAGE_ADDRESS;
        let hash = match self.now(address)?.existing() {
            Some(_) => self.storage(address, history_slot(number))?.into(),
            None => B256::ZERO,
        };
        self.hashes.insert(number, hash);
        Ok(hash)
    }
}

impl StorageKnown for Direct<'_> {
    fn has_storage(&mut self, address: Address) -> Result<bool, Failure> {
        Ok(self.now(address)?.has_storage)
    }
}
