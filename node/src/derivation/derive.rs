//! Running the step function over batches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use recourse_execution::{
    Schedule, State,
    parallel::{Foreseen, Workers},
};
use recourse_protocol::{BatchIndex, L2Config, RollupConfig, StepError};
use tokio_util::sync::CancellationToken;

use super::{
    Chain, DerivationError, DerivedBatch, genesis_state,
    run::{BatchRun, Ran, Task},
};
use crate::{
    inbox::InboxSnapshot,
    states::{PAGE, StateStore, StatesError},
    store::Store,
};

/// Derives batch after batch, and keeps what it derived on disk. Call it from a blocking thread.
#[derive(Debug)]
pub struct Derivation {
    config: L2Config,
    chain: Chain,
    store: StateStore,
    workers: Arc<Workers>,
    /// What was found out of the next batch while the newest one was written.
    ahead: Ahead,
    kept_from: BatchIndex,
    /// Whether rows of forgotten ways back may be left on disk.
    is_swept: bool,
}

impl Derivation {
    /// Where the store has got to; at the genesis if it has nothing, or if everything is to be derived again. Transactions are
    /// run by as many threads as there are `workers`.
    ///
    /// # Errors
    /// [`DerivationError::GenesisRoot`] when the configuration contradicts itself, [`DerivationError::States`] when what is
    /// stored can't be used.
    pub fn open(
        config: &RollupConfig,
        store: Arc<dyn Store>,
        again: bool,
        workers: Arc<Workers>,
    ) -> Result<Self, DerivationError> {
        let genesis = config.genesis.checkpoint;
        let state = genesis_state(&config.genesis.alloc)?;
        let (expected, got) = (genesis.state_root, state.root());
        if expected != got {
            return Err(DerivationError::GenesisRoot { expected, got });
        }
        let store = StateStore::new(store);
        let stored = if again { None } else { store.load(&genesis)? };
        let mut chain = Chain::new(genesis, state, store.clone());
        match stored {
            Some(stored) => chain = chain.resume(stored),
            None => store.begin(chain.genesis_state())?,
        }
        let kept_from = store.kept_from()?.unwrap_or_default();
        // A run that ended may not have come to the end with it.
        let is_swept = kept_from == BatchIndex(0);
        let ahead = Ahead::default();
        Ok(Self { config: config.l2, chain, store, workers, ahead, kept_from, is_swept })
    }

    /// What was derived so far.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether all that was derived is on L1 as it was then.
    #[must_use]
    pub fn stands(&self, inbox: &InboxSnapshot) -> bool {
        self.chain.stands(inbox)
    }

    /// Forgets what an L1 reorg took away, in memory and on disk: everything, if the way back is not kept any more. Returns
    /// how many batches that were.
    ///
    /// # Errors
    /// [`DerivationError::States`].
    pub fn follow(&mut self, inbox: &InboxSnapshot) -> Result<u64, DerivationError> {
        let before = self.chain.tip();
        if self.chain.stands(inbox) {
            return Ok(0);
        }
        self.ahead = Ahead::default();
        match self.back_to(self.chain.matching(inbox)) {
            Ok(chain) => self.chain = chain,
            Err(StatesError::Gone(_)) => self.start_over()?,
            Err(error) => return Err(error.into()),
        }
        Ok(before.0.saturating_sub(self.chain.tip().0))
    }

    /// Takes batches back on disk, one after the other, until this chain is left.
    fn back_to(&self, chain: Chain) -> Result<Chain, StatesError> {
        let (tip, state) = (chain.tip(), self.chain.recall(chain.tip())?);
        for index in (tip.0.saturating_add(1)..=self.chain.tip().0).rev() {
            if let Some(batch) = self.chain.batch(BatchIndex(index)) {
                self.store.take_back(batch)?;
            }
        }
        Ok(chain.ending_with(state))
    }

    /// The oldest batch whose end can be had again.
    #[must_use]
    pub const fn kept_from(&self) -> BatchIndex {
        self.kept_from
    }

    /// Forgets the ways back to ends older than this batch's, which nobody can ask for any more. Does nothing until that batch
    /// is derived. What lies on disk for them is left to [`Self::sweep`].
    ///
    /// # Errors
    /// [`DerivationError::States`].
    pub fn forget(&mut self, before: BatchIndex) -> Result<(), DerivationError> {
        if before > self.chain.tip() || before <= self.kept_from {
            return Ok(());
        }
        self.store.forget(before)?;
        self.chain.forget(before);
        (self.kept_from, self.is_swept) = (before, false);
        Ok(())
    }

    /// Whether nothing is left on disk of what was forgotten.
    #[must_use]
    pub const fn is_swept(&self) -> bool {
        self.is_swept
    }

    /// Deletes a part of what is left on disk of what was forgotten: a page, so that other work need not wait long.
    ///
    /// # Errors
    /// [`DerivationError::States`].
    pub fn sweep(&mut self) -> Result<(), DerivationError> {
        if !self.is_swept {
            self.is_swept = self.store.sweep(PAGE)? == 0;
        }
        Ok(())
    }

