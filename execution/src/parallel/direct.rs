//! The state as one thread alone sees it. revm's journal holds what was read and what changed; here lies what was taken out of
//! the journal in between and, while a call has a journal of its own, the kept one.

use std::{collections::BTreeMap, mem, sync::Arc};

use alloy_eips::eip2935;
use alloy_primitives::{
    Address, B256, KECCAK256_EMPTY, U256,
    map::{AddressMap, B256Map, Entry, U256Map},
};
use revm::{
    Database,
    context::JournalEntry,
    state::{Account, AccountId, AccountInfo, Bytecode, EvmState},
};

use super::{
    flat::{FlatAccount, FlatState},
    job::{FlatBlock, FlatChange},
    space::Failure,
    taken::{Taken, change, goes_on, slots},
    uses::{Uses, Written},
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
    written: Written,
    /// What calls use, where that is limited.
    uses: Option<Uses>,
    /// Whether the transaction under way is such a call: then it has a journal of its own, and the others wait in `held`.
    weighs: bool,
    held: Held,
    /// Accounts that plain transfers may have added since the last call.
    moved: Vec<Address>,
    /// A part of a transaction was taken over, and the rest could not be.
    is_torn: bool,
    hashes: BTreeMap<u64, B256>,
    /// Accounts that the last transaction destructed.
    destroyed: Vec<Address>,
}

/// What the journal holds of all transactions but the one under way.
#[derive(Default)]
struct Held {
    state: EvmState,
    written: Written,
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
            written: Written::default(),
            uses: block.max_witness_bytes.map(|limit| Uses::new(limit, block.block.beneficiary)),
            weighs: false,
            held: Held::default(),
            moved: Vec::new(),
            is_torn: false,
            hashes: BTreeMap::new(),
            destroyed: Vec::new(),
        }
    }

    /// An account before the block.
    fn base(&mut self, address: Address) -> Result<FlatAccount, Failure> {
        match &mut self.uses {
            Some(uses) if self.weighs => uses.account(self.flat, address),
            _ => base(self.flat, address),
        }
    }

    fn now(&mut self, address: Address) -> Result<FlatAccount, Failure> {
        match self.taken.get(&address) {
            Some(taken) => Ok(taken.now),
            None => self.base(address),
        }
    }

    /// An account that the journal of the transactions before this one holds, while a call has its own.
    fn held(&self, address: &Address) -> Option<&Account> {
        if self.weighs { self.held.state.get(address) } else { None }
    }

    /// The transaction uses this account.
    fn used(&mut self, address: Address) -> Result<(), Failure> {
        match &mut self.uses {
            Some(uses) if self.weighs => uses.account(self.flat, address).map(drop),
            _ => Ok(()),
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

    /// A plain transfer went from one account to the other.
    pub(super) fn moved(&mut self, [from, to]: [Address; 2], state: &EvmState) {
        if self.uses.is_none() {
            return;
        }
        // What has a number was there before the block. Where gas is free, a sender without anything is new, too.
        let is_new = |account: &Account| account.info.account_id.is_none();
        let new = [from, to].into_iter().filter(|of| state.get(of).is_none_or(is_new));
        self.moved.extend(new);
    }

    /// Whether the bytes of state that a call uses are limited.
    pub(super) fn is_limited(&self) -> bool {
        self.uses.is_some()
    }

    /// The transaction calls code. If what it uses is limited, it begins with an empty journal.
    pub(super) fn begin_call(&mut self, state: &mut EvmState) -> Result<(), Failure> {
        let Some(uses) = &mut self.uses else {
            return Ok(());
        };
        uses.begin(self.flat, self.moved.drain(..))?;
        self.exchange(state);
        self.weighs = true;
        Ok(())
    }

    /// Ends it, whatever became of it: what the journal holds of it, unless it was settled, did not happen.
    pub(super) fn end_call(&mut self, state: &mut EvmState) {
        if mem::take(&mut self.weighs) {
            state.clear();
            self.written.clear();
            self.exchange(state);
        }
    }

    fn exchange(&mut self, state: &mut EvmState) {
        mem::swap(&mut self.held.state, state);
        mem::swap(&mut self.held.written, &mut self.written);
    }

    /// Takes over what a transaction did that may have used too much; false if so, and it did not happen.
    pub(super) fn settle(&mut self, state: &mut EvmState) -> Result<bool, Failure> {
        let Some(uses) = &mut self.uses else {
            self.take_destroyed(state)?;
            return Ok(true);
        };
        if !uses.admits(self.flat, state, &self.written)? {
            return Ok(false);
        }
        let added = state
            .iter()
            .filter(|(_, account)| account.is_touched() && account.info.account_id.is_none());
        uses.add_accounts(self.flat, added.map(|(address, _)| *address))?;
        uses.add_slots(self.flat, &self.written)?;
        for (address, account) in state.drain().filter(|(_, account)| account.is_touched()) {
            self.hold(address, account)?;
        }
        Ok(true)
    }

    /// Adds what a transaction did to what the journal holds of those before it.
    fn hold(&mut self, address: Address, mut account: Account) -> Result<(), Failure> {
        let written = self.written.remove(&address);
        let base = account.info.account_id.and_then(|id| self.bases.get(id.get()));
        if goes_on(base.unwrap_or(&FlatAccount::NONE), &account).is_none() {
            if let Some(mut before) = self.held.state.remove(&address) {
                let written = self.held.written.remove(&address);
                self.fold(address, &mut before, written)?;
            }
            return self.fold(address, &mut account, written);
        }
        if let Some(written) = written {
            let before = self.held.written.entry(address).or_default();
            for (slot, had) in written {
                before.entry(slot).or_insert(had);
            }
        }
        match self.held.state.entry(address) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.info = account.info;
                known.storage.extend(account.storage);
                known.mark_touch();
            }
            Entry::Vacant(place) => {
                place.insert(account);
            }
        }
        Ok(())
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
    fn take_destroyed(&mut self, state: &mut EvmState) -> Result<(), Failure> {
        for address in mem::take(&mut self.destroyed) {
            if let Some(mut account) = state.remove(&address) {
                self.take_one(address, &mut account)?;
            }
        }
        Ok(())
    }

    fn take_one(&mut self, address: Address, account: &mut Account) -> Result<(), Failure> {
        let written = self.written.remove(&address);
        self.fold(address, account, written)
    }

    /// Takes over an account that was in the journal, with the slots that were written there.
    fn fold(
        &mut self,
        address: Address,
        account: &mut Account,
        written: Option<U256Map<U256>>,
    ) -> Result<(), Failure> {
        let taken = match self.taken.entry(address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let base = base_of(self.flat, &self.bases, address, account);
                self.is_torn |= base.is_err();
                place.insert(Taken::new(base?))
            }
        };
        taken.update(account, written, &mut self.codes);
        Ok(())
    }

    /// Takes over what the journal held at last. Gives all that changed, and the codes that are new.
    pub(super) fn end(mut self, mut state: EvmState) -> Result<Changes, Failure> {
        if self.is_torn {
            return Err(Failure::Stopped);
        }
        let mut changes = Vec::with_capacity(state.len());
        for (address, account) in state.iter_mut().filter(|(_, account)| account.is_touched()) {
            let written = self.written.remove(address);
            let mut taken = match self.taken.remove(address) {
                Some(taken) => taken,
                None => {
                    let before = base_of(self.flat, &self.bases, *address, account)?;
                    if let Some(now) = goes_on(&before, account) {
                        changes.extend(change(*address, (before, now), slots(account, written)));
                        continue;
                    }
                    Taken::new(before)
                }
            };
            taken.update(account, written, &mut self.codes);
            changes.extend(taken.change(*address));
        }
        let taken = self.taken.into_iter();
        changes.extend(taken.filter_map(|(address, taken)| taken.change(address)));
        Ok((changes, self.codes.into_iter().collect()))
    }
}

