//! Running the step function over batches.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::{BlockwiseExecutor, Schedule, State, block::Sequential};
use recourse_protocol::{
    BatchIndex, Checkpoint, L2Config, RollupConfig, Rule, Seal, Step, StepError, l2_header, step,
};
use tokio_util::sync::CancellationToken;

use super::{Chain, DerivationError, DerivedBatch, DerivedBlock, genesis_state};
use crate::inbox::InboxSnapshot;

/// Derives batch after batch. Does no IO but reading the archive; call it from a blocking thread.
#[derive(Debug)]
pub struct Derivation {
    config: L2Config,
    chain: Chain,
}

impl Derivation {
    /// At the genesis.
    ///
    /// # Errors
    /// [`DerivationError::GenesisRoot`] when the configuration contradicts itself.
    pub fn new(config: &RollupConfig) -> Result<Self, DerivationError> {
        let state = genesis_state(&config.genesis.alloc)?;
        let (expected, got) = (config.genesis.checkpoint.state_root, state.root());
        if expected != got {
            return Err(DerivationError::GenesisRoot { expected, got });
        }
        Ok(Self { config: config.l2, chain: Chain::new(config.genesis.checkpoint, state) })
    }

    /// What was derived so far.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Forgets what an L1 reorg took away. Returns how many batches that were.
    pub fn follow(&mut self, inbox: &InboxSnapshot) -> u64 {
        let before = self.chain.tip().0;
        self.chain = self.chain.matching(inbox);
        before.saturating_sub(self.chain.tip().0)
    }

    /// The batch to derive next.
    #[must_use]
    pub fn next(&self) -> BatchIndex {
        BatchIndex(self.chain.tip().0.saturating_add(1))
    }

    /// Derives the next batch, if the Inbox has it. Nothing changes on an error.
    ///
    /// # Errors
    /// [`DerivationError`]; of severity `Temporary` when a blob is not archived yet.
    pub fn derive_next(
        &mut self,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
    ) -> Result<Option<Arc<DerivedBatch>>, DerivationError> {
        let index = self.next();
        let Some(record) = inbox.batch_at(index) else { return Ok(None) };
        let no_batch = || Box::new(StepError::NoBatch(index));
        let inputs = Chain::inputs_of(inbox, index).ok_or_else(no_batch)?;
        let last = self.chain.tip();
        let pre = *self.chain.checkpoint_after(last).ok_or_else(no_batch)?;
        let state = self.chain.state_after(last).ok_or_else(no_batch)?.clone();
        let run = BatchRun::new(pre, state.clone(), &self.config);
        let batch = Arc::new(run.finish(inbox, stop)?.into_batch(record.hash, inputs, state));
        self.chain.push(batch.clone());
        Ok(Some(batch))
    }
}

/// A batch in the making.
struct BatchRun<'a> {
    pre: Checkpoint,
    at: Checkpoint,
    executor: BlockwiseExecutor<Sequential>,
    config: &'a L2Config,
    steps: u64,
    blocks: Vec<Arc<DerivedBlock>>,
}

impl<'a> BatchRun<'a> {
    fn new(pre: Checkpoint, state: State, config: &'a L2Config) -> Self {
        let (schedule, limit) = (Schedule::osaka(), config.max_witness_bytes);
        let engine = Sequential::new(schedule.clone(), limit);
        let executor = BlockwiseExecutor::new(engine, state, schedule, limit);
        Self { pre, at: pre, executor, config, steps: 0, blocks: Vec::new() }
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
            self.executor.look_ahead(&self.at, inbox, self.config).map_err(Box::new)?;
            let step = step(&self.at, inbox, self.config, &mut self.executor).map_err(Box::new)?;
            self.steps = self.steps.saturating_add(1);
            self.take(step);
        }
        Ok(self)
    }

    fn take(&mut self, step: Step) {
        if let Rule::Seal(seal) = step.plan.rule {
            let block = self.sealed(seal, &step.post);
            self.blocks.push(Arc::new(block));
        }
        self.at = step.post;
    }

    fn sealed(&mut self, seal: Seal, post: &Checkpoint) -> DerivedBlock {
        let sealed = Checkpoint { parent_hash: self.at.parent_hash, ..*post };
        DerivedBlock {
            header: l2_header(&sealed, &seal.block, seal.anchor, &seal.credits),
            hash: post.parent_hash,
            transactions: self.executor.take_executed(),
            credits: seal.credits,
            state: self.executor.state().clone(),
            batch: self.pre.batch,
        }
    }

    fn into_batch(self, hash: B256, inputs: B256, pre_state: State) -> DerivedBatch {
        DerivedBatch {
            index: self.pre.batch,
            hash,
            pre: self.pre,
            pre_state,
            post: self.at,
            post_state: self.executor.state().clone(),
            steps: self.steps,
            blocks: self.blocks,
            inputs,
        }
    }
}
