use std::{
    collections::BinaryHeap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, Release},
        },
    },
};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use recourse_protocol::MAX_TX_GAS;
use revm::{context::TxEnv, primitives::hardfork::SpecId};

use super::{
    ahead::{Ahead, Credit, Purse},
    apart::Apart,
    commit::Committer,
    job::{FlatBlock, FlatOutcome, FlatTx},
    light::{FEW, is_light},
    record::Record,
    run::Run,
    solo,
    space::{Failure, Space},
    versions::WINDOW,
    weight::Weights,
    worker::Worker,
};

/// Transactions for which memory is kept at least.
const USUAL: usize = 1 << 10;

/// Threads that stay, and memory that blocks use one after the other.
pub struct Workers {
    threads: usize,
    /// As many threads: the caller's works in the place of one of them, or waits for all.
    pool: Option<rayon::ThreadPool>,
    memory: Mutex<Vec<Memory>>,
    /// Gas that may be run for nothing.
    purse: Purse,
    /// Blocks that could not be run.
    failures: AtomicU64,
    /// Gas that was run.
    gas: AtomicU64,
    /// Gas that was run for nothing.
    wasted: AtomicU64,
    /// Where the next pause comes from, if threads pause.
    pauses: Option<AtomicU64>,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Memory {
    space: Space,
    records: Vec<Record>,
    /// The most transactions that a block had of late: it falls by an eighth with each block.
    peak: usize,
    /// How many the last one had.
    last: usize,
}

impl Memory {
    /// Forgets the last block, and prepares for one of so many transactions.
    fn clear(&mut self, count: usize) {
        self.space.clear(count);
        self.peak = self.peak.saturating_sub(self.peak / 8).max(count).max(USUAL);
        if self.records.len() > self.peak.saturating_mul(4) {
            self.records.truncate(self.peak);
            self.records.shrink_to_fit();
        }
        if self.records.len() < count {
            self.records.resize_with(count, Record::default);
        }
        // The last ones have memory, which those take that run first.
        let last = self.last.min(self.records.len());
        let window = usize::try_from(WINDOW).unwrap_or_default();
        let split = last.saturating_sub(window).max(window.min(last));
        let (first, rest) = self.records.split_at_mut(split);
        let rest = rest.iter_mut().take(last.saturating_sub(split));
        rest.zip(first).for_each(|(from, to)| from.give(to));
        self.last = count;
    }
}

impl Workers {
    /// As many threads as `threads` says, that of the caller included; fewer when no more can be had.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let pool = (threads > 1).then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("execution-{index}"))
                .build()
                .ok()
        });
        let pool = pool.flatten();
        let threads = if pool.is_some() { threads } else { 1 };
        Self {
            threads,
            pool,
            memory: Mutex::default(),
            purse: Purse::default(),
            failures: AtomicU64::new(0),
            gas: AtomicU64::new(0),
            wasted: AtomicU64::new(0),
            pauses: None,
        }
    }

    /// Gas that was run, before refunds, whatever came of it; that of transactions that ran on the tries is not counted here.
    #[must_use]
    pub fn gas_run(&self) -> u64 {
        self.gas.load(Relaxed)
    }

    /// How much of it came to nothing: the transaction ran once more, or did not count.
    #[must_use]
    pub fn gas_wasted(&self) -> u64 {
        self.wasted.load(Relaxed)
    }

    /// Forgets what blocks taught of slots over which transactions had to run again. The result of any block is the same, with
    /// it or without.
    pub fn forget_hints(&self) {
        let mut all = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(|memory| memory.space.hints.clear());
    }

    /// How many blocks could not be run to their ends here.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// For tests: threads pause where another one could come between, in ways that the seed decides, and share all blocks,
    /// however small. The result is the same.
    #[must_use]
    pub fn with_pauses(mut self, seed: u64) -> Self {
        self.pauses = Some(AtomicU64::new(seed));
        self
    }

    /// How many threads work, that of the caller included.
    #[must_use]
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// Does work that splits itself, by all threads: they are then at hand wherever it does.
    pub fn help<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Does something here, and something else beside it by the other threads; nothing else if there are none.
    pub fn beside<T, U: Default + Send>(
        &self,
        here: impl FnOnce() -> T,
        there: impl FnOnce() -> U + Send,
    ) -> (T, U) {
        let mut other = U::default();
        let done = match &self.pool {
            Some(pool) => pool.in_place_scope(|scope| {
                scope.spawn(|_| other = there());
                here()
            }),
            None => here(),
        };
        (done, other)
    }

    /// What `work` makes of each, in their order, by all threads if there are more than a few.
    pub(super) fn map<T: Send, U: Send>(
        &self,
        all: Vec<T>,
        work: impl Fn(T) -> U + Sync + Send,
    ) -> Vec<U> {
        match &self.pool {
            Some(pool) if all.len() >= FEW => {
                pool.install(|| all.into_par_iter().map(work).collect())
            }
            _ => all.into_iter().map(work).collect(),
        }
    }

    /// Whether too much was run for nothing: until more was run for something, each transaction runs when its turn comes.
    pub(super) fn are_spent(&self) -> bool {
        self.purse.left() < MAX_TX_GAS
    }

    /// Gas was run for something, elsewhere.
    pub(super) fn earn(&self, gas: u64) {
        let mut earned = Credit::none();
        earned.earn(gas);
        self.purse.give(&earned);
    }

    /// Whether threads pause, to be found out.
    pub(super) const fn pause(&self) -> bool {
        self.pauses.is_some()
    }

    /// Whether other threads are worth it.
    fn share(&self, txs: &[FlatTx]) -> bool {
        self.pool.is_some() && (self.pause() || !is_light(txs, self.threads))
    }

    /// Runs transactions with the result that they have one after the other.
    ///
    /// # Errors
    /// [`Failure`]: run them one after the other.
    pub fn run(&self, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        let outcome = self.try_run(block);
        if !matches!(outcome, Ok(FlatOutcome { failure: None, .. })) {
            self.failures.fetch_add(1, Relaxed);
        }
        outcome
    }

    fn try_run(&self, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        if !(SpecId::SPURIOUS_DRAGON..=SpecId::OSAKA).contains(&block.cfg.spec) {
            return Err(Failure::Rules);
        }
        let share = self.share(block.transactions);
        if !share && solo::can_run(block) {
            return self.alone(block);
        }
        // Each transaction touches it, with a fee or without: one that is there but empty ends. Here only who is paid is looked at;
        // bytes of state are not limited only where nothing proves that it was read.
        if block.max_witness_bytes.is_none() {
            let paid = block.state.account(block.block.beneficiary).map_err(Failure::from)?.value;
            if paid.is_some_and(|account| account.is_empty()) {
                return Err(Failure::Hollow);
            }
        }
        let mut memory = self.take_memory();
        let outcome = self.run_in(&mut memory, block, share);
        // Nobody knows how a thread that panicked left it.
        if !matches!(outcome, Err(Failure::Panicked)) {
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        }
        outcome
    }

    fn take_memory(&self) -> Memory {
        let mut all = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop().unwrap_or_default()
    }

    /// Runs a block by this thread, without versions.
    fn alone(&self, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        let ran = catch_unwind(AssertUnwindSafe(|| solo::run(block)));
        let (outcome, wasted) = ran.unwrap_or((Err(Failure::Panicked), 0));
        let gas = outcome.as_ref().map_or(0, FlatOutcome::gas);
        self.gas.fetch_add(gas.saturating_add(wasted), Relaxed);
        self.wasted.fetch_add(wasted, Relaxed);
        self.earn(gas);
        let mut spent = Credit::none();
        spent.spend(wasted);
        self.purse.give(&spent);
        match outcome {
            Ok(FlatOutcome { failure: Some(failure), ends, .. }) if ends.is_empty() => Err(failure),
            outcome => outcome,
        }
    }

    fn run_in(
        &self,
        memory: &mut Memory,
        block: &FlatBlock<'_>,
        share: bool,
    ) -> Result<FlatOutcome, Failure> {
        let count = block.transactions.len();
        memory.clear(count);
        let weights = block.max_witness_bytes.map(Weights::new);
        let committer = Committer::new(block.available, count, weights, self.purse.take());
        let ahead = Ahead::new(block.transactions, block.cfg);
        ahead.set(0, block.available, &committer.credit);
        let run = Run {
            space: &memory.space,
            records: memory.records.get(..count).unwrap_or_default(),
            flat: block.state,
            txs: block.transactions,
            cfg: block.cfg,
            block: block.block,
            number: block.number,
            ancestors: block.ancestors,
            idle: TxEnv::default(),
            committer: Apart(Mutex::new(committer)),
            ahead,
            alone: AtomicBool::new(false),
            gas: AtomicU64::new(0),
            next: Apart::default(),
            ready: Mutex::new(BinaryHeap::new()),
            ready_count: Apart::default(),
            pauses: self.pauses.as_ref(),
        };
        let driven = self.drive(&run, share);
        self.gas.fetch_add(run.gas.into_inner(), Relaxed);
        let taken = usize::try_from(run.next.0.into_inner()).unwrap_or(usize::MAX);
        let mut committer = run.committer.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if *memory.space.stop.get_mut() {
            // What was taken and not committed stands as it stood.
            let floor = usize::try_from(*memory.space.floor.get_mut()).unwrap_or(usize::MAX);
            let all = memory.records.iter_mut().zip(block.transactions);
            for (record, tx) in all.take(taken).skip(floor) {
                committer.throw_away(record.gas(tx.env().map_or(0, |env| env.gas_limit)));
                record.clear();
            }
        }
        memory.space.learn(&committer.disputed);
        let end = *memory.space.floor.get_mut();
        let changes = driven.and_then(|()| self.changes(&memory.space, block.state, end));
        if changes.is_err() {
            committer.take_back();
        }
        self.purse.give(&committer.credit);
        self.wasted.fetch_add(committer.wasted, Relaxed);
        let changes = changes?;
        let Committer { ends, codes, again, failure, .. } = committer;
        if let Some(failure) = failure.clone().filter(|_| ends.is_empty()) {
            return Err(failure);
        }
        Ok(FlatOutcome { ends, changes, codes, again, failure })
    }

    fn drive(&self, run: &Run<'_>, share: bool) -> Result<(), Failure> {
        let panicked = AtomicBool::new(false);
        // One thread too, where the limit on bytes of state is so low that it can't be held otherwise.
        self.together(share, |leads| {
            let mut worker = Worker::new(run);
            // The others wait for what this one does: they must know when it does nothing any more.
            if catch_unwind(AssertUnwindSafe(|| worker.work(leads))).is_err() {
                panicked.store(true, Relaxed);
                run.space.stop.store(true, Release);
            }
        });
        if panicked.into_inner() { Err(Failure::Panicked) } else { Ok(()) }
    }

    /// Does work that all threads do at once, if there are others and they shall help. It is told whether it is the caller's.
    pub(super) fn together(&self, help: bool, work: impl Fn(bool) + Sync) {
        match &self.pool {
            Some(pool) if help => pool.in_place_scope(|scope| {
                for _ in 1..self.threads {
                    scope.spawn(|_| work(false));
                }
                work(true);
            }),
            _ => work(true),
        }
    }
}
