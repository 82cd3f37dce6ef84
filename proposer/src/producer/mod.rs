//! The L2 head: what L1 gave, and the virtual batches ahead of it. Synchronous; time is an argument.

mod follow;
mod horizon;
mod make;
mod recover;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use recourse_execution::StateError;
use recourse_node::states::StatesError;
use recourse_protocol::{BatchIndex, CheckpointHash, L2Config};

use crate::{
    chain::L2Chain,
    journal::{BatchHead, Journal, JournalError},
    sequence::{CutBatch, L1Clock, SequenceError, Sequencer},
};

pub use follow::Followed;
pub use horizon::{Counts, Horizon};

/// How to make blocks and batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerSettings {
    /// Constants of the L2.
    pub l2: L2Config,
    /// Coinbase of our blocks.
    pub fee_recipient: Address,
    /// Blobs of a batch, at most; 1 to 6.
    pub max_blobs: usize,
    /// The Inbox's FORCE_DELAY, in seconds.
    pub force_delay: u64,
    /// How long the head may be without a new block when there is nothing to do; none: for ever.
    pub max_idle: Option<Duration>,
    /// How long a batch grows.
    pub batch_interval: Duration,
    /// How long L1 must have been silent before L2 time goes past its head.
    pub l1_patience: Duration,
    /// Batches that may wait for L1; no block is made while there are more.
    pub backlog: usize,
}

/// Why the head can't move on.
#[derive(Debug, thiserror::Error)]
pub enum ProducerError {
    /// A block could not be made; what was ahead of L1 was given up and its transactions wait again.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The journal failed: stop.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state could not be read: stop.
    #[error("the L2 state could not be read")]
    State(#[from] StateError),
    /// The derived chain has gaps: stop.
    #[error("the derivation of batch {0} is not at hand")]
    NotDerived(BatchIndex),
    /// What was derived could not be read: stop.
    #[error("the derived chain could not be read")]
    Unreadable(#[source] StatesError),
    /// The derivation is further than what was looked at: the next look shows what L1 has instead.
    #[error("batch {0} can't be had any more: L1 took it back meanwhile")]
    Outdated(BatchIndex),
}

impl From<StatesError> for ProducerError {
    fn from(error: StatesError) -> Self {
        match error {
            StatesError::Gone(batch) => Self::Outdated(batch),
            error => Self::Unreadable(error),
        }
    }
}

impl ProducerError {
    /// Whether going on is of no use.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Sequence(_) | Self::Outdated(_))
    }
}

/// A batch on its way to L1.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// The batch.
    pub cut: CutBatch,
    /// Records that the journal has of it.
    records: u32,
}

/// A derived batch that the head builds on.
#[derive(Debug, Clone, Copy)]
struct Adopted {
    hash: B256,
    end: CheckpointHash,
    last_block: u64,
}

/// Owns the L2 head.
#[derive(Debug)]
pub struct Producer {
    settings: ProducerSettings,
    chain: Arc<L2Chain>,
    journal: Arc<Journal>,
    sequencer: Sequencer,
    /// Cut batches that are not derived from L1 yet, oldest first.
    ahead: VecDeque<Ahead>,
    /// Batches from 1 on.
    adopted: Vec<Adopted>,
    /// Whether the sequencer stands where the adopted batches, and those ahead of them, end. Nothing is made until it does.
    stands: bool,
    /// Records that the journal has of the batch that grows.
    records: u32,
    clock: L1Clock,
    last_block: Instant,
    began: Instant,
}

impl Producer {
    /// Starts at the genesis; [`Producer::follow`] and [`Producer::recover`] lead on.
    ///
    /// # Errors
    /// [`ProducerError`] without a genesis.
    pub fn new<H: Horizon>(
        settings: ProducerSettings,
        chain: Arc<L2Chain>,
        journal: Arc<Journal>,
        horizon: &H,
        now: Instant,
    ) -> Result<Self, ProducerError> {
        let genesis = BatchIndex(0);
        let start = horizon.end(genesis)?;
        Ok(Self {
            settings,
            chain,
            journal,
            sequencer: Sequencer::new(settings.l2, start),
            ahead: VecDeque::new(),
            adopted: Vec::new(),
            stands: true,
            records: 0,
            clock: L1Clock::new(horizon.timestamp(), now, settings.l1_patience),
            last_block: now,
            began: now,
        })
    }

    /// The oldest batch on its way to L1, if L1 does not have it and L1's next block is sure to be late enough for it.
    #[must_use]
    pub fn to_post<H: Horizon>(&self, horizon: &H, now: Instant) -> Option<&Ahead> {
        // The appending block comes after the head.
        let earliest = self.clock.latest(now).saturating_add(1);
        let due = |ahead: &&Ahead| {
            ahead.cut.end.at.timestamp <= earliest && !Self::is_taken(horizon, ahead.cut.index)
        };
        self.ahead.front().filter(due).filter(|_| self.stands)
    }

    /// Whether L1 has a batch of this number, derived or not.
    fn is_taken<H: Horizon>(horizon: &H, index: BatchIndex) -> bool {
        index.0 <= horizon.counts().batches
    }

    /// The oldest batch on its way to L1.
    #[must_use]
    pub fn first_ahead(&self) -> Option<BatchIndex> {
        self.ahead.front().map(|ahead| ahead.cut.index)
    }

    /// Whether L1 has forced transactions or deposits that no view shows, and nothing is on its way that would
    /// record one.
    #[must_use]
    pub fn wants_view<H: Horizon>(&self, horizon: &H) -> bool {
        let Counts { views, forced, deposits, .. } = horizon.counts();
        let growing = self.sequencer.batch().is_some_and(|batch| !batch.is_empty());
        if growing || !self.ahead.is_empty() {
            return false;
        }
        let newest = views.checked_sub(1).map(|view| horizon.inputs_view(view));
        newest.flatten().is_some_and(|v| v.forced_end < forced || v.deposits_end < deposits)
    }

    /// The newest batch that was derived and adopted.
    #[must_use]
    pub fn adopted(&self) -> BatchIndex {
        BatchIndex(u64::try_from(self.adopted.len()).unwrap_or(u64::MAX))
    }

    /// The checkpoint reached.
    #[must_use]
    pub const fn at(&self) -> &recourse_protocol::Checkpoint {
        self.sequencer.at()
    }

    fn adopted_block(&self) -> u64 {
        self.last_block_of(self.adopted())
    }

    /// Number of the newest block up to the end of an adopted batch.
    fn last_block_of(&self, batch: BatchIndex) -> u64 {
        let at = batch.0.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.adopted.get(at)).map_or(0, |batch| batch.last_block)
    }

    fn head_of_batch(&self) -> Option<BatchHead> {
        let batch = self.sequencer.batch()?;
        Some(BatchHead { terms: *batch.terms(), start: self.sequencer.start(), cut: false })
    }
}
