//! A reference model of the Rollup contract: the same moves, accepted and rejected for the same reasons, with blobs as
//! lists of hashes and proofs as questions to a [`World`]. Games and laws are played on it in milliseconds; the
//! contract is held against it, move by move, by `trace-builder/tests/state_machine`.

mod bills;
mod claims;
mod dissect;
mod error;
mod fraud;
mod money;
mod moves;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_protocol::{
    Attempt, AttemptStatus, BatchIndex, CheckpointHash, Content, ContentHash, Game, Limits,
    Periods, SegmentId, SegmentState, genesis_content,
};

use crate::is_recorded_void;

pub use bills::MAX_BILL;
pub use error::Revert;
pub use money::Ledger;
pub use moves::{Carried, Chunk, Move, Outcome, Proof};

/// What the contract learns from the Inbox, the StepVerifier and preimages.
pub trait World {
    /// The hash of a batch; none before it is appended.
    fn batch_hash(&self, batch: BatchIndex) -> Option<B256>;
    /// `step`, proven; none if the sender has no proof: an unknown preimage, or a batch that does not exist.
    fn step(&self, pre: CheckpointHash) -> Option<CheckpointHash>;
    /// The batch in which a checkpoint's cursor stands; none if its preimage is unknown.
    fn batch_of(&self, checkpoint: CheckpointHash) -> Option<BatchIndex>;
    /// Whether a checkpoint is closed and at the start of the batch after `batch`.
    fn ends_batch(&self, checkpoint: CheckpointHash, batch: BatchIndex) -> bool;
}

/// The contract's state.
#[derive(Debug, Clone)]
pub struct Model<W> {
    world: W,
    game: Game,
    nonces: BTreeMap<Address, U256>,
    blobs: BTreeMap<B256, Arc<[CheckpointHash]>>,
    ledger: Ledger,
    bills: BTreeMap<CheckpointHash, Vec<Chunk>>,
}

impl<W: World> Model<W> {
    /// A contract as its constructor leaves it at time `now`.
    #[must_use]
    pub fn new(
        world: W,
        genesis: CheckpointHash,
        periods: Periods,
        limits: Limits,
        now: u64,
    ) -> Self {
        let tip = genesis_content(genesis);
        let content = Content {
            parent: ContentHash::default(),
            batch: BatchIndex(0),
            batch_hash: B256::ZERO,
            checkpoint: genesis,
            steps: 0,
            confirmed: true,
            contradicted: false,
            voided: false,
        };
        let game = Game {
            now,
            periods,
            limits,
            tip,
            contents: BTreeMap::from([(tip, content)]),
            attempts: BTreeMap::new(),
            truths: BTreeMap::new(),
        };
        Self {
            world,
            game,
            nonces: BTreeMap::new(),
            blobs: BTreeMap::new(),
            ledger: Ledger::default(),
            bills: BTreeMap::new(),
        }
    }

    /// What a node would read.
    pub const fn game(&self) -> &Game {
        &self.game
    }

    /// Where the money is.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is still to be paid by a death by the step from `pre`, in any order.
    #[must_use]
    pub fn bill(&self, pre: CheckpointHash) -> &[Chunk] {
        self.bills.get(&pre).map_or(&[], Vec::as_slice)
    }

    /// What L1 is made of.
    pub const fn world(&self) -> &W {
        &self.world
    }

    /// The same, to append batches.
    pub const fn world_mut(&mut self) -> &mut W {
        &mut self.world
    }

    /// The elements of a blob that was posted.
    #[must_use]
    pub fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        self.blobs.get(&versioned_hash).cloned()
    }

    /// Lets L1 time go on; never back.
    pub const fn advance(&mut self, seconds: u64) {
        self.game.now = self.game.now.saturating_add(seconds);
    }

    fn attempt(&self, id: recourse_protocol::AttemptId) -> Result<&Attempt, Revert> {
        self.game.attempts.get(&id).ok_or(Revert::UnknownAttempt)
    }

    fn attempt_mut(&mut self, id: recourse_protocol::AttemptId) -> Result<&mut Attempt, Revert> {
        self.game.attempts.get_mut(&id).ok_or(Revert::UnknownAttempt)
    }

    fn content(&self, id: ContentHash) -> Result<&Content, Revert> {
        self.game.contents.get(&id).ok_or(Revert::UnknownContent)
    }

    fn segment(
        &self,
        attempt: recourse_protocol::AttemptId,
        segment: SegmentId,
    ) -> Result<&SegmentState, Revert> {
        self.attempt(attempt)?.segments.get(&segment).ok_or(Revert::UnknownSegment)
    }

    /// An attempt that can still be challenged, revealed, killed or confirmed.
    fn open_attempt(&self, id: recourse_protocol::AttemptId) -> Result<&Attempt, Revert> {
        let attempt = self.attempt(id)?;
        let content = self.content(attempt.content)?;
        if attempt.status != AttemptStatus::Live || content.confirmed {
            return Err(Revert::NotLive);
        }
        if content.contradicted || self.is_void(attempt.content) {
            return Err(Revert::Hopeless);
        }
        Ok(attempt)
    }

    fn is_void(&self, id: ContentHash) -> bool {
        is_recorded_void(&self.game, id)
    }

    fn tip_batch(&self) -> BatchIndex {
        self.game.contents.get(&self.game.tip).map(|tip| tip.batch).unwrap_or_default()
    }

    /// Stands for the commitment of a blob.
    fn post_blob(&mut self, elements: &[CheckpointHash]) -> B256 {
        let bytes: Vec<u8> = elements.iter().flat_map(|element| element.0.0).collect();
        let mut hash = keccak256(bytes);
        if let Some(version) = hash.0.first_mut() {
            *version = 1;
        }
        self.blobs.insert(hash, elements.into());
        hash
    }
}
