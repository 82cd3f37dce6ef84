//! The state of a block that many threads run: each value as any transaction sees it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::Acquire},
    },
};

use alloy_primitives::{Address, B256, U256};
use revm::{database_interface::DBErrorMarker, state::Bytecode};

use super::{
    apart::Apart,
    cells::{ADDED, AccountCell, BALANCE, STALE, SlotCell},
    flat::{FlatAccount, FlatState, Weighed},
    hints::{Hints, Key},
    table::Table,
};
use crate::error::StateError;

/// Balances that could come near an overflow when amounts are added to them out of order: 2^200 wei are more than there are.
const HUGE: usize = 200;

/// Why a block can't be run by many threads; it is then run by one, which knows nothing of this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// State could not be read. Only what is read at last counts: a transaction that ran too early may read anything.
    #[error(transparent)]
    State(#[from] StateError),
    /// More locations than there is space for.
    #[error("no space for another location")]
    Full,
    /// A balance so large that sums could overflow.
    #[error("a balance that could overflow")]
    Huge,
    /// Others have ended the work.
    #[error("stopped")]
    Stopped,
    /// The EVM gave up.
    #[error("EVM: {0}")]
    Evm(String),
    /// An account that is there but empty: one thread ends it when it is touched (EIP-161).
    #[error("an account that is there but empty")]
    Hollow,
    /// A thread panicked.
    #[error("a thread panicked")]
    Panicked,
    /// The rules are older than accounts end when they are empty, or newer than what is known here.
    #[error("rules that are not known here")]
    Rules,
}

impl DBErrorMarker for Failure {}

/// Why a value can't be seen.
#[derive(Clone, Debug)]
pub(super) enum Blocked {
    /// This transaction is about to write it anew.
    By(u32),
    Failed(Failure),
}

impl From<Failure> for Blocked {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Memory for a block, which another one can use after it.
#[derive(Debug, Default)]
pub(super) struct Space {
    pub(super) accounts: Table<AccountCell>,
    pub(super) slots: Table<SlotCell>,
    /// What earlier blocks taught.
    pub(super) hints: Apart<Hints>,
    /// Those that transactions of the block made, and that runs made which had read too early.
    codes: Mutex<BTreeMap<B256, Bytecode>>,
    /// The first transaction that is not committed.
    pub(super) floor: Apart<AtomicU32>,
    /// Nobody shall go on.
    pub(super) stop: Apart<AtomicBool>,
}

impl Space {
    /// Forgets the last block, but for what it taught.
    pub(super) fn clear(&mut self, transactions: usize) {
        self.accounts.clear(transactions.saturating_mul(2));
        self.slots.clear(transactions.saturating_mul(2));
        self.codes.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        *self.floor.get_mut() = 0;
        *self.stop.get_mut() = false;
    }

    pub(super) fn account_index(&self, address: Address) -> Result<u32, Failure> {
        self.accounts.intern(&address).ok_or(Failure::Full)
    }

    pub(super) fn slot_index(&self, account: u32, slot: U256) -> Result<u32, Failure> {
        self.slots.intern(&(account, slot)).ok_or(Failure::Full)
    }

    /// An account before the block.
    pub(super) fn base_account(
        &self,
        flat: &dyn FlatState,
        cell: &AccountCell,
    ) -> Result<Weighed<FlatAccount>, Failure> {
        if let Some(base) = cell.base() {
            return Ok(base);
        }
        let Weighed { value, path } = flat.account(cell.address())?;
        if value.is_some_and(|account| account.is_empty()) {
            return Err(Failure::Hollow);
        }
        let base = Weighed { value: value.unwrap_or(FlatAccount::NONE), path };
        cell.set_base(&base);
        Ok(base)
    }

    /// A slot before the block.
    pub(super) fn base_slot(
        &self,
        flat: &dyn FlatState,
        cell: &SlotCell,
    ) -> Result<Weighed<U256>, Failure> {
        if let Some(base) = cell.base() {
            return Ok(base);
        }
        let account = self.accounts.get(cell.account()).ok_or(Failure::Full)?;
        let base = match self.base_account(flat, account)?.value {
            // Nothing lies below an account that does not exist.
            account if account.is_empty() => U256::ZERO.into(),
            _ => flat.storage(account.address(), cell.slot())?,
        };
        cell.set_base(&base);
        Ok(base)
    }

    /// An account just before a transaction.
    pub(super) fn account(
        &self,
        flat: &dyn FlatState,
        index: u32,
        below: u32,
    ) -> Result<FlatAccount, Blocked> {
        self.read_account(flat, index, below).map(|(account, _)| account)
    }

    /// An account just before a transaction, all before which are committed: nothing is left to be summed up.
    pub(super) fn settled_account(
        &self,
        flat: &dyn FlatState,
        index: u32,
        below: u32,
    ) -> Result<FlatAccount, Blocked> {
        let cell = self.accounts.get(index).ok_or(Failure::Full)?;
        newest(cell, self.base_account(flat, cell)?.value, below)
    }

