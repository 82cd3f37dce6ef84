//! The step function with the state that it runs on.

use recourse_execution::{Schedule, State, StateExecutor};
use recourse_protocol::{Checkpoint, Inputs, L2Config, Plan, Rule, StepError, plan, step};

use super::{L2Block, block::Assembler};
use crate::pool::Pooled;

/// A checkpoint and the state that it stands for.
#[derive(Debug, Clone)]
pub struct Position {
    /// The checkpoint.
    pub at: Checkpoint,
    /// The state; its root is the checkpoint's.
    pub state: State,
}

/// No step could be taken, or not the one that was due.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The step function failed: an input is missing, or execution itself.
    #[error("the step function failed")]
    Step(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// A step did something else than the item that was written for it says.
    #[error("expected the step to {expected}, it did {got}")]
    Unexpected {
        /// What was due.
        expected: &'static str,
        /// The rule that applied.
        got: String,
    },
}

/// What a step did.
#[derive(Debug)]
pub struct Stepped {
    /// The rule that applied.
    pub rule: Rule,
    /// Gas used, by a valid transaction.
    pub gas_used: u64,
    /// The block that was sealed.
    pub block: Option<L2Block>,
}

/// Runs steps.
#[derive(Debug)]
pub struct Engine {
    l2: L2Config,
    executor: StateExecutor,
    at: Checkpoint,
    assembler: Assembler,
}

impl Engine {
    /// Starts at a checkpoint with no block open.
    #[must_use]
    pub fn new(l2: L2Config, position: Position) -> Self {
        let executor = StateExecutor::new(position.state, Schedule::osaka(), l2.max_witness_bytes);
        Self { l2, executor, at: position.at, assembler: Assembler::default() }
    }

    /// The checkpoint reached.
    #[must_use]
    pub const fn at(&self) -> &Checkpoint {
        &self.at
    }

    /// Checkpoint and state reached.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { at: self.at, state: self.executor.state().clone() }
    }

    /// Goes to another position. Within a block: only back to before a step that was a no-op.
    pub fn restore(&mut self, position: Position) {
        self.at = position.at;
        self.executor.restore(position.state);
    }

    /// Tells what the next transaction is and who sent it, as the pool found out.
    pub fn foresee(&mut self, pooled: &Pooled) {
        let (transaction, sender) = (pooled.tx.inner().clone(), pooled.tx.signer());
        self.executor.foresee(pooled.raw.clone(), transaction, sender);
    }

    /// What the next step would be.
    ///
    /// # Errors
    /// [`EngineError::Step`].
    pub fn plan<I: Inputs>(&self, inputs: &I) -> Result<Plan, EngineError>
    where
        I::Error: Send + Sync + 'static,
    {
        plan(&self.at, inputs, &self.l2).map_err(|error| EngineError::Step(Box::new(error)))
    }

    /// Takes one step.
    ///
    /// # Errors
    /// [`EngineError::Step`]; the position is of no use then.
    pub fn step<I: Inputs>(&mut self, inputs: &I) -> Result<Stepped, EngineError>
    where
        I::Error: Send + Sync + 'static,
    {
        let pre = self.at;
        let taken = step(&pre, inputs, &self.l2, &mut self.executor).map_err(failed)?;
        let executed = self.executor.take_executed();
        let block = self.assembler.take(&pre, &taken, executed, self.executor.state());
        self.at = taken.post;
        Ok(Stepped { rule: taken.plan.rule, gas_used: taken.gas_used, block })
    }
}

fn failed<I, E>(error: StepError<I, E>) -> EngineError
where
    I: core::error::Error + Send + Sync + 'static,
    E: core::error::Error + Send + Sync + 'static,
{
    EngineError::Step(Box::new(error))
}
