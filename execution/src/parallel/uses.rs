//! What transactions that one thread runs use of the state, where that is limited.

use std::mem;

use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, B256Map, Entry, U256Map},
};
use revm::state::{Bytecode, EvmState};

use super::{
    flat::{FlatAccount, FlatState, Weighed},
    space::Failure,
    weight::Weights,
};

/// What the block read from the state before it, and an upper bound of what the transaction under way uses of it.
pub(super) struct Uses {
    weights: Weights,
    beneficiary: Address,
    accounts: AddressMap<Account>,
    /// How many were read.
    slots: u32,
    /// With the transactions that used them last.
    codes: B256Map<(Bytecode, u32)>,
    transaction: u32,
    /// What it uses, without what its writes take beside.
    bytes: u64,
}

/// An account before the block.
struct Account {
    number: u32,
    base: FlatAccount,
    shared: u8,
    /// The transaction that used it last.
    used: u32,
    slots: U256Map<Slot>,
}

/// A slot before the block.
#[derive(Clone, Copy)]
struct Slot {
    number: u32,
    base: U256,
    shared: u8,
    /// The transaction that used it last.
    used: u32,
}

/// Slots that were written, by account, and what they were.
pub(super) type Written = AddressMap<U256Map<U256>>;

impl Uses {
    /// No transaction may use more bytes than `limit`.
    pub(super) fn new(limit: u64, beneficiary: Address) -> Self {
        Self {
            weights: Weights::new(limit),
            beneficiary,
            accounts: AddressMap::default(),
            slots: 0,
            codes: B256Map::default(),
            transaction: 0,
            bytes: 0,
        }
    }

    /// A call begins: it has used nothing. These accounts are what plain transfers may have added since the last one, beside
    /// the fee recipient.
    pub(super) fn begin(
        &mut self,
        flat: &dyn FlatState,
        moved: impl Iterator<Item = Address>,
    ) -> Result<(), Failure> {
        self.add_accounts(flat, moved.chain([self.beneficiary]))?;
        self.transaction = self.transaction.wrapping_add(1);
        self.bytes = 0;
        Ok(())
    }

    /// The transaction uses an account. Gives what it was before the block.
    pub(super) fn account(
        &mut self,
        flat: &dyn FlatState,
        address: Address,
    ) -> Result<FlatAccount, Failure> {
        self.used(flat, address).map(|account| account.base)
    }

    fn used(&mut self, flat: &dyn FlatState, address: Address) -> Result<&mut Account, Failure> {
        let number = u32::try_from(self.accounts.len()).map_err(|_| Failure::Full)?;
        let account = match self.accounts.entry(address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let Weighed { value, path } = flat.account(address)?;
                let base = match value {
                    Some(account) if account.is_empty() => return Err(Failure::Hollow),
                    found => found.unwrap_or(FlatAccount::NONE),
                };
                let (shared, slots) = (path.shared, U256Map::default());
                let used = self.transaction.wrapping_sub(1);
                place.insert(Account { number, base, shared, used, slots })
            }
        };
        if mem::replace(&mut account.used, self.transaction) != self.transaction {
            self.bytes = self.bytes.saturating_add(self.weights.account(account.shared));
        }
        Ok(account)
    }

    /// The transaction uses a slot. Gives what it was before the block.
    pub(super) fn slot(
        &mut self,
        flat: &dyn FlatState,
        address: Address,
        slot: U256,
    ) -> Result<U256, Failure> {
        self.used_slot(flat, address, slot).map(|(_, slot)| slot.base)
    }

    /// With the number of its account.
    fn used_slot(
        &mut self,
        flat: &dyn FlatState,
        address: Address,
        slot: U256,
    ) -> Result<(u32, Slot), Failure> {
        let (transaction, next) = (self.transaction, self.slots);
        let account = self.used(flat, address)?;
        let (number, is_there) = (account.number, !account.base.is_empty());
        let mut is_new = false;
        let known = match account.slots.entry(slot) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                // Only an account that is there has slots.
                let Weighed { value: base, path } = match is_there {
                    true => flat.storage(address, slot)?,
                    false => U256::ZERO.into(),
                };
                is_new = true;
                let used = transaction.wrapping_sub(1);
                place.insert(Slot { number: next, base, shared: path.shared, used })
            }
        };
        let is_used = mem::replace(&mut known.used, transaction) == transaction;
        let known = *known;
        if is_new {
            self.slots = next.checked_add(1).ok_or(Failure::Full)?;
        }
        if !is_used {
            self.bytes = self.bytes.saturating_add(self.weights.slot(number, known.shared));
        }
        Ok((number, known))
    }

    /// The transaction uses a code, which may be known. Several accounts may have it: it is proven once.
    pub(super) fn code(
        &mut self,
        flat: &dyn FlatState,
        hash: B256,
        known: Option<&Bytecode>,
    ) -> Result<Bytecode, Failure> {
        let (code, used) = match self.codes.entry(hash) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let code = known.map_or_else(|| flat.code(hash), |code| Ok(code.clone()))?;
                place.insert((code, self.transaction.wrapping_sub(1)))
            }
        };
        if mem::replace(used, self.transaction) != self.transaction {
            let len = code.original_byte_slice().len();
            self.bytes = self.bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        }
        Ok(code.clone())
    }

    /// Whether a transaction that ran alone in its journal certainly keeps to the limit.
    pub(super) fn admits(
        &mut self,
        flat: &dyn FlatState,
        state: &EvmState,
        written: &Written,
    ) -> Result<bool, Failure> {
        self.used(flat, self.beneficiary)?;
        let mut count = state.values().filter(|account| account.is_touched()).count();
        for (address, slots) in written {
            for slot in slots.keys() {
                self.used_slot(flat, *address, *slot)?;
            }
            count = count.saturating_add(slots.len());
        }
        Ok(self.weights.admits(self.bytes, count))
    }

    /// Transactions may have added these accounts, which lie on the ways of the next ones.
    pub(super) fn add_accounts(
        &mut self,
        flat: &dyn FlatState,
        accounts: impl Iterator<Item = Address>,
    ) -> Result<(), Failure> {
        for address in accounts {
            let Account { number, base, shared, .. } = *self.used(flat, address)?;
            if base.is_empty() {
                self.weights.add_account(number, address, shared);
            }
        }
        Ok(())
    }

    /// The same of these slots.
    pub(super) fn add_slots(
        &mut self,
        flat: &dyn FlatState,
        written: &Written,
    ) -> Result<(), Failure> {
        for (address, slots) in written {
            for slot in slots.keys() {
                let (account, Slot { number, base, shared, .. }) =
                    self.used_slot(flat, *address, *slot)?;
                if base.is_zero() {
                    self.weights.add_slot(account, (number, *slot), shared);
                }
            }
        }
        Ok(())
    }
}
