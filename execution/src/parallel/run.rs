//! A block under way: who runs which transaction next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    hint::{black_box, spin_loop},
    mem,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
    thread::yield_now,
};

use alloy_primitives::{B256, TxKind};
use revm::context::{BlockEnv, Cfg, CfgEnv, TxEnv};

use super::{
    ahead::Ahead,
    apart::Apart,
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

/// So many plain transfers are taken at once.
const MANY: u32 = 8;
/// With more gas it is likely to be something else.
const LITTLE: u64 = 100_000;

/// A transaction that a thread took.
struct Taken {
    index: u32,
    /// Those of its sender and recipient, of a transaction without data.
    cells: Option<(u32, u32)>,
}

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
    pub(super) committer: Apart<Mutex<Committer>>,
    pub(super) ahead: Ahead,
    /// One thread goes on alone.
    pub(super) alone: AtomicBool,
    /// Gas that was run, whatever came of it.
    pub(super) gas: AtomicU64,
    /// The first transaction that nobody took yet.
    pub(super) next: Apart<AtomicU32>,
    /// Those that waited for others, which have run.
    pub(super) ready: Mutex<BinaryHeap<Reverse<u32>>>,
    pub(super) ready_count: Apart<AtomicU32>,
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
        self.ready_count.store(u32::try_from(ready.len()).unwrap_or(u32::MAX), Release);
    }

    /// Transactions that can run now; they are this thread's.
    fn take(&self, mine: &mut VecDeque<Taken>) {
        if self.ready_count.load(Acquire) > 0 {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            let first = ready.pop();
            self.ready_count.store(u32::try_from(ready.len()).unwrap_or(u32::MAX), Release);
            if let Some(Reverse(index)) = first {
                mine.push_front(Taken { index, cells: None });
                return;
            }
        }
        while mine.is_empty() {
            let index = self.next.load(Relaxed);
            let floor = self.space.floor.load(Acquire);
            if index >= self.len()
                || index >= floor.saturating_add(WINDOW)
                || index > floor && !self.ahead.fits(index)
            {
                return;
            }
            let end = self.together(index, floor);
            if self.next.compare_exchange_weak(index, end, AcqRel, Relaxed).is_ok() {
                if index > floor || self.admits(index) {
                    self.fetch(index..end);
                }
                for index in index..end {
                    if let Some(taken) = self.begin(index, floor, mine) {
                        mine.push_back(taken);
                    }
                }
            }
        }
    }

    /// Where those end that a thread takes at once: plain transfers are so little that it takes several.
    fn together(&self, index: u32, floor: u32) -> u32 {
        let plain = |tx: &TxEnv| tx.data.is_empty() && tx.gas_limit <= LITTLE;
        let plain = |index| self.env(index).is_some_and(plain);
        let most = self.len().min(floor.saturating_add(WINDOW)).min(index.saturating_add(MANY));
        let mut end = index.saturating_add(1);
        while plain(index) && end < most && plain(end) && self.ahead.fits(end) {
            end = end.saturating_add(1);
        }
        end
    }

    /// Whether the block has the gas for a transaction, all before which are committed.
    fn admits(&self, index: u32) -> bool {
        self.tx(index).is_some_and(|tx| tx.admit(self.ahead.available()).is_ok())
    }

    /// Finds senders and recipients, and what they were before the block: all of them after each other, so that a core waits
    /// for memory once. Who needs them finds them there, or finds out why not.
    fn fetch(&self, all: Range<u32>) {
        let accounts = &self.space.accounts;
        let addresses = |tx: &TxEnv| [Some(tx.caller), tx.kind.to().copied()];
        // Over the cap it is invalid, whatever it is, and none of its accounts is looked at.
        let cap = self.cfg.tx_gas_limit_cap();
        let all = all.filter_map(|index| self.env(index)).filter(|tx| tx.gas_limit <= cap);
        let all = all.flat_map(addresses).flatten();
        black_box(all.clone().fold(0, |sum, address| sum ^ accounts.touch(&address)));
        let mut cells = [None; 2 * MANY as usize];
        for (cell, address) in cells.iter_mut().zip(all) {
            *cell = accounts.intern(&address).and_then(|index| accounts.get(index));
        }
        for cell in cells.into_iter().flatten() {
            let _ = self.space.base_account(self.flat, cell);
        }
    }

    /// A transaction begins, unless it is put off until another ran that changes its sender, or does not run at all. It may
    /// come after others of this thread.
    fn begin(&self, index: u32, floor: u32, after: &VecDeque<Taken>) -> Option<Taken> {
        let (record, tx) = self.record(index).zip(self.tx(index))?;
        record.begin();
        let Some(env) = tx.env().filter(|_| index > floor || self.admits(index)) else {
            // What can't run at all is done.
            record.set(Status::Done);
            return None;
        };
        let next = index.saturating_add(1);
        let mut before = 0;
        let accounts = &self.space.accounts;
        let mut cells = None;
        let from = accounts.intern(&env.caller);
        if let Some(sender) = from.and_then(|cell| accounts.get(cell)) {
            before = sender.expected.swap(next, AcqRel);
        }
        if let TxKind::Call(to) = env.kind
            && env.data.is_empty()
            && let Some(to) = accounts.intern(&to)
        {
            if let Some(recipient) = accounts.get(to) {
                recipient.expected.store(next, Release);
            }
            cells = from.map(|from| (from, to));
        }
        let mine = |other: u32| after.iter().any(|taken| taken.index == other);
        let other = before.checked_sub(1).filter(|other| *other < index && !mine(*other));
        let put_off = other.and_then(|other| self.record(other)).is_some_and(|it| it.defer(index));
        (!put_off).then_some(Taken { index, cells })
    }
}

impl<'a> Worker<'a> {
    /// Works until all transactions are committed, or nobody shall go on; one that does not lead also leaves when it is better
    /// to be alone.
    pub(super) fn work(&mut self, leads: bool) {
        let run = self.run;
        let mut turns = 0_u32;
        let mut mine = VecDeque::new();
        // What it took, nobody else runs.
        while !run.is_over() && (leads || !mine.is_empty() || !run.alone.load(Relaxed)) {
            self.commit();
            run.take(&mut mine);
            if let Some(Taken { index, cells }) = mine.pop_front() {
                if let Some(record) = run.record(index) {
                    record.set(Status::Running);
                }
                run.pause();
                self.execute(index, cells);
                // What waited for it goes on here, where that lies which it waited for; not if others have to be waited for.
                self.waiting.sort_unstable_by_key(|index| Reverse(*index));
                let next = mine.front().map_or(u32::MAX, |next: &Taken| next.index);
                if leads && let Some(index) = self.waiting.pop_if(|first| *first < next) {
                    mine.push_front(Taken { index, cells: None });
                }
                run.wake(&mut self.waiting);
                turns = 0;
                continue;
            }
            turns = turns.saturating_add(1);
            if turns > PATIENCE { yield_now() } else { spin_loop() }
        }
        run.gas.fetch_add(mem::take(&mut self.gas), Relaxed);
    }
}
