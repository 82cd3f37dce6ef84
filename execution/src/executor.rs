use alloy_consensus::TxEnvelope;
use alloy_primitives::{Address, B256, Bytes};
use recourse_protocol::{
    Executor, TxOutcome, TxPosition,
    bindings::{BlockContext, Credit},
};

use crate::{
    block::{Executed, Piece, TxRun},
    error::ExecutionError,
    parallel::Prepared,
    rules::Schedule,
    state::{Full, State},
};

/// Stands for a state root that was not computed. No state has it: it is the hash of nothing.
pub const NO_ROOT: B256 = B256::ZERO;

/// Executes L2 on a full state, step by step. Going back to an earlier step is [`StateExecutor::restore`] with a clone of
/// [`StateExecutor::state`] taken then: both are O(1).
#[derive(Clone, Debug)]
pub struct StateExecutor {
    state: State,
    schedule: Schedule,
    max_witness_bytes: u32,
    runs: Vec<TxRun>,
    computes_roots: bool,
    foreseen: Option<Foreseen>,
}

/// A transaction whose sender is known.
#[derive(Clone, Debug)]
struct Foreseen {
    raw: Bytes,
    transaction: TxEnvelope,
    sender: Address,
}

impl StateExecutor {
    /// An executor that stands at `state`.
    #[must_use]
    pub fn new(state: State, schedule: Schedule, max_witness_bytes: u32) -> Self {
        Self {
            state,
            schedule,
            max_witness_bytes,
            runs: Vec::new(),
            computes_roots: true,
            foreseen: None,
        }
    }

    /// From now on, transactions are answered with [`NO_ROOT`], and begin with it unless the root is known. Whoever wants the
    /// root of each step keeps the states and has them hashed together ([`State::roots`]). Openings and seals begin and end
    /// with roots as before.
    #[must_use]
    pub fn without_roots(mut self) -> Self {
        self.computes_roots = false;
        self
    }

    /// If the next transaction is this one, it need not be read, nor its signer found. Whoever says so vouches that `raw` is
    /// its canonical encoding, and for who signed it.
    pub fn foresee(&mut self, raw: Bytes, transaction: TxEnvelope, sender: Address) {
        self.foreseen = Some(Foreseen { raw, transaction, sender });
    }

    /// The state that it stands at.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The rules that it executes under.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Goes to another state, and forgets the runs not taken.
    pub fn restore(&mut self, state: State) {
        self.state = state;
        self.runs.clear();
    }

    /// What became of the transactions since this was called last, no-ops included.
    pub fn take_runs(&mut self) -> Vec<TxRun> {
        std::mem::take(&mut self.runs)
    }

    /// The transactions included since this, or [`StateExecutor::take_runs`], was called last.
    pub fn take_executed(&mut self) -> Vec<Executed> {
        self.take_runs().into_iter().filter_map(TxRun::included).collect()
    }

    /// Fails unless the state is `pre`.
    fn stands_at(&self, pre: B256) -> Result<(), ExecutionError> {
        let got = self.state.root();
        if got == pre { Ok(()) } else { Err(ExecutionError::PreState { expected: pre, got }) }
    }

    /// Runs `part` on the state.
    fn step<T>(
        &mut self,
        block: &BlockContext,
        part: impl FnOnce(&mut Piece<'_>) -> Result<T, ExecutionError>,
    ) -> Result<T, ExecutionError> {
        let mut full = Full;
        let world = self.state.world().clone();
        let mut piece =
            Piece::new(world, &mut full, &self.schedule, block, self.max_witness_bytes)?;
        let answer = part(&mut piece)?;
        let (world, _) = piece.finish();
        self.state = State::new(world);
        Ok(answer)
    }
}

impl Executor for StateExecutor {
    type Error = ExecutionError;

    fn open(
        &mut self,
        pre: B256,
        block: &BlockContext,
        parent_hash: B256,
        anchor: B256,
    ) -> Result<B256, ExecutionError> {
        self.stands_at(pre)?;
        self.step(block, |piece| piece.open(parent_hash, anchor))?;
        Ok(self.state.root())
    }

    fn transact(
        &mut self,
        pre: B256,
        block: &BlockContext,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<TxOutcome, ExecutionError> {
        if self.computes_roots || pre != NO_ROOT {
            self.stands_at(pre)?;
        }
        let foreseen = self.foreseen.take().filter(|foreseen| foreseen.raw == *raw);
        let blobs = self.schedule.at(block.timestamp).blobs.is_some();
        let run = self.step(block, |piece| match foreseen {
            Some(Foreseen { transaction, sender, .. }) => {
                let prepared = Prepared::signed(transaction, sender, blobs);
                piece.transact_prepared(position, |available| prepared.decoded(available))
            }
            None => piece.transact(position, raw),
        })?;
        let outcome = TxOutcome {
            state_root: if self.computes_roots { self.state.root() } else { NO_ROOT },
            gas_used: run.gas_used(),
            receipt_digest: run.after(position).receipt_digest_before,
        };
        self.runs.push(run);
        Ok(outcome)
    }

    fn seal(
        &mut self,
        pre: B256,
        block: &BlockContext,
        credits: &[Credit],
    ) -> Result<B256, ExecutionError> {
        self.stands_at(pre)?;
        self.step(block, |piece| piece.credit(credits))?;
        Ok(self.state.root())
    }
}
