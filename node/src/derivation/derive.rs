//! Running the step function over batches.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use recourse_execution::{
    BlockwiseExecutor, Schedule, State,
    parallel::{Foreseen, Parallel, Workers},
};
use recourse_protocol::{
    BatchIndex, Checkpoint, L2Config, RollupConfig, Rule, Seal, Step, StepError, l2_header, plan,
};
use tokio_util::sync::CancellationToken;

use super::{
    Chain, DerivationError, DerivedBatch, DerivedBlock, Included, genesis_state, kept::BLOCKS,
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
    /// Transactions of the next batch.
    foreseen: Arc<Foreseen>,
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
        let foreseen = Arc::default();
        Ok(Self { config: config.l2, chain, store, workers, foreseen, kept_from, is_swept })
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
        self.foreseen.len()
    }

    /// Derives the next batch, if the Inbox has it. Nothing changes on an error but what was found out ahead, which is never false.
    ///
    /// # Errors
    /// [`DerivationError`]; of severity `Temporary` when a blob is not archived yet.
    pub fn derive_next(
        &mut self,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
    ) -> Result<Option<DerivedBatch>, DerivationError> {
        let index = self.next();
        let Some(record) = inbox.batch_at(index) else { return Ok(None) };
        let no_batch = || Box::new(StepError::NoBatch(index));
        let inputs = Chain::inputs_of(inbox, index).ok_or_else(no_batch)?;
        let last = self.chain.tip();
        let pre = *self.chain.checkpoint_after(last).ok_or_else(no_batch)?;
        let state = self.chain.state_after(last).ok_or_else(no_batch)?.clone();
        let schedule = Schedule::osaka();
        let blobs = schedule.at(record.batch.l1_timestamp).blobs.is_some();
        let limit = self.config.max_witness_bytes;
        let engine = Parallel::new(schedule.clone(), limit, Arc::clone(&self.workers))
            .with_foreseen(Arc::clone(&self.foreseen));
        let executor = BlockwiseExecutor::new(engine, state.clone(), schedule, limit);
        let mut run = BatchRun::new(pre, executor, &self.config).finish(inbox, stop)?;
        let (end, states) = (run.executor.state().clone(), std::mem::take(&mut run.states));
        let blocks = std::mem::take(&mut run.blocks);
        let batch = run.into_batch(record.hash, inputs);
        // While that is written and the disk is waited for, threads find who signed what comes next.
        let next = BatchIndex(index.0.saturating_add(1));
        let (written, foreseen) = self.workers.beside(
            || self.store.append(&batch, &blocks, &state, &end),
            || {
                if stop.is_cancelled() {
                    return Arc::default();
                }
                let transactions = inbox.transactions_of(next, Foreseen::SHORTEST);
                Arc::new(Foreseen::new(&self.workers, blobs, transactions))
            },
        );
        self.foreseen = foreseen;
        written?;
        self.chain.push(batch, end, states);
        Ok(Some(batch))
    }
}

/// A batch in the making.
struct BatchRun<'a> {
    pre: Checkpoint,
    at: Checkpoint,
    executor: BlockwiseExecutor<Parallel>,
    config: &'a L2Config,
    steps: u64,
    blocks: Vec<Arc<DerivedBlock>>,
    /// After the newest blocks, with their numbers.
    states: VecDeque<(u64, State)>,
}

impl<'a> BatchRun<'a> {
    fn new(pre: Checkpoint, executor: BlockwiseExecutor<Parallel>, config: &'a L2Config) -> Self {
        Self {
            pre,
            at: pre,
            executor,
            config,
            steps: 0,
            blocks: Vec::new(),
            states: VecDeque::new(),
        }
    }

    fn finish(
        mut self,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
    ) -> Result<Self, DerivationError> {
        while self.at.batch == self.pre.batch {
            if stop.is_cancelled() {
                return Err(DerivationError::Cancelled);
            }
            let plan = plan(&self.at, inbox, self.config);
            let plan = plan.map_err(StepError::widen).map_err(Box::new)?;
            self.executor.look_ahead(&plan, &self.at, inbox).map_err(Box::new)?;
            let step = plan.take(&self.at, &mut self.executor).map_err(Box::new)?;
            self.steps = self.steps.saturating_add(1);
            self.take(step);
        }
        Ok(self)
    }

    fn take(&mut self, step: Step) {
        if let Rule::Seal(seal) = step.plan.rule {
            let block = self.sealed(seal, &step.post);
            self.states.push_back((block.header.number, self.executor.state().clone()));
            // A batch may hold tens of thousands of blocks.
            if self.states.len() > BLOCKS {
                self.states.pop_front();
            }
            self.blocks.push(Arc::new(block));
        }
        self.at = step.post;
    }

    fn sealed(&mut self, seal: Seal, post: &Checkpoint) -> DerivedBlock {
        let sealed = Checkpoint { parent_hash: self.at.parent_hash, ..*post };
        DerivedBlock {
            header: l2_header(&sealed, &seal.block, seal.anchor, &seal.credits),
            hash: post.parent_hash,
            transactions: self.executor.take_executed().into_iter().map(Included::from).collect(),
            credits: seal.credits,
            first_deposit: self.at.deposits_done,
            batch: self.pre.batch,
        }
    }

    fn into_batch(self, hash: B256, inputs: B256) -> DerivedBatch {
        DerivedBatch {
            index: self.pre.batch,
            hash,
            pre: self.pre,
            post: self.at,
            steps: self.steps,
            inputs,
        }
    }
}
