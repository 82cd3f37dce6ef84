//! What L1 shows.

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_protocol::{BatchIndex, Checkpoint, Inputs, View, ViewIndex};

use super::ProducerError;
use crate::sequence::{L2Block, Position};

/// What L1 shows at one of its heads: the inputs, and what derivation made of the batches so far.
pub trait Horizon {
    /// Why an input could not be had.
    type InputError: core::error::Error + Send + Sync + 'static;
    /// The inputs.
    type Inputs: Inputs<Error = Self::InputError>;

    /// The inputs.
    fn inputs(&self) -> &Self::Inputs;
    /// How many there are.
    fn counts(&self) -> Counts;
    /// Timestamp of the head, in seconds.
    fn timestamp(&self) -> u64;
    /// The newest derived batch; 0 before the first.
    fn derived(&self) -> BatchIndex;
    /// The newest batch in a finalized L1 block.
    fn finalized(&self) -> BatchIndex;
    /// The hash of a derived batch.
    fn hash(&self, batch: BatchIndex) -> Option<B256>;
    /// Where a derived batch ends; the genesis for 0.
    ///
    /// # Errors
    /// [`ProducerError::Outdated`] when it can't be had because L1 took the batch back meanwhile.
    fn end(&self, batch: BatchIndex) -> Result<Position, ProducerError>;
    /// The checkpoint that a derived batch ends at; the genesis for 0.
    fn checkpoint(&self, batch: BatchIndex) -> Option<Checkpoint>;
    /// The last block of the newest confirmed claim, and the state after it, if it is at hand.
    fn confirmed(&self) -> Option<(u64, State)> {
        None
    }
    /// The blocks of a derived batch; the newest of the newest batch has its state.
    ///
    /// # Errors
    /// As [`Self::end`].
    fn blocks(&self, batch: BatchIndex) -> Result<Vec<L2Block>, ProducerError>;

    /// The newest block up to the end of a batch, with the state after it; none if that is the genesis.
    ///
    /// # Errors
    /// As [`Self::end`].
    fn last_block(&self, _batch: BatchIndex) -> Result<Option<L2Block>, ProducerError> {
        Ok(None)
    }

    /// A view, if L1 has it.
    fn inputs_view(&self, view: u32) -> Option<View> {
        self.inputs().view(ViewIndex(view)).ok()
    }
}

/// How many inputs L1 has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Batches appended; not all of them need be derived.
    pub batches: u64,
    /// Views recorded.
    pub views: u32,
    /// Forced transactions queued.
    pub forced: u64,
    /// Deposits queued.
    pub deposits: u64,
}
