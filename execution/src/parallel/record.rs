//! What is known of each transaction of a block while it runs.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use alloy_primitives::{B256, U256};
use revm::{
    context::result::{ExecutionResult, InvalidTransaction},
    state::Bytecode,
};

use super::{flat::FlatAccount, space::Failure};

/// Reads and writes for which each transaction keeps memory.
const USUAL: usize = 64;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Status {
    /// It did not run yet.
    Pending = 0,
    /// Somebody runs it.
    Running = 1,
    /// It ran; what it read may be false.
    Done = 2,
    /// What it read was true.
    Committed = 3,
}

/// How a transaction ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Ran(ExecutionResult),
    Invalid(InvalidTransaction),
    Failed(Failure),
}

impl Outcome {
    /// Gas that was run for it, at most, before refunds.
    pub(super) fn gas(&self, limit: u64) -> u64 {
        match self {
            Self::Ran(result) => result.gas().total_gas_spent(),
            Self::Invalid(_) => 0,
            Self::Failed(_) => limit,
        }
    }
}

/// What a transaction took from an account: what it does not need may change.
pub(super) mod needs {
    /// Its nonce.
    pub(in super::super) const NONCE: u8 = 1;
    /// Its balance; without this only whether the account is empty.
    pub(in super::super) const BALANCE: u8 = 1 << 1;
    /// Only its code, which was as before the block.
    pub(in super::super) const CODE_ALONE: u8 = 1 << 3;
    /// Whether it has storage.
    pub(in super::super) const STORAGE: u8 = 1 << 2;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AccountRead {
    pub(super) cell: u32,
    pub(super) needs: u8,
    /// The state of its versions when it was read.
    pub(super) sequence: u32,
    pub(super) seen: FlatAccount,
}

impl AccountRead {
    /// Whether all that was taken is the same.
    pub(super) fn agrees(&self, now: &FlatAccount) -> bool {
        let seen = &self.seen;
        seen.code_hash == now.code_hash
            && seen.is_empty() == now.is_empty()
            && (self.needs & needs::NONCE == 0 || seen.nonce == now.nonce)
            && (self.needs & needs::BALANCE == 0 || seen.balance == now.balance)
            && (self.needs & needs::STORAGE == 0 || seen.has_storage == now.has_storage)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SlotRead {
    pub(super) cell: u32,
    /// The state of its versions when it was read.
    pub(super) sequence: u32,
    pub(super) seen: U256,
}

/// What a run read, wrote and gave.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) accounts: Vec<AccountRead>,
    pub(super) slots: Vec<SlotRead>,
    pub(super) written_accounts: Vec<u32>,
    pub(super) written_slots: Vec<u32>,
    /// Accounts of which not all was written: what is missing is known when all before are committed.
    pub(super) parts: Vec<u32>,
    /// For the fee recipient, unless it was loaded anyway.
    pub(super) reward: U256,
    /// Bytes of the codes that were loaded.
    pub(super) code_bytes: u64,
    /// Codes that are new.
    pub(super) codes: Vec<(B256, Bytecode)>,
    /// The first transaction that was not committed when the run began.
    pub(super) since: u32,
    /// It waited for another, without which it would have read something else.
    pub(super) waited: bool,
    pub(super) outcome: Option<Outcome>,
}

impl Work {
    /// Forgets all, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.accounts.clear();
        self.slots.clear();
        self.written_accounts.clear();
        self.written_slots.clear();
        self.parts.clear();
        self.reward = U256::ZERO;
        self.code_bytes = 0;
        self.codes.clear();
        self.since = 0;
        self.waited = false;
        self.outcome = None;
    }

    /// Gas that was run, at most.
    pub(super) fn gas(&self, limit: u64) -> u64 {
        self.outcome.as_ref().map_or(0, |outcome| outcome.gas(limit))
    }

    /// Forgets all, and keeps no more memory than most transactions need.
    pub(super) fn forget(&mut self) {
        self.clear();
        self.accounts.shrink_to(USUAL);
        self.slots.shrink_to(USUAL);
        self.written_accounts.shrink_to(USUAL);
        self.written_slots.shrink_to(USUAL);
        self.parts.shrink_to(USUAL);
        self.codes.shrink_to(USUAL);
    }
}

/// A transaction of the block. Its neighbours are other threads', so that it has lines of a core's cache for itself.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Record {
    status: AtomicU8,
    /// What the last run came to; once it is committed, memory for another. One transaction of the window has it after the other.
    work: Mutex<Option<Box<Work>>>,
    /// Those that wait until it ran.
    waiters: Mutex<Vec<u32>>,
}

impl Record {
    pub(super) fn clear(&mut self) {
        *self.status.get_mut() = Status::Pending as u8;
        *self.work.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        self.waiters.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Gas that was run for it and did not count, at most.
    pub(super) fn gas(&mut self, limit: u64) -> u64 {
        let work = self.work.get_mut().unwrap_or_else(PoisonError::into_inner);
        work.as_ref().map_or(0, |work| work.gas(limit))
    }

    /// For the transaction of another block. Of those that nobody took yet, the status says that they are committed, or
    /// pending: nobody asks more. What work there is says nothing.
    pub(super) fn begin(&self) {
        self.set(Status::Pending);
    }

    pub(super) fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            0 => Status::Pending,
            1 => Status::Running,
            2 => Status::Done,
            _ => Status::Committed,
        }
    }

    pub(super) fn set(&self, status: Status) {
        self.status.store(status as u8, Ordering::Release);
    }

    /// Takes what lies here: what the last run came to, or memory for another.
    pub(super) fn take(&self) -> Option<Box<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put(&self, work: Box<Work>) {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
    }

    /// Gives its memory to another one, unless that has some.
    pub(super) fn give(&mut self, to: &mut Self) {
        let to = to.work.get_mut().unwrap_or_else(PoisonError::into_inner);
        if to.is_none() {
            *to = self.work.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Lets another transaction wait for this one. False when this one ran already.
    pub(super) fn defer(&self, other: u32) -> bool {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let ran = self.status() >= Status::Done;
        if !ran {
            waiters.push(other);
        }
        !ran
    }

    /// Takes those that waited, once it ran.
    pub(super) fn release(&self, into: &mut Vec<u32>) {
        into.append(&mut self.waiters.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