/// An account before the block.
fn base(flat: &dyn FlatState, address: Address) -> Result<FlatAccount, Failure> {
    match flat.account(address)?.value {
        Some(account) if account.is_empty() => Err(Failure::Hollow),
        found => Ok(found.unwrap_or(FlatAccount::NONE)),
    }
}

/// The same, of an account that the journal holds.
fn base_of(
    flat: &dyn FlatState,
    bases: &[FlatAccount],
    address: Address,
    account: &Account,
) -> Result<FlatAccount, Failure> {
    match account.info.account_id.and_then(|id| bases.get(id.get())) {
        Some(base) => Ok(*base),
        None => base(flat, address),
    }
}

/// Accounts that changed, and codes that are new.
type Changes = (Vec<FlatChange>, Vec<(B256, Bytecode)>);

impl Database for Direct<'_> {
    type Error = Failure;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Failure> {
        self.used(address)?;
        if let Some(held) = self.held(&address) {
            let AccountInfo { balance, nonce, code_hash, account_id, .. } = held.info;
            let info = AccountInfo { balance, nonce, code_hash, account_id, code: None };
            return Ok((!info.is_empty()).then_some(info));
        }
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
        match (self.codes.get(&hash), self.uses.as_mut().filter(|_| self.weighs)) {
            (known, Some(uses)) => uses.code(self.flat, hash, known),
            (Some(code), None) => Ok(code.clone()),
            (None, None) => Ok(self.flat.code(hash)?),
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Failure> {
        let base = match &mut self.uses {
            Some(uses) if self.weighs => Some(uses.slot(self.flat, address, slot)?),
            _ => None,
        };
        if let Some(slot) = self.held(&address).and_then(|held| held.storage.get(&slot)) {
            return Ok(slot.present_value());
        }
        if let Some(taken) = self.taken.get(&address) {
            if let Some((_, now)) = taken.slots.get(&slot) {
                return Ok(*now);
            }
            if taken.wiped || taken.before.is_empty() {
                return Ok(U256::ZERO);
            }
        }
        base.map_or_else(|| Ok(self.flat.storage(address, slot)?.value), Ok)
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
        self.used(address)?;
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
        self.used(address)?;
        Ok(self.now(address)?.has_storage)
    }
}
