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

use super::{Chain, DerivationError, DerivedBatch, DerivedBlock, Included, kept::BLOCKS};
use crate::inbox::InboxSnapshot;

/// All that decides what comes of a batch: where it begins, and what L1 says. The state is that of the checkpoint's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pre: Checkpoint,
    hash: B256,
    /// Of the L1 inputs that no batch of an earlier L1 block could read.
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

/// A batch in the making.
#[derive(Debug)]
pub(super) struct BatchRun {
    task: Task,
    at: Checkpoint,
    executor: BlockwiseExecutor<Parallel>,
    config: L2Config,
    steps: u64,
    blocks: Vec<Arc<DerivedBlock>>,
    /// After the newest blocks, with their numbers.
    states: VecDeque<(u64, State)>,
}

/// A batch that was run, and is not written yet.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) batch: DerivedBatch,
    pub(super) blocks: Vec<Arc<DerivedBlock>>,
    /// After the newest blocks, with their numbers.
    pub(super) states: VecDeque<(u64, State)>,
    /// After all of it.
    pub(super) end: State,
}

impl BatchRun {
    /// Begins one, at the state of its checkpoint.
    pub(super) fn new(
        task: Task,
        state: State,
        config: L2Config,
        workers: &Arc<Workers>,
        foreseen: Arc<Foreseen>,
    ) -> Self {
        let (schedule, limit) = (Schedule::osaka(), config.max_witness_bytes);
        let engine =
            Parallel::new(schedule.clone(), limit, Arc::clone(workers)).with_foreseen(foreseen);
        let executor = BlockwiseExecutor::new(engine, state, schedule, limit);
        Self {
            task,
            at: task.pre,
            executor,
            config,
            steps: 0,
            blocks: Vec::new(),
            states: VecDeque::new(),
        }
    }

    /// Whether it is what comes of this.
    pub(super) fn is_of(&self, task: &Task) -> bool {
        self.task == *task
    }

    /// Whether all of it was run.
    pub(super) fn is_done(&self) -> bool {
        self.at.batch != self.task.pre.batch
    }

    /// How many steps were taken.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Goes on to the end, or until this says so: it is asked before each step.
    pub(super) fn go_on(
        &mut self,
        inbox: &InboxSnapshot,
        pauses: impl Fn() -> bool,
    ) -> Result<(), DerivationError> {
        while !self.is_done() && !pauses() {
            let plan = plan(&self.at, inbox, &self.config);
            let plan = plan.map_err(StepError::widen).map_err(Box::new)?;
            self.executor.look_ahead(&plan, &self.at, inbox).map_err(Box::new)?;
            let step = plan.take(&self.at, &mut self.executor).map_err(Box::new)?;
            self.steps = self.steps.saturating_add(1);
            self.take(step);
        }
        Ok(())
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
            batch: self.task.pre.batch,
        }
    }

    /// What came of all of it.
    pub(super) fn finish(self) -> Ran {
        let Self { task, at, .. } = self;
        let batch = DerivedBatch {
            index: task.pre.batch,
            hash: task.hash,
            pre: task.pre,
            post: at,
            steps: self.steps,
            inputs: task.inputs,
        };
        let end = self.executor.state().clone();
        Ran { batch, blocks: self.blocks, states: self.states, end }
    }
}
