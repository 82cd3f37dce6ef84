use alloy_primitives::{B256, Bytes};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};

use super::{Piece, TxRun};
use crate::{
    error::ExecutionError,
    rules::Schedule,
    state::{Full, State},
};

/// What starts a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// For the EIP-2935 contract.
    pub parent_hash: B256,
    /// For the EIP-4788 contract.
    pub anchor: B256,
}

/// A contiguous piece of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockBody {
    /// Given when the piece starts the block.
    pub opening: Option<Opening>,
    /// EIP-2718 encoded; invalid ones are no-ops.
    pub transactions: Vec<Bytes>,
    /// Given when the piece ends the block.
    pub credits: Option<Vec<Credit>>,
}

/// [`BlockBody`], wherever it lies.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) opening: Option<Opening>,
    pub(crate) transactions: Vec<&'a [u8]>,
    pub(crate) credits: Option<&'a [Credit]>,
}

impl<'a> From<&'a BlockBody> for Parts<'a> {
    fn from(body: &'a BlockBody) -> Self {
        Self {
            opening: body.opening,
            transactions: body.transactions.iter().map(|raw| &raw[..]).collect(),
            credits: body.credits.as_deref(),
        }
    }
}

/// The state after a piece of a block, and what became of its transactions.
#[derive(Clone, Debug)]
pub struct BlockOutcome {
    /// The state after it.
    pub state: State,
    /// One for each transaction.
    pub runs: Vec<TxRun>,
    /// Where the next piece starts.
    pub position: TxPosition,
}

/// Executes pieces of blocks, with the result that executing their parts one after the other has.
pub trait BlockExecutor {
    /// Executes a piece on a state.
    ///
    /// # Errors
    /// When the block itself is impossible; never for the sake of a transaction.
    fn execute(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        body: &BlockBody,
    ) -> Result<BlockOutcome, ExecutionError>;
}

/// Executes one part after the other.
#[derive(Clone, Debug)]
pub struct Sequential {
    schedule: Schedule,
    max_witness_bytes: Option<u32>,
}

impl Sequential {
    /// An executor under these rules; a transaction that uses more than `max_witness_bytes` of state fails.
    #[must_use]
    pub fn new(schedule: Schedule, max_witness_bytes: u32) -> Self {
        Self { schedule, max_witness_bytes: Some(max_witness_bytes) }
    }

    /// An executor for blocks of chains that do not have the provability rule.
    #[must_use]
    pub fn without_limit(schedule: Schedule) -> Self {
        Self { schedule, max_witness_bytes: None }
    }
}

impl BlockExecutor for Sequential {
    fn execute(
        &self,
        state: &State,
        block: &BlockContext,
        position: TxPosition,
        body: &BlockBody,
    ) -> Result<BlockOutcome, ExecutionError> {
        let mut full = Full;
        let world = state.world().clone();
        let limit = self.max_witness_bytes.unwrap_or_default();
        let mut piece = Piece::new(world, &mut full, &self.schedule, block, limit)?;
        if self.max_witness_bytes.is_none() {
            piece = piece.unlimited();
        }
        let (runs, position) = piece.run(position, &body.into())?;
        let (world, _) = piece.finish();
        Ok(BlockOutcome { state: State::new(world), runs, position })
    }
}

impl Piece<'_> {
    /// Runs all parts in order.
    pub(crate) fn run(
        &mut self,
        start: TxPosition,
        body: &Parts<'_>,
    ) -> Result<(Vec<TxRun>, TxPosition), ExecutionError> {
        if let Some(opening) = body.opening {
            self.open(opening.parent_hash, opening.anchor)?;
        }
        let mut position = start;
        let mut runs = Vec::with_capacity(body.transactions.len());
        for raw in &body.transactions {
            let run = self.transact(position, raw)?;
            position.gas_used_before = position.gas_used_before.saturating_add(run.gas_used());
            runs.push(run);
        }
        // No transaction looks at the digest.
        let position = TxRun::after_all(&runs, start);
        if let Some(credits) = body.credits {
            self.credit(credits)?;
        }
        Ok((runs, position))
    }
}