    /// An account just before a transaction, and the state of its versions: as long as that is the same, so is the account.
    pub(super) fn read_account(
        &self,
        flat: &dyn FlatState,
        index: u32,
        below: u32,
    ) -> Result<(FlatAccount, u32), Blocked> {
        let cell = self.accounts.get(index).ok_or(Failure::Full)?;
        let sequence = cell.versions.sequence();
        let base = self.base_account(flat, cell)?.value;
        let account = if cell.versions.is_empty() { base } else { newest(cell, base, below)? };
        if account.balance.bit_len() > HUGE {
            return Err(Failure::Huge.into());
        }
        Ok((account, sequence))
    }

    /// Whether an account is certainly still what it was when its versions were in this state.
    pub(super) fn is_untouched(&self, index: u32, sequence: u32) -> bool {
        self.accounts.get(index).is_some_and(|cell| cell.versions.sequence() == sequence)
    }

    /// Whether any transaction, committed or not, gave an account another code than it had before the block.
    pub(super) fn ever_coded(&self, index: u32) -> bool {
        self.accounts.get(index).is_none_or(|cell| cell.ever_coded.load(Acquire))
    }

    /// As [`Space::is_untouched`], of a slot.
    pub(super) fn is_slot_untouched(&self, index: u32, sequence: u32) -> bool {
        let cell = self.slots.get(index).filter(|cell| cell.versions.sequence() == sequence);
        let account = cell.and_then(|cell| self.accounts.get(cell.account()));
        account.is_some_and(|account| !account.ever_wiped.load(Acquire))
    }

    /// How disputed a slot is.
    pub(super) fn disputed(&self, index: u32) -> u32 {
        self.slots.get(index).map_or(0, |cell| {
            let key = || slot_key(&self.accounts, cell);
            cell.disputed.get(&self.hints, index, key)
        })
    }

    /// The block ended: what it taught is for the next one.
    pub(super) fn learn(&mut self, disputed: &[u32]) {
        let Self { accounts, slots, hints, .. } = self;
        hints.learn(disputed, |index| {
            let cell = slots.get(index)?;
            Some((slot_key(accounts, cell)?, &cell.disputed))
        });
    }

    /// A slot just before a transaction.
    pub(super) fn slot(
        &self,
        flat: &dyn FlatState,
        index: u32,
        below: u32,
    ) -> Result<U256, Blocked> {
        self.read_slot(flat, index, below).map(|(value, _)| value)
    }

    /// A slot just before a transaction, and the state of its versions: as long as that is the same, and nobody emptied the
    /// account's storage, so is the slot.
    pub(super) fn read_slot(
        &self,
        flat: &dyn FlatState,
        index: u32,
        below: u32,
    ) -> Result<(U256, u32), Blocked> {
        let cell = self.slots.get(index).ok_or(Failure::Full)?;
        let sequence = cell.versions.sequence();
        let account = self.accounts.get(cell.account()).ok_or(Failure::Full)?;
        let wiped = account.wiped_below(below).map_err(Blocked::By)?;
        let version = if cell.versions.is_empty() { None } else { cell.versions.latest(below) };
        let value = match version {
            Some(version) if version.flags & STALE != 0 => return Err(Blocked::By(version.tx)),
            // What the transaction itself wrote into the storage that it emptied is there.
            Some(version) if version.tx.saturating_add(1) >= wiped => {
                U256::from_limbs(version.words)
            }
            None if wiped == 0 => self.base_slot(flat, cell)?.value,
            _ => U256::ZERO,
        };
        Ok((value, sequence))
    }

    /// Code that a transaction of the block made.
    pub(super) fn new_code(&self, hash: B256) -> Option<Bytecode> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    pub(super) fn add_code(&self, hash: B256, code: Bytecode) {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, code);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Acquire)
    }
}

fn slot_key(accounts: &Table<AccountCell>, cell: &SlotCell) -> Option<Key> {
    accounts.get(cell.account()).map(|account| (account.address(), cell.slot()))
}

/// What is known of an account from the versions seen so far, newest first.
#[derive(Clone, Copy)]
struct Parts {
    nonce: Option<u64>,
    balance: Option<U256>,
    code_hash: Option<B256>,
    added: U256,
    stale: Option<u32>,
}

fn newest(cell: &AccountCell, base: FlatAccount, below: u32) -> Result<FlatAccount, Blocked> {
    let start =
        Parts { nonce: None, balance: None, code_hash: None, added: U256::ZERO, stale: None };
    let parts = cell.versions.scan(below, start, |parts, version| {
        if version.flags & STALE != 0 {
            parts.stale = Some(version.tx);
            return false;
        }
        parts.nonce = parts.nonce.or(version.nonce());
        parts.code_hash = parts.code_hash.or(version.code_hash());
        if parts.balance.is_none() {
            if version.flags & BALANCE != 0 {
                parts.balance = Some(version.amount());
            } else if version.flags & ADDED != 0 {
                parts.added = parts.added.saturating_add(version.amount());
            }
        }
        parts.nonce.is_none() || parts.balance.is_none() || parts.code_hash.is_none()
    });
    if let Some(tx) = parts.stale {
        return Err(Blocked::By(tx));
    }
    let wiped = base.has_storage && cell.wiped_below(below).map_err(Blocked::By)? > 0;
    Ok(FlatAccount {
        nonce: parts.nonce.unwrap_or(base.nonce),
        balance: parts.balance.unwrap_or(base.balance).saturating_add(parts.added),
        code_hash: parts.code_hash.unwrap_or(base.code_hash),
        has_storage: base.has_storage && !wiped,
    })
}
