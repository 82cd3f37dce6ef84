use std::collections::VecDeque;

use alloy_primitives::{B256, Bytes};
use recourse_protocol::{
    Checkpoint, Executor, Inputs, Plan, Rule, StepError, Transact, TransactionSource, TxOutcome,
    TxPosition,
    bindings::{BlockContext, Credit},
    transactions_at,
};

use crate::{
    block::{BlockBody, BlockExecutor, Executed, TxRun},
    error::ExecutionError,
    executor::{NO_ROOT, StateExecutor},
    rules::Schedule,
    state::State,
};

/// Executes L2 on a full state as [`StateExecutor`] does, but the transactions that follow each other on the
/// tape ([`BlockwiseExecutor::look_ahead`]) all at once, by an engine that may run them side by side.
///
/// What it does not do: tell the state roots between transactions that it ran at once. [`NO_ROOT`] stands in
/// their place. Roots are right after each opening, after the last of those transactions, and after each seal, so that
/// every block's header and every batch's end have theirs. Whoever needs the root of each step takes [`StateExecutor`].
#[derive(Debug)]
pub struct BlockwiseExecutor<E> {
    engine: E,
    steps: StateExecutor,
    ahead: Option<Ahead>,
    runs: Vec<TxRun>,
}

/// Transactions that were run, and not yet asked for.
#[derive(Debug)]
struct Ahead {
    block: BlockContext,
    /// Where the next one stands.
    position: TxPosition,
    /// The root that the next one begins with.
    root: B256,
    next: VecDeque<(Bytes, TxRun)>,
    /// Valid ones among them.
    valid: usize,
    /// The state after all of them.
    after: State,
}

impl Ahead {
    fn is_next(&self, pre: B256, block: &BlockContext, position: TxPosition, raw: &[u8]) -> bool {
        let same = self.next.front().is_some_and(|(next, _)| next == raw);
        same && pre == self.root && *block == self.block && position == self.position
    }

    fn take(&mut self) -> Option<(TxRun, TxOutcome)> {
        let (_, run) = self.next.pop_front()?;
        self.position = run.after(self.position);
        if let TxRun::Included(_) = run {
            self.valid = self.valid.saturating_sub(1);
            self.root = if self.valid == 0 { self.after.root() } else { NO_ROOT };
        }
        let outcome = TxOutcome {
            state_root: self.root,
            gas_used: run.gas_used(),
            receipt_digest: self.position.receipt_digest_before,
        };
        Some((run, outcome))
    }
}

impl<E: BlockExecutor> BlockwiseExecutor<E> {
    /// An executor that stands at `state`. `engine` must execute by the same rules, and under the same limit.
    #[must_use]
    pub fn new(engine: E, state: State, schedule: Schedule, max_witness_bytes: u32) -> Self {
        let steps = StateExecutor::new(state, schedule, max_witness_bytes);
        Self { engine, steps, ahead: None, runs: Vec::new() }
    }

    /// The state that it stands at; while transactions are not asked for that were run ahead, that before the first of
    /// them.
    #[must_use]
    pub fn state(&self) -> &State {
        self.steps.state()
    }

    /// The transactions included since this was called last.
    pub fn take_executed(&mut self) -> Vec<Executed> {
        std::mem::take(&mut self.runs).into_iter().filter_map(TxRun::included).collect()
    }

    /// Looks whether a row of transactions begins on the tape with the step that is planned at `at`, and runs all of it, for the
    /// steps from there on. To be called before each step is taken.
    ///
    /// Nothing can come between them: when the first of them is due, either no forced transaction is, or none has room, and
    /// room only shrinks within a block.
    ///
    /// # Errors
    /// [`StepError`]: an input could not be had, or execution itself failed.
    pub fn look_ahead<I: Inputs>(
        &mut self,
        plan: &Plan,
        at: &Checkpoint,
        inputs: &I,
    ) -> Result<(), StepError<I::Error, ExecutionError>> {
        let Rule::Transact(Transact { block, source: TransactionSource::Tape, .. }) = &plan.rule
        else {
            return Ok(());
        };
        if self.ahead.is_some() {
            return Ok(());
        }
        let payload = inputs.payload(at.batch, at.blob).map_err(StepError::Input)?;
        let row = transactions_at(payload.bytes(), at.offset);
        let row = row.into_iter().map(Bytes::copy_from_slice).collect();
        let position =
            TxPosition { gas_used_before: at.gas_used, receipt_digest_before: at.receipt_digest };
        self.run_ahead(block, position, row).map_err(StepError::Execution)
    }

    /// Runs transactions that the coming calls of [`Executor::transact`] will ask for, in this order. Should the calls be
    /// others, they fail with [`ExecutionError::NotAhead`] where the root that they begin with was never computed.
    ///
    /// # Errors
    /// [`ExecutionError`] of the engine.
    pub fn run_ahead(
        &mut self,
        block: &BlockContext,
        position: TxPosition,
        transactions: Vec<Bytes>,
    ) -> Result<(), ExecutionError> {
        self.settle()?;
        if transactions.is_empty() {
            return Ok(());
        }
        let body = BlockBody { transactions, ..BlockBody::default() };
        let done = self.engine.execute(self.steps.state(), block, position, &body)?;
        let valid = done.runs.iter().filter(|run| matches!(run, TxRun::Included(_))).count();
        self.ahead = Some(Ahead {
            block: block.clone(),
            position,
            root: self.steps.state().root(),
            next: body.transactions.into_iter().zip(done.runs).collect(),
            valid,
            after: done.state,
        });
        Ok(())
    }

    /// Drops what was run ahead and not asked for.
    fn settle(&mut self) -> Result<(), ExecutionError> {
        let Some(ahead) = self.ahead.take() else { return Ok(()) };
        if ahead.root == NO_ROOT {
            return Err(ExecutionError::NotAhead { left: ahead.next.len() });
        }
        // Before the first valid one it still stands at the state before, which is the right one.
        if ahead.valid == 0 && ahead.root == ahead.after.root() {
            self.steps.restore(ahead.after);
        }
        Ok(())
    }
}

impl<E: BlockExecutor> Executor for BlockwiseExecutor<E> {
    type Error = ExecutionError;

    fn open(
        &mut self,
        pre: B256,
        block: &BlockContext,
        parent_hash: B256,
        anchor: B256,
    ) -> Result<B256, ExecutionError> {
        self.settle()?;
        self.steps.open(pre, block, parent_hash, anchor)
    }

    fn transact(
        &mut self,
        pre: B256,
        block: &BlockContext,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<TxOutcome, ExecutionError> {
        let told = self.ahead.as_mut().filter(|ahead| ahead.is_next(pre, block, position, raw));
        if let Some((run, outcome)) = told.and_then(Ahead::take) {
            self.runs.push(run);
            if let Some(ahead) = self.ahead.take_if(|ahead| ahead.next.is_empty()) {
                self.steps.restore(ahead.after);
            }
            return Ok(outcome);
        }
        self.settle()?;
        let outcome = self.steps.transact(pre, block, position, raw)?;
        self.runs.extend(self.steps.take_runs());
        Ok(outcome)
    }

    fn seal(
        &mut self,
        pre: B256,
        block: &BlockContext,
        credits: &[Credit],
    ) -> Result<B256, ExecutionError> {
        self.settle()?;
        self.steps.seal(pre, block, credits)
    }
}
