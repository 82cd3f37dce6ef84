//! Running one batch.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use recourse_execution::{
    BlockwiseExecutor, Schedule, State,
    parallel::{Foreseen, Parallel, Workers},
};
use recourse_protocol::{
    BatchIndex, Checkpoint, L2Config, Rule, Seal, Step, StepError, l2_header, plan,
};
use tokio_util::sync::CancellationToken;

use super::{Chain, DerivationError, DerivedBatch, DerivedBlock, Included, kept::BLOCKS};
use crate::inbox::InboxSnapshot;

/// All that decides what comes of a batch: where it begins, and what L1 says. The state is that of the checkpoint's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pre: Checkpoint,
    hash: B256,
    /// Of the L1 inputs that no earlier batch could read.
    inputs: B256,
    timestamp: u64,
}

impl Task {
    /// None if the Inbox does not have the batch.
    pub(super) fn new(inbox: &InboxSnapshot, index: BatchIndex, pre: Checkpoint) -> Option<Self> {
        let record = inbox.batch_at(index)?;
        let inputs = Chain::inputs_of(inbox, index)?;
        Some(Self { pre, hash: record.hash, inputs, timestamp: record.batch.l1_timestamp })
    }

    /// Of the L1 block that has it.
    pub(super) const fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

/// A batch that was run, and is not written yet.
#[derive(Debug)]
pub(super) struct Ran {
    task: Task,
    pub(super) batch: DerivedBatch,
    pub(super) blocks: Vec<Arc<DerivedBlock>>,
    /// After the newest blocks, with their numbers.
    pub(super) states: VecDeque<(u64, State)>,
    /// After all of it.
    pub(super) end: State,
}

impl Ran {
    /// Whether it is what would come of this.
    pub(super) fn is_of(&self, task: &Task) -> bool {
        self.task == *task
    }
}

/// What a batch is run by.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    pub(super) config: &'a L2Config,
    pub(super) workers: &'a Arc<Workers>,
    pub(super) foreseen: Arc<Foreseen>,
}

impl Engine<'_> {
    /// Runs a batch from the state that it begins with.
    pub(super) fn run(
        self,
        task: Task,
        state: State,
        inbox: &InboxSnapshot,
        stop: &CancellationToken,
    ) -> Result<Ran, DerivationError> {
        let (schedule, limit) = (Schedule::osaka(), self.config.max_witness_bytes);
        let engine = Parallel::new(schedule.clone(), limit, Arc::clone(self.workers))
            .with_foreseen(self.foreseen);
        let executor = BlockwiseExecutor::new(engine, state, schedule, limit);
        let run = BatchRun::new(task.pre, executor, self.config).finish(inbox, stop)?;
        Ok(run.into_ran(task))
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

    fn into_ran(self, task: Task) -> Ran {
        let batch = DerivedBatch {
            index: self.pre.batch,
            hash: task.hash,
            pre: self.pre,
            post: self.at,
            steps: self.steps,
            inputs: task.inputs,
        };
        let end = self.executor.state().clone();
        Ran { task, batch, blocks: self.blocks, states: self.states, end }
    }
}
