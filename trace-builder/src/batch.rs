//! The steps of one batch.

use recourse_execution::State;
use recourse_protocol::{BatchIndex, Checkpoint, CheckpointHash, Inputs, Rule, Step, StepError};

use crate::{Derivation, HistoryError, Snapshot};

/// Steps between two stored snapshots: what a witness of any step re-runs at most. A snapshot keeps alive the trie nodes
/// that were changed since the one before, a few kilobytes a transaction.
const SNAPSHOT_INTERVAL: u64 = 512;

/// Steps whose roots are computed together: enough to keep threads and the lanes of the hash function busy.
const ROW: usize = 512;

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
        let mut executor = derivation.executor(start.state.clone()).without_roots();
        let mut recorder = BatchRecorder::new(start);
        let mut row = Row::default();
        while at.batch == batch {
            let steps = recorder.steps().saturating_add(row.steps());
            let failed = |source: StepError<_, _>| HistoryError::Step {
                batch,
                steps,
                source: Box::new(source),
            };
            let plan = derivation.plan(&at).map_err(StepError::widen).map_err(failed)?;
            // A seal puts the root into a header, whoever opens a block begins with it.
            if row.is_full() || !matches!(plan.rule, Rule::Transact(_)) {
                at = row.finish(&mut recorder).unwrap_or(at);
            }
            let Step { post, .. } = plan.take(&at, &mut executor).map_err(failed)?;
            drop(executor.take_runs());
            at = post;
            row.push(at, executor.state());
        }
        row.finish(&mut recorder);
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

    /// The checkpoints of all steps, its start first.
    pub(crate) fn hashes(&self) -> &[CheckpointHash] {
        &self.hashes
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

/// Steps one after the other, of which the state roots may still be unknown.
#[derive(Debug, Default)]
struct Row {
    checkpoints: Vec<Checkpoint>,
    states: Vec<State>,
}

impl Row {
    fn push(&mut self, post: Checkpoint, state: &State) {
        self.checkpoints.push(post);
        self.states.push(state.clone());
    }

    fn steps(&self) -> u64 {
        self.states.len() as u64
    }

    fn is_full(&self) -> bool {
        self.states.len() >= ROW
    }

    /// Computes the roots of all of them, and hands them over. Gives the last checkpoint.
    fn finish(&mut self, recorder: &mut BatchRecorder) -> Option<Checkpoint> {
        let roots = State::roots(&self.states);
        let mut last = None;
        for ((post, state), state_root) in
            self.checkpoints.drain(..).zip(self.states.drain(..)).zip(roots)
        {
            let post = Checkpoint { state_root, ..post };
            recorder.push(&post, &state);
            last = Some(post);
        }
        last
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
