//! Batches that are run again, for the hashes of their steps or for the states from which one is proven.
//!
//! How many batches a claim covers is the choice of whoever claims, so that the states of one batch at a time are in memory;
//! of all that went before stay 32 bytes a step.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::{ClaimRange, History};
use recourse_execution::Schedule;
use recourse_node::{NodeState, derivation::DerivedBatch};
use recourse_protocol::{BatchIndex, CheckpointHash, L2Config, StepIndex};
use recourse_trace_builder::{
    BatchHashes, BatchHistory, ClaimHashes, ClaimHistory, Derivation, HistoryError, Snapshot,
};

use crate::{ErrandError, knowledge::HistoryKey};

/// A batch's history is named as a claim's is.
type BatchKey = (BatchIndex, B256, CheckpointHash);

/// Runs batches.
#[derive(Debug)]
pub(crate) struct Batches {
    config: L2Config,
    schedule: Schedule,
    /// Whoever proves several steps of a batch one after the other runs it once.
    last: Mutex<Option<Arc<BatchHistory>>>,
    histories: Made<BatchHistory>,
    /// Claims overlap: a batch's hashes are made and kept once as long as one of them is on the shelf.
    hashes: Made<BatchHashes>,
}

/// What was made of batches and is still in use somewhere.
#[derive(Debug)]
struct Made<T>(Mutex<HashMap<BatchKey, Weak<T>>>);

impl<T> Default for Made<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Made<T> {
    fn get(&self, key: &BatchKey) -> Option<Arc<T>> {
        self.0.lock().get(key).and_then(Weak::upgrade)
    }

    /// Who made the same meanwhile was first: it is kept once.
    fn put(&self, key: BatchKey, made: T) -> Arc<T> {
        let mut all = self.0.lock();
        if let Some(first) = all.get(&key).and_then(Weak::upgrade) {
            return first;
        }
        let made = Arc::new(made);
        all.retain(|_, made| made.strong_count() > 0);
        all.insert(key, Arc::downgrade(&made));
        made
    }
}

impl Batches {
    pub(crate) fn new(config: L2Config, schedule: Schedule) -> Self {
        Self {
            config,
            schedule,
            last: Mutex::default(),
            histories: Made::default(),
            hashes: Made::default(),
        }
    }

    /// The hashes of a claim's history. Takes as long as all its batches that nobody has.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub(crate) fn hashes(
        &self,
        key: &HistoryKey,
        state: &NodeState,
    ) -> Result<Arc<ClaimHashes>, ErrandError> {
        let first = key.range.after.0.saturating_add(1);
        let mut batches: Vec<Arc<BatchHashes>> = Vec::new();
        let mut end: Option<Snapshot> = None;
        for index in (first..=key.range.upto.0).map(BatchIndex) {
            let (_, name) = derived(index, state)?;
            if let Some(made) = self.hashes.get(&name) {
                end = None;
                batches.push(made);
                continue;
            }
            let history = self.history(index, state, end.take())?;
            end = Some(history.end().clone());
            batches.push(self.hashes.put(name, BatchHashes::from(&*history)));
        }
        let not_one = HistoryError::NotContiguous { expected: BatchIndex(first), got: None };
        let hashes = ClaimHashes::new(batches).ok_or(not_one).map_err(Box::new)?;
        ends_at(key.end, hashes.hash(StepIndex(hashes.steps())))?;
        Ok(Arc::new(hashes))
    }

    /// The history of the one batch of a claim in which a step lies, and where it starts.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub(crate) fn around(
        &self,
        range: ClaimRange,
        at: StepIndex,
        state: &NodeState,
    ) -> Result<(StepIndex, ClaimHistory), ErrandError> {
        let steps = |index| state.chain.batch(index).map(|batch| batch.steps);
        let found = range.batch_of(at, steps);
        let (index, start) = found.ok_or(ErrandError::NoStep { range, at })?;
        let batch = self.history(index, state, None)?;
        *self.last.lock() = Some(Arc::clone(&batch));
        Ok((start, ClaimHistory::new(vec![batch]).map_err(Box::new)?))
    }

    /// Lets go of what is kept for proofs to come.
    pub(crate) fn no_proofs(&self) {
        self.last.lock().take();
    }

    /// The history of a batch, which starts where the one before it ended, if that is at hand.
    fn history(
        &self,
        index: BatchIndex,
        state: &NodeState,
        before: Option<Snapshot>,
    ) -> Result<Arc<BatchHistory>, ErrandError> {
        let (batch, key) = derived(index, state)?;
        if let Some(made) = self.histories.get(&key) {
            return Ok(made);
        }
        let derivation =
            Derivation { inputs: &state.l1.inbox, config: &self.config, schedule: &self.schedule };
        let start = match before.filter(|end| end.checkpoint == batch.pre) {
            Some(end) => end,
            None => {
                let before = BatchIndex(index.0.saturating_sub(1));
                Snapshot { checkpoint: batch.pre, state: state.chain.recall(before)? }
            }
        };
        let made = BatchHistory::derive(&derivation, start).map_err(Box::new)?;
        ends_at(batch.post.h248(), Some(made.end().checkpoint.h248()))?;
        Ok(self.histories.put(key, made))
    }
}

/// A batch as the node derived it, and its name.
fn derived(index: BatchIndex, state: &NodeState) -> Result<(&DerivedBatch, BatchKey), ErrandError> {
    let batch = state.chain.batch(index).ok_or(ErrandError::NotDerived(index))?;
    Ok((batch, (index, batch.hash, batch.post.h248())))
}

fn ends_at(expected: CheckpointHash, got: Option<CheckpointHash>) -> Result<(), ErrandError> {
    if got == Some(expected) { Ok(()) } else { Err(ErrandError::Diverges { expected, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_made_at_once_is_kept_once() {
        let made = Made::default();
        let key = (BatchIndex(1), B256::ZERO, CheckpointHash(B256::ZERO));
        let first = made.put(key, 7);
        assert!(Arc::ptr_eq(&first, &made.put(key, 7)));
        assert!(made.get(&key).is_some_and(|got| Arc::ptr_eq(&got, &first)));
        drop(first);
        assert!(made.get(&key).is_none(), "nobody uses it any more");
        assert_eq!(*made.put(key, 8), 8);
    }
}
