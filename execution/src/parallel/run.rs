//! A block under way: who runs which transaction next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    hint::spin_loop,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{Acquire, Relaxed, SeqCst},
        },
    },
    thread::yield_now,
};

use alloy_primitives::{B256, TxKind};
use revm::context::{BlockEnv, CfgEnv, TxEnv};

use super::{
    ahead::Ahead,
    commit::Committer,
    flat::FlatState,
    job::FlatTx,
    record::{Record, Status},
    space::Space,
    versions::WINDOW,
    view::Scene,
    words,
    worker::Worker,
};

/// Turns of a loop that a thread with nothing to do takes before it lets others use its core.
const PATIENCE: u32 = 200;

/// A block under way.
pub(super) struct Run<'a> {
    pub(super) space: &'a Space,
    pub(super) records: &'a [Record],
    pub(super) flat: &'a dyn FlatState,
    pub(super) txs: &'a [FlatTx],
    pub(super) cfg: &'a CfgEnv,
    pub(super) block: &'a BlockEnv,
    pub(super) number: u64,
    pub(super) ancestors: Option<&'a Arc<BTreeMap<u64, B256>>>,
    /// What machines stand on before their first transaction.
    pub(super) idle: TxEnv,
    pub(super) committer: Mutex<Committer>,
    pub(super) ahead: Ahead,
    /// One thread goes on alone.
    pub(super) alone: AtomicBool,
    /// Gas that was run, whatever came of it.
    pub(super) gas: AtomicU64,
    /// The first transaction that nobody took yet.
    pub(super) next: AtomicU32,
    /// Those that waited for others, which have run.
    pub(super) ready: Mutex<BinaryHeap<Reverse<u32>>>,
    pub(super) ready_count: AtomicU32,
    pub(super) pauses: Option<&'a AtomicU64>,
}

impl<'a> Run<'a> {
    pub(super) fn scene(&self) -> Scene<'a> {
        Scene {
            space: self.space,
            records: self.records,
            flat: self.flat,
            txs: self.txs,
            number: self.number,
            ancestors: self.ancestors,
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.txs.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn record(&self, index: u32) -> Option<&'a Record> {
        self.records.get(usize::try_from(index).ok()?)
    }

    pub(super) fn tx(&self, index: u32) -> Option<&'a FlatTx> {
        self.txs.get(usize::try_from(index).ok()?)
    }

    pub(super) fn env(&self, index: u32) -> Option<&'a TxEnv> {
        self.tx(index)?.env()
    }

    /// A place where another thread could come between.
    pub(super) fn pause(&self) {
        let Some(pauses) = self.pauses else {
            return;
        };
        let drawn = words::spread(pauses.fetch_add(1, Relaxed));
        match drawn % 8 {
            0 => (0..drawn % 7).for_each(|_| yield_now()),
            1 => (0..(drawn >> 8) % 20_000).for_each(|_| spin_loop()),
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        self.space.is_stopped() || self.space.floor.load(Acquire) >= self.len()
    }

    /// Those that waited can run.
    pub(super) fn wake(&self, waiting: &mut Vec<u32>) {
        if waiting.is_empty() {
            return;
        }
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        for index in waiting.drain(..) {
            ready.push(Reverse(index));
        }
        self.ready_count.store(u32::try_from(ready.len()).unwrap_or(u32::MAX), SeqCst);
    }

    /// A transaction that can run now; it is this thread's.
    fn take(&self) -> Option<u32> {
        if self.ready_count.load(SeqCst) > 0 {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            let first = ready.pop();
            self.ready_count.store(u32::try_from(ready.len()).unwrap_or(u32::MAX), SeqCst);
            if let Some(Reverse(first)) = first {
                return Some(first);
            }
        }
        loop {
            let index = self.next.load(Relaxed);
            let floor = self.space.floor.load(Acquire);
            if index >= self.len()
                || index >= floor.saturating_add(WINDOW)
                || index > floor && !self.ahead.fits(index)
            {
                return None;
            }
            let taken =
                self.next.compare_exchange_weak(index, index.wrapping_add(1), SeqCst, Relaxed);
            if taken.is_ok() && !self.waits(index, floor) {
                return Some(index);
            }
        }
    }

    /// Whether a transaction is put off until another ran that changes its sender, or does not run at all.
    fn waits(&self, index: u32, floor: u32) -> bool {
        let Some((record, tx)) = self.record(index).zip(self.tx(index)) else {
            return true;
        };
        record.begin();
        // All before it are committed: it is known what gas is left.
        let refused = index == floor && tx.admit(self.ahead.available()).is_err();
        let Some(env) = tx.env().filter(|_| !refused) else {
            // What can't run at all is done.
            record.set(Status::Done);
            return true;
        };
        let next = index.saturating_add(1);
        let mut before = 0;
        let accounts = &self.space.accounts;
        let cell = |address| accounts.intern(&address).and_then(|cell| accounts.get(cell));
        if let Some(sender) = cell(env.caller) {
            before = sender.expected.swap(next, SeqCst);
        }
        if let TxKind::Call(to) = env.kind
            && env.data.is_empty()
            && let Some(recipient) = cell(to)
        {
            recipient.expected.store(next, SeqCst);
        }
        let Some(other) = before.checked_sub(1).filter(|other| *other < index) else {
            return false;
        };
        self.record(other).is_some_and(|other| other.defer(index))
    }
}

impl<'a> Worker<'a> {
    /// Works until all transactions are committed, or nobody shall go on; one that does not lead also leaves when it is better
    /// to be alone.
    pub(super) fn work(&mut self, leads: bool) {
        let run = self.run;
        let mut turns = 0_u32;
        while !run.is_over() && (leads || !run.alone.load(Relaxed)) {
            self.commit();
            if let Some(index) = run.take() {
                if let Some(record) = run.record(index) {
                    record.set(Status::Running);
                }
                run.pause();
                self.execute(index);
                turns = 0;
                continue;
            }
            turns = turns.saturating_add(1);
            if turns > PATIENCE { yield_now() } else { spin_loop() }
        }
        run.gas.fetch_add(mem::take(&mut self.gas), Relaxed);
    }
}
