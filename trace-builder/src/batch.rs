//! The steps of one batch.

use recourse_execution::State;
use recourse_protocol::{BatchIndex, Checkpoint, CheckpointHash, Inputs};

use crate::{Derivation, HistoryError, Snapshot};

/// Steps between two stored snapshots: what a witness of any step re-runs at most. A snapshot keeps alive the trie nodes
/// that were changed since the one before, a few kilobytes a transaction.
const SNAPSHOT_INTERVAL: u64 = 512;

/// The checkpoint hashes of all steps of one batch, and snapshots to start from again. Each checkpoint is computed once.
#[derive(Debug, Clone)]
pub struct BatchHistory {
    batch: BatchIndex,
    /// Position `i` is the checkpoint after `i` steps of the batch; the last is the start of the next batch.
    hashes: Vec<CheckpointHash>,
    /// With their positions, ascending; the first is at 0.
    snapshots: Vec<(u64, Snapshot)>,
    end: Snapshot,
}

impl BatchHistory {
    /// Runs a whole batch from its start.
    ///
    /// # Errors
    /// [`HistoryError::Step`] when a step can't be taken, as when L1 does not have the batch.
    pub fn derive<I: Inputs>(
        derivation: &Derivation<'_, I>,
        start: Snapshot,
    ) -> Result<Self, HistoryError<I::Error>> {
        let (batch, mut at) = (start.checkpoint.batch, start.checkpoint);
        let mut executor = derivation.executor(start.state.clone());
        let mut recorder = BatchRecorder::new(start);
        while at.batch == batch {
            at = derivation.advance(&at, &mut executor).map_err(|source| HistoryError::Step {
                batch,
                steps: recorder.steps(),
                source: Box::new(source),
            })?;
            recorder.push(&at, executor.state());
        }
        Ok(recorder.finish())
    }

    /// Which batch.
    #[must_use]
    pub const fn batch(&self) -> BatchIndex {
        self.batch
    }

    /// Steps, its close included.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        (self.hashes.len() as u64).saturating_sub(1)
    }

    /// The start of the next batch.
    #[must_use]
    pub const fn end(&self) -> &Snapshot {
        &self.end
    }

    /// Its own start.
    pub(crate) fn start(&self) -> &Snapshot {
        self.snapshots.first().map_or(&self.end, |(_, snapshot)| snapshot)
    }

    /// The checkpoint after some steps.
    pub(crate) fn hash(&self, steps: u64) -> Option<CheckpointHash> {
        self.hashes.get(usize::try_from(steps).ok()?).copied()
    }

    /// The last stored snapshot not after a position, and its position.
    pub(crate) fn nearest(&self, steps: u64) -> (u64, &Snapshot) {
        let after = self.snapshots.partition_point(|(at, _)| *at <= steps);
        let nearest = after.checked_sub(1).and_then(|index| self.snapshots.get(index));
        nearest.map_or((self.steps(), &self.end), |(at, snapshot)| (*at, snapshot))
    }
}

/// Collects a batch's history beside a driver that takes the steps itself.
#[derive(Debug)]
pub struct BatchRecorder {
    batch: BatchIndex,
    hashes: Vec<CheckpointHash>,
    snapshots: Vec<(u64, Snapshot)>,
    last: Snapshot,
}

impl BatchRecorder {
    /// At the start of a batch.
    #[must_use]
    pub fn new(start: Snapshot) -> Self {
        Self {
            batch: start.checkpoint.batch,
            hashes: vec![start.checkpoint.h248()],
            snapshots: vec![(0, start.clone())],
            last: start,
        }
    }

    /// After a step: the checkpoint, and the state under it.
    pub fn push(&mut self, post: &Checkpoint, state: &State) {
        self.hashes.push(post.h248());
        self.last = Snapshot { checkpoint: *post, state: state.clone() };
        if self.steps().is_multiple_of(SNAPSHOT_INTERVAL) {
            self.snapshots.push((self.steps(), self.last.clone()));
        }
    }

    /// Steps pushed.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        (self.hashes.len() as u64).saturating_sub(1)
    }

    /// The history, once the last step led to the next batch.
    #[must_use]
    pub fn finish(self) -> BatchHistory {
        let Self { batch, hashes, snapshots, last } = self;
        BatchHistory { batch, hashes, snapshots, end: last }
    }
}
