//! What remains of a history when only its hashes are kept.

use std::sync::Arc;

use recourse_bisection::{ClaimRange, History};
use recourse_protocol::{BatchIndex, Checkpoint, CheckpointHash, StepIndex};

use crate::{BatchHistory, ClaimHistory};

/// What claiming and revealing need of a history.
pub trait Claimable: History {
    /// Its batches.
    fn range(&self) -> ClaimRange;

    /// Where it ends: what is claimed.
    fn last(&self) -> Option<Checkpoint>;
}

impl Claimable for ClaimHistory {
    fn range(&self) -> ClaimRange {
        Self::range(self)
    }

    fn last(&self) -> Option<Checkpoint> {
        self.end().map(|end| end.checkpoint)
    }
}

/// The checkpoint hashes of one batch's steps, without any state: 32 bytes a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchHashes {
    batch: BatchIndex,
    /// Position `i` is the checkpoint after `i` steps of the batch; never empty.
    hashes: Vec<CheckpointHash>,
    last: Checkpoint,
}

impl From<&BatchHistory> for BatchHashes {
    fn from(history: &BatchHistory) -> Self {
        let (batch, last) = (history.batch(), history.end().checkpoint);
        Self { batch, hashes: history.hashes().to_vec(), last }
    }
}

impl BatchHashes {
    /// Steps, its close included.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        (self.hashes.len() as u64).saturating_sub(1)
    }
}

/// The history of a claim by its hashes: enough to claim, and to answer challenges, but not to prove a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimHashes {
    range: ClaimRange,
    /// With the position of its start; never empty.
    batches: Vec<(u64, Arc<BatchHashes>)>,
    steps: u64,
    last: Checkpoint,
}

impl ClaimHashes {
    /// Puts batches together. None without a batch, or when one does not start where the one before it ends.
    #[must_use]
    pub fn new(batches: Vec<Arc<BatchHashes>>) -> Option<Self> {
        let (first, end) = (batches.first()?.batch, batches.last()?);
        let range = ClaimRange { after: BatchIndex(first.0.saturating_sub(1)), upto: end.batch };
        let last = end.last;
        let follows = |one: &BatchHashes, next: &BatchHashes| {
            one.last.batch == next.batch && one.hashes.last() == next.hashes.first()
        };
        if batches.windows(2).any(|pair| match pair {
            [one, next] => !follows(one, next),
            _ => false,
        }) {
            return None;
        }
        let mut steps = 0u64;
        let place = |batch: Arc<BatchHashes>| {
            let start = steps;
            steps = steps.saturating_add(batch.steps());
            (start, batch)
        };
        let batches = batches.into_iter().map(place).collect();
        Some(Self { range, batches, steps, last })
    }
}

impl History for ClaimHashes {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        let after = self.batches.partition_point(|(start, _)| *start <= at.0);
        let (start, batch) = self.batches.get(after.checked_sub(1)?)?;
        let place = usize::try_from(at.0.saturating_sub(*start)).ok()?;
        batch.hashes.get(place).copied()
    }
}

impl Claimable for ClaimHashes {
    fn range(&self) -> ClaimRange {
        self.range
    }

    fn last(&self) -> Option<Checkpoint> {
        Some(self.last)
    }
}
