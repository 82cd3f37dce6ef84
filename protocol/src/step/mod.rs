//! The step function of the tape: `step(checkpoint, L1 inputs) -> checkpoint`.
//!
//! [`plan`] decides which rule applies and with what, [`Plan`] is what the executor or `EXECUTE` is asked,
//! and [`Plan::finish`] makes the next checkpoint of the answer. The order of the rules is the order of
//! "The tape" in `docs/protocol.md`.

mod executor;
mod finish;
mod open;
mod plan;

pub use executor::{Executor, TxOutcome, TxPosition};
pub use plan::{Open, Plan, Rule, Seal, Transact, TransactionSource, plan};

use crate::{BatchIndex, Checkpoint, Inputs};

/// One step taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule that applied, with its data.
    pub plan: Plan,
    /// The checkpoint after it.
    pub post: Checkpoint,
    /// Gas used by the transaction that ran, if one ran and was valid.
    pub gas_used: u64,
}

/// No step can be taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError<I: core::error::Error, E: core::error::Error> {
    /// L1 does not have this batch yet.
    #[error("batch {0} is not on L1 yet")]
    NoBatch(BatchIndex),
    /// A counter is at its maximum: no derivation gets here.
    #[error("unreachable checkpoint: {0} overflows")]
    Unreachable(&'static str),
    /// An L1 input could not be had.
    #[error("an L1 input could not be read")]
    Input(#[source] I),
    /// Execution itself failed (not the transaction): missing state, storage fault.
    #[error("execution failed")]
    Execution(#[source] E),
}

/// Takes one step.
///
/// # Errors
/// [`StepError`]; the executor may have moved on then.
pub fn step<I: Inputs, E: Executor>(
    pre: &Checkpoint,
    inputs: &I,
    config: &crate::L2Config,
    executor: &mut E,
) -> Result<Step, StepError<I::Error, E::Error>>
where
    E::Error: core::error::Error,
{
    plan(pre, inputs, config).map_err(StepError::widen)?.take(pre, executor)
}

impl Plan {
    /// Takes this step, which was planned from `pre`.
    ///
    /// # Errors
    /// As [`step`].
    pub fn take<I: core::error::Error, E: Executor>(
        self,
        pre: &Checkpoint,
        executor: &mut E,
    ) -> Result<Step, StepError<I, E::Error>>
    where
        E::Error: core::error::Error,
    {
        let outcome = execute(&self, pre, executor).map_err(StepError::Execution)?;
        let post = self.finish(pre, outcome).map_err(StepError::Unreachable)?;
        Ok(Step { plan: self, post, gas_used: outcome.gas_used })
    }
}

fn execute<E: Executor>(
    plan: &Plan,
    pre: &Checkpoint,
    executor: &mut E,
) -> Result<TxOutcome, E::Error> {
    let unchanged =
        TxOutcome { state_root: pre.state_root, gas_used: 0, receipt_digest: pre.receipt_digest };
    match &plan.rule {
        Rule::Open(open) => {
            let state_root =
                executor.open(pre.state_root, &open.block, pre.parent_hash, open.anchor)?;
            Ok(TxOutcome { state_root, ..unchanged })
        }
        Rule::Transact(tx) => {
            let position = TxPosition {
                gas_used_before: pre.gas_used,
                receipt_digest_before: pre.receipt_digest,
            };
            executor.transact(pre.state_root, &tx.block, position, &tx.raw)
        }
        // Also without credits: an executor that serves blocks must learn where they end.
        Rule::Seal(seal) => {
            let state_root = executor.seal(pre.state_root, &seal.block, &seal.credits)?;
            Ok(TxOutcome { state_root, ..unchanged })
        }
        Rule::Skip | Rule::EndOfBlob | Rule::Close => Ok(unchanged),
    }
}

impl<I: core::error::Error> StepError<I, core::convert::Infallible> {
    /// The same among the errors of steps that execute.
    pub fn widen<E: core::error::Error>(self) -> StepError<I, E> {
        match self {
            Self::NoBatch(index) => StepError::NoBatch(index),
            Self::Unreachable(what) => StepError::Unreachable(what),
            Self::Input(source) => StepError::Input(source),
            Self::Execution(never) => match never {},
        }
    }
}
