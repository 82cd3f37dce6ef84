//! Where the truth comes from: L1 inputs, constants and rules.

use recourse_execution::{ExecutionError, Schedule, State, StateExecutor};
use recourse_protocol::{
    BatchIndex, Checkpoint, Inputs, L2Config, Plan, StepError, StepIndex, plan, step,
};

/// All that derivation depends on besides where it starts.
#[derive(Debug)]
pub struct Derivation<'a, I> {
    /// What L1 says.
    pub inputs: &'a I,
    /// Constants of the L2.
    pub config: &'a L2Config,
    /// EVM rules by time.
    pub schedule: &'a Schedule,
}

// Derived ones would ask the same of `I`.
impl<I> Clone for Derivation<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Derivation<'_, I> {}

/// A checkpoint with the state under it: a run can start here. Cheap to clone, since states share what they have in common.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Between which steps.
    pub checkpoint: Checkpoint,
    /// The state whose root the checkpoint has.
    pub state: State,
}

/// A history could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError<I: core::error::Error + 'static> {
    /// A step could not be taken.
    #[error("the step after {steps} of batch {batch} could not be taken")]
    Step {
        /// The batch.
        batch: BatchIndex,
        /// Steps taken in it before.
        steps: u64,
        /// Why.
        #[source]
        source: Box<StepError<I, ExecutionError>>,
    },
    /// The next step could not be planned.
    #[error("no rule could be found for the step at {at}")]
    Plan {
        /// Its position in the claim.
        at: StepIndex,
        /// Why.
        #[source]
        source: Box<StepError<I, core::convert::Infallible>>,
    },
    /// A claim covers at least one batch, and the batches follow each other.
    #[error("batch {expected} should come next, got {got:?}")]
    NotContiguous {
        /// The batch that should come.
        expected: BatchIndex,
        /// The batch that came, if any.
        got: Option<BatchIndex>,
    },
    /// There is no such step.
    #[error("the history has {steps} steps, there is none at {at}")]
    PastTheEnd {
        /// The position asked for.
        at: StepIndex,
        /// Length of the history.
        steps: u64,
    },
}

impl<I: Inputs> Derivation<'_, I> {
    /// An executor at a state.
    pub(crate) fn executor(&self, state: State) -> StateExecutor {
        StateExecutor::new(state, self.schedule.clone(), self.config.max_witness_bytes)
    }

    /// Takes one step. The runs that the executor keeps for block explorers are let go.
    pub(crate) fn advance(
        &self,
        pre: &Checkpoint,
        executor: &mut StateExecutor,
    ) -> Result<Checkpoint, StepError<I::Error, ExecutionError>> {
        let taken = step(pre, self.inputs, self.config, executor)?;
        drop(executor.take_runs());
        Ok(taken.post)
    }

    /// The rule that applies at a checkpoint.
    pub(crate) fn plan(
        &self,
        pre: &Checkpoint,
    ) -> Result<Plan, StepError<I::Error, core::convert::Infallible>> {
        plan(pre, self.inputs, self.config)
    }
}
