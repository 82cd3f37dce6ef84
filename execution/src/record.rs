//! Runs one part of a block on a full state and keeps what `EXECUTE` needs to know of that state: no more, no less.

use alloy_primitives::{B256, Bytes};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit, Trace},
};

use crate::{
    block::{BlockBody, Opening, Piece, TxRun},
    error::ExecutionError,
    execute::{self, Claim, ExecuteError},
    rules::Schedule,
    state::{Full, State},
    witness::Witness,
};

/// A piece of a block, executed, with its proof.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The state after it.
    pub state: State,
    /// The state root after it.
    pub state_root: B256,
    /// Gas used by its transactions.
    pub gas_used: u64,
    /// The digest of receipts after it.
    pub receipt_digest: B256,
    /// What became of its transactions.
    pub runs: Vec<TxRun>,
    /// The trace that `EXECUTE` accepts, with the whole witness inline.
    pub trace: Trace,
    /// The witness, as in the trace.
    pub witness: Witness,
}

/// Why a piece could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It can't be executed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// `EXECUTE` does not agree: the state lacks a predeploy, or there is a bug.
    #[error("EXECUTE refuses what was recorded: {0}")]
    Refused(#[from] ExecuteError),
}

/// Records pieces of blocks on a state.
#[derive(Clone, Copy, Debug)]
pub struct Recorder<'a> {
    schedule: &'a Schedule,
    max_witness_bytes: u32,
}

impl<'a> Recorder<'a> {
    /// A recorder under these rules.
    #[must_use]
    pub fn new(schedule: &'a Schedule, max_witness_bytes: u32) -> Self {
        Self { schedule, max_witness_bytes }
    }

    /// Records the opening of a block.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open(
        &self,
        state: &State,
        block: &BlockContext,
        opening: Opening,
    ) -> Result<Recorded, RecordError> {
        let body = BlockBody { opening: Some(opening), ..BlockBody::default() };
        self.piece(state, block, TxPosition::default(), &body)
    }

    /// Records one transaction.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn transact(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<Recorded, RecordError> {
        let body =
            BlockBody { transactions: vec![Bytes::copy_from_slice(raw)], ..BlockBody::default() };
        self.piece(state, block, position, &body)
    }

    /// Records the credits that end a block.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn seal(
        &self,
        state: &State,
        block: &BlockContext,
        credits: &[Credit],
    ) -> Result<Recorded, RecordError> {
        let body = BlockBody { credits: Some(credits.to_vec()), ..BlockBody::default() };
        self.piece(state, block, TxPosition::default(), &body)
    }

    /// Records any contiguous piece of a block.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn piece(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        body: &BlockBody,
    ) -> Result<Recorded, RecordError> {
        let pre = state.root();
        let mut full = Full;
        let world = state.world().clone();
        let mut piece =
            Piece::new(world, &mut full, self.schedule, block, self.max_witness_bytes)?.recording();
        let (runs, end) = piece.run(position, &body.into())?;
        let (world, used) = piece.finish();
        let state = State::new(world);

        let gas_used = end.gas_used_before.saturating_sub(position.gas_used_before);
        let mut trace = self.trace(block, position, end, body);
        let claim = Claim { pre, post: state.root(), trace: &[], gas_used };
        // Nodes that the piece made itself were used too. What a stateless run asks for is what it needs.
        let candidates = used.items();
        let source = execute::run(&claim, &(&trace).into(), self.schedule, &candidates)?;
        let witness = source.needed(&used);
        trace.witness = witness.encode();
        Ok(Recorded {
            state_root: state.root(),
            state,
            gas_used,
            receipt_digest: end.receipt_digest_before,
            runs,
            trace,
            witness,
        })
    }

    fn trace(
        &self,
        block: &BlockContext,
        start: TxPosition,
        end: TxPosition,
        body: &BlockBody,
    ) -> Trace {
        let opening = body.opening.unwrap_or_default();
        Trace {
            context: block.clone(),
            opens: body.opening.is_some(),
            parentHash: opening.parent_hash,
            anchor: opening.anchor,
            seals: body.credits.is_some(),
            credits: body.credits.clone().unwrap_or_default(),
            gasUsedBefore: start.gas_used_before,
            receiptDigestBefore: start.receipt_digest_before,
            receiptDigestAfter: end.receipt_digest_before,
            transactions: body.transactions.clone(),
            maxWitnessBytes: self.max_witness_bytes,
            witness: Bytes::new(),
            pointers: Vec::new(),
        }
    }
}