    /// Forgets all that was derived: everything is to be derived again, from the archived blobs.
    ///
    /// # Errors
    /// [`DerivationError::States`].
    pub fn start_over(&mut self) -> Result<(), DerivationError> {
        let (genesis, state) = (*self.chain.genesis(), self.chain.genesis_state().clone());
        self.ahead = Ahead::default();
        self.store.begin(&state)?;
        (self.kept_from, self.is_swept) = (BatchIndex(0), true);
        self.chain = Chain::new(genesis, state, self.store.clone());
        Ok(())
    }

    /// The claim of a batch is confirmed: the state after it is kept at hand, for withdrawals are proven under its root.
    ///
    /// # Errors
    /// [`DerivationError::States`].
    pub fn confirm(&mut self, batch: BatchIndex) -> Result<(), DerivationError> {
        let (state, _) = self.chain.had_again(batch)?;
        self.chain.confirm(batch, state);
        Ok(())
    }

    /// The batch to derive next.
    #[must_use]
    pub fn next(&self) -> BatchIndex {
        BatchIndex(self.chain.tip().0.saturating_add(1))
    }

    /// How many transactions of the next batch are read, and their signers known, already.
    #[must_use]
    pub fn foreseen(&self) -> usize {
        self.ahead.foreseen.len()
    }

    /// How many steps of the next batch were taken already, while the newest one was written.
    #[must_use]
    pub fn steps_ahead(&self) -> u64 {
        self.ahead.run.as_ref().map_or(0, BatchRun::steps)
    }

    /// Derives the next batch, if the Inbox has it. Nothing changes on an error but what was found out ahead, which is used only
    /// for what it was found out of.
    ///
    /// # Errors
    /// [`DerivationError`]; of severity `Temporary` when a blob is not archived yet.
    pub fn derive_next(
        &mut self,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
    ) -> Result<Option<DerivedBatch>, DerivationError> {
        let index = self.next();
        if inbox.batch_at(index).is_none() {
            self.ahead = Ahead::default();
            return Ok(None);
        }
        let no_batch = || Box::new(StepError::NoBatch(index));
        let last = self.chain.tip();
        let pre = *self.chain.checkpoint_after(last).ok_or_else(no_batch)?;
        let state = self.chain.state_after(last).ok_or_else(no_batch)?.clone();
        let task = Task::new(inbox, index, pre).ok_or_else(no_batch)?;
        let Ahead { foreseen, run } = std::mem::take(&mut self.ahead);
        let mut run = match run.filter(|run| run.is_of(&task)) {
            Some(run) => run,
            None => self.begin(task, state.clone(), foreseen),
        };
        // Among the threads, where all that splits itself finds the same ones.
        self.workers.help(|| run.go_on(inbox, || stop.is_cancelled()))?;
        if !run.is_done() {
            return Err(DerivationError::Cancelled);
        }
        let ran = run.finish();
        // While that is written and the disk is waited for, threads do what comes next as far as they get. Nobody waits for more
        // of that than one step.
        let is_written = AtomicBool::new(false);
        let (written, ahead) = self.workers.beside(
            || {
                let written = self.store.append(&ran.batch, &ran.blocks, &state, &ran.end);
                is_written.store(true, Relaxed);
                written
            },
            || self.look_ahead(&ran, inbox, stop, &is_written),
        );
        written?;
        self.ahead = ahead;
        let Ran { batch, end, states, .. } = ran;
        self.chain.push(batch, end, states);
        Ok(Some(batch))
    }

    /// Finds out who signed the transactions of the batch that comes next, and runs it until the last one is written. What fails is
    /// left to when its turn comes.
    fn look_ahead(
        &self,
        last: &Ran,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
        is_written: &AtomicBool,
    ) -> Ahead {
        let next = BatchIndex(last.batch.index.0.saturating_add(1));
        let Some(task) = Task::new(inbox, next, last.batch.post) else { return Ahead::default() };
        if stop.is_cancelled() {
            return Ahead::default();
        }
        let blobs = Schedule::osaka().at(task.timestamp()).blobs.is_some();
        let transactions = inbox.transactions_of(next, Foreseen::SHORTEST);
        let foreseen = Arc::new(Foreseen::new(&self.workers, blobs, transactions));
        let mut run = self.begin(task, last.end.clone(), foreseen.clone());
        let went_on = run.go_on(inbox, || stop.is_cancelled() || is_written.load(Relaxed));
        Ahead { foreseen, run: went_on.is_ok().then_some(run) }
    }

    fn begin(&self, task: Task, state: State, foreseen: Arc<Foreseen>) -> BatchRun {
        BatchRun::new(task, state, self.config, &self.workers, foreseen)
    }
}

/// What was found out of the next batch.
#[derive(Debug, Default)]
struct Ahead {
    /// Its transactions.
    foreseen: Arc<Foreseen>,
    /// As far as it was run, if it could be.
    run: Option<BatchRun>,
}
