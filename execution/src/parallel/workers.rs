use std::{
    collections::BinaryHeap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use revm::{context::TxEnv, primitives::hardfork::SpecId};

use super::{
    commit::Committer,
    job::{FlatBlock, FlatOutcome},
    record::Record,
    run::Run,
    solo::Solo,
    space::{Failure, Space},
    weight::Weights,
    worker::Worker,
};

/// Threads that stay, and memory that blocks use one after the other.
pub struct Workers {
    threads: usize,
    /// All threads but the caller's.
    pool: Option<rayon::ThreadPool>,
    memory: Mutex<Vec<Memory>>,
    /// Blocks that could not be run.
    failures: AtomicU64,
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
}

impl Workers {
    /// As many threads as `threads` says, that of the caller included; fewer when no more can be had.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let others = threads.saturating_sub(1);
        let pool = (others > 0).then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(others)
                .thread_name(|index| format!("execution-{index}"))
                .build()
                .ok()
        });
        let pool = pool.flatten();
        let threads = if pool.is_some() { threads } else { 1 };
        Self { threads, pool, memory: Mutex::default(), failures: AtomicU64::new(0), pauses: None }
    }

    /// How many blocks could not be run, and had to be run one transaction after the other.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// For tests: threads pause where another one could come between, in ways that the seed decides. The result is the same.
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

    /// Does work that splits itself, by all threads but the caller's.
    pub(super) fn help<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Runs transactions with the result that they have one after the other.
    ///
    /// # Errors
    /// [`Failure`]: run them one after the other.
    pub fn run(&self, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        let outcome = self.try_run(block);
        if outcome.is_err() {
            self.failures.fetch_add(1, Relaxed);
        }
        outcome
    }

    fn try_run(&self, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        if !(SpecId::SPURIOUS_DRAGON..=SpecId::OSAKA).contains(&block.cfg.spec) {
            return Err(Failure::Rules);
        }
        let mut memory = self.take_memory();
        let outcome = self.run_in(&mut memory, block);
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        outcome
    }

    fn take_memory(&self) -> Memory {
        let mut all = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop().unwrap_or_default()
    }

    fn run_in(&self, memory: &mut Memory, block: &FlatBlock<'_>) -> Result<FlatOutcome, Failure> {
        let count = block.transactions.len();
        memory.space.clear(count);
        if memory.records.len() < count {
            memory.records.resize_with(count, Record::default);
        }
        let committer = Committer {
            available: block.available,
            ends: Vec::with_capacity(count),
            codes: Vec::new(),
            weights: block.max_witness_bytes.map(Weights::new),
            failure: None,
            again: 0,
        };
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
            committer: Mutex::new(committer),
            next: AtomicU32::new(0),
            ready: Mutex::new(BinaryHeap::new()),
            ready_count: AtomicU32::new(0),
            pauses: self.pauses.as_ref(),
        };
        let driven = self.drive(&run);
        let committer = run.committer.into_inner().unwrap_or_else(PoisonError::into_inner);
        if *memory.space.stop.get_mut() {
            // What was not committed stands as it stood.
            memory.records.iter_mut().for_each(Record::clear);
        }
        driven?;
        if let Some(failure) = committer.failure {
            return Err(failure);
        }
        let end = *memory.space.floor.get_mut();
        let changes = self.changes(&memory.space, block.state, end)?;
        let Committer { ends, codes, again, .. } = committer;
        Ok(FlatOutcome { ends, changes, codes, again })
    }

    fn drive(&self, run: &Run<'_>) -> Result<(), Failure> {
        if self.pool.is_none() {
            return self.alone(run);
        }
        self.together(true, || Worker::new(run).work());
        Ok(())
    }

    /// Does work that all threads do at once, if there are others and they shall help.
    pub(super) fn together(&self, help: bool, work: impl Fn() + Sync) {
        match &self.pool {
            Some(pool) if help => pool.in_place_scope(|scope| {
                for _ in 1..self.threads {
                    scope.spawn(|_| work());
                }
                work();
            }),
            _ => work(),
        }
    }

    fn alone(&self, run: &Run<'_>) -> Result<(), Failure> {
        let mut committer = run.committer.lock().unwrap_or_else(PoisonError::into_inner);
        if committer.weights.is_none() {
            return Solo::new(run).work(&mut committer);
        }
        drop(committer);
        // The bytes that each transaction uses are known only where each has its own journal.
        Worker::new(run).work();
        Ok(())
    }
}
