//! The history that a claim is about: one batch or several.

use std::sync::Arc;

use recourse_bisection::{ClaimRange, History};
use recourse_protocol::{BatchIndex, CheckpointHash, Inputs, StepIndex};

use crate::{BatchHistory, Derivation, HistoryError, Snapshot};

/// The true history from a parent's checkpoint to the start of the batch after the claim's last one. Made of the batches'
/// histories, which overlapping claims share.
#[derive(Debug, Clone)]
pub struct ClaimHistory {
    range: ClaimRange,
    /// With the position of its start.
    batches: Vec<(u64, Arc<BatchHistory>)>,
    steps: u64,
}

impl ClaimHistory {
    /// Puts batches together.
    ///
    /// # Errors
    /// [`HistoryError::NotContiguous`] without a batch, or when one does not start where the one before it ends.
    pub fn new<I: core::error::Error>(
        batches: Vec<Arc<BatchHistory>>,
    ) -> Result<Self, HistoryError<I>> {
        let first = batches.first().map(|batch| batch.batch());
        let missing = HistoryError::NotContiguous { expected: BatchIndex(1), got: None };
        let (first, upto) = first.zip(batches.last().map(|b| b.batch())).ok_or(missing)?;
        let mut steps = 0u64;
        let mut placed = Vec::with_capacity(batches.len());
        let mut before: Option<Arc<BatchHistory>> = None;
        for batch in batches {
            if let Some(before) = &before {
                check_follows(before, &batch)?;
            }
            placed.push((steps, Arc::clone(&batch)));
            steps = steps.saturating_add(batch.steps());
            before = Some(batch);
        }
        let after = BatchIndex(first.0.saturating_sub(1));
        Ok(Self { range: ClaimRange { after, upto }, batches: placed, steps })
    }

    /// Its batches.
    #[must_use]
    pub const fn range(&self) -> ClaimRange {
        self.range
    }

    /// Where it starts: the parent's checkpoint.
    #[must_use]
    pub fn start(&self) -> Option<&Snapshot> {
        self.batches.first().map(|(_, batch)| batch.start())
    }

    /// Where it ends: what is claimed.
    #[must_use]
    pub fn end(&self) -> Option<&Snapshot> {
        self.batches.last().map(|(_, batch)| batch.end())
    }

    /// The checkpoint and state at any position, re-run from the nearest stored ones.
    ///
    /// # Errors
    /// [`HistoryError`] past the end, or when an input is no longer to be had.
    pub fn snapshot<I: Inputs>(
        &self,
        derivation: &Derivation<'_, I>,
        at: StepIndex,
    ) -> Result<Snapshot, HistoryError<I::Error>> {
        let past = || HistoryError::PastTheEnd { at, steps: self.steps };
        if at.0 == self.steps {
            return self.end().cloned().ok_or_else(past);
        }
        let (start, batch) = self.batch_at(at).ok_or_else(past)?;
        let wanted = at.0.saturating_sub(start);
        let (from, nearest) = batch.nearest(wanted);
        let mut checkpoint = nearest.checkpoint;
        let mut executor = derivation.executor(nearest.state.clone());
        for steps in from..wanted {
            let taken = derivation.advance(&checkpoint, &mut executor);
            checkpoint = taken.map_err(|source| HistoryError::Step {
                batch: batch.batch(),
                steps,
                source: Box::new(source),
            })?;
        }
        Ok(Snapshot { checkpoint, state: executor.state().clone() })
    }

    /// The batch that a position before the end lies in, with the position of its start.
    fn batch_at(&self, at: StepIndex) -> Option<(u64, &BatchHistory)> {
        if at.0 >= self.steps {
            return None;
        }
        let after = self.batches.partition_point(|(start, _)| *start <= at.0);
        let (start, batch) = self.batches.get(after.checked_sub(1)?)?;
        Some((*start, batch))
    }
}

impl History for ClaimHistory {
    fn steps(&self) -> u64 {
        self.steps
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        if at.0 == self.steps {
            return self.end().map(|end| end.checkpoint.h248());
        }
        let (start, batch) = self.batch_at(at)?;
        batch.hash(at.0.saturating_sub(start))
    }
}

fn check_follows<I: core::error::Error>(
    before: &BatchHistory,
    batch: &BatchHistory,
) -> Result<(), HistoryError<I>> {
    if before.end().checkpoint == batch.start().checkpoint {
        return Ok(());
    }
    let expected = BatchIndex(before.batch().0.saturating_add(1));
    Err(HistoryError::NotContiguous { expected, got: Some(batch.batch()) })
}
