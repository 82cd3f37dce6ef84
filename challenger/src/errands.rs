//! Fetches what the planner wished for: histories and revealed blobs.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::History;
use recourse_execution::Schedule;
use recourse_node::{
    NodeState,
    blobs::{BlobPlace, BlobSource},
    derivation::DerivedBatch,
};
use recourse_protocol::{BatchIndex, CheckpointHash, Game, L2Config, StepIndex};
use recourse_trace_builder::{
    BatchHashes, BatchHistory, ClaimHashes, ClaimHistory, Derivation, HistoryError, Snapshot,
    kzg::read_elements,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{
    ErrandError,
    knowledge::{HistoryKey, Library},
};

/// A batch's history is named as a claim's is.
type BatchKey = (BatchIndex, B256, CheckpointHash);

/// Runs errands; histories take CPU, so that only some are made at once.
#[derive(Debug)]
pub(crate) struct Errands {
    pub(crate) config: L2Config,
    pub(crate) schedule: Schedule,
    pub(crate) blobs: BlobSource,
    pub(crate) library: Arc<Library>,
    pub(crate) cpu: Arc<Semaphore>,
    /// Claims overlap: each batch's history is made once as long as one of them is on the shelf.
    pub(crate) batches: Made<BatchHistory>,
    pub(crate) hashes: Made<BatchHashes>,
}

/// What was made of batches and is still in use somewhere.
#[derive(Debug)]
pub(crate) struct Made<T>(Mutex<HashMap<BatchKey, Weak<T>>>);

impl<T> Default for Made<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Made<T> {
    fn get(&self, key: &BatchKey) -> Option<Arc<T>> {
        self.0.lock().get(key).and_then(Weak::upgrade)
    }

    fn put(&self, key: BatchKey, made: &Arc<T>) {
        let mut all = self.0.lock();
        all.retain(|_, made| made.strong_count() > 0);
        all.insert(key, Arc::downgrade(made));
    }
}

/// A wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    /// A claim's history.
    History(HistoryKey),
    /// The hashes of a claim's history.
    Hashes(HistoryKey),
    /// A revealed blob.
    Elements(B256),
}

impl Errands {
    /// All wishes that nobody sees to yet.
    pub(crate) fn wishes(&self) -> Vec<Errand> {
        wishes(&self.library)
    }

    /// Sees to one wish, and puts what it brings on the shelf. A failed one may be wished again.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub(crate) async fn run(
        self: Arc<Self>,
        errand: Errand,
        state: Arc<NodeState>,
    ) -> Result<(), ErrandError> {
        match errand {
            Errand::History(key) => {
                let made = Arc::clone(&self).on_a_thread(move |me| me.derive(&key, &state)).await;
                let (thing, result) = split(made);
                self.library.histories.lock().put(&key, thing);
                result
            }
            Errand::Hashes(key) => {
                let made =
                    Arc::clone(&self).on_a_thread(move |me| me.derive_hashes(&key, &state)).await;
                let (thing, result) = split(made);
                self.library.hashes.lock().put(&key, thing);
                result
            }
            Errand::Elements(hash) => {
                let (thing, result) = split(self.elements(hash, &state.l1.game).await);
                self.library.elements.lock().put(&hash, thing);
                result
            }
        }
    }

    async fn elements(
        &self,
        hash: B256,
        game: &Game,
    ) -> Result<Arc<[CheckpointHash]>, ErrandError> {
        let place = place_of(game, hash).ok_or(ErrandError::NotRevealed(hash))?;
        let blob = self.blobs.get(hash, place).await?;
        Ok(read_elements(&blob))
    }

    async fn on_a_thread<T: Send + 'static>(
        self: Arc<Self>,
        make: impl FnOnce(&Self) -> Result<T, ErrandError> + Send + 'static,
    ) -> Result<T, ErrandError> {
        let _permit = Arc::clone(&self.cpu).acquire_owned().await?;
        spawn_blocking(move || make(&self)).await?
    }

    fn derive(
        &self,
        key: &HistoryKey,
        state: &NodeState,
    ) -> Result<Arc<ClaimHistory>, ErrandError> {
        let first = key.range.after.0.saturating_add(1);
        let mut batches: Vec<Arc<BatchHistory>> = Vec::new();
        for index in first..=key.range.upto.0 {
            let before = batches.last().map(|before| before.end().clone());
            batches.push(self.batch(BatchIndex(index), state, before)?);
        }
        let history = ClaimHistory::new(batches).map_err(Box::new)?;
        ends_at(key, history.end().map(|end| end.checkpoint.h248()))?;
        Ok(Arc::new(history))
    }

    /// No more states are in memory than those of one batch.
    fn derive_hashes(
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
            let history = self.batch(index, state, end.take())?;
            let made = Arc::new(BatchHashes::from(&*history));
            end = Some(history.end().clone());
            self.hashes.put(name, &made);
            batches.push(made);
        }
        let not_one = HistoryError::NotContiguous { expected: BatchIndex(first), got: None };
        let hashes = ClaimHashes::new(batches).ok_or(not_one).map_err(Box::new)?;
        ends_at(key, hashes.hash(StepIndex(hashes.steps())))?;
        Ok(Arc::new(hashes))
    }

    /// The history of a batch, which starts where the one before it ended, if that is at hand.
    fn batch(
        &self,
        index: BatchIndex,
        state: &NodeState,
        before: Option<Snapshot>,
    ) -> Result<Arc<BatchHistory>, ErrandError> {
        let (batch, key) = derived(index, state)?;
        if let Some(made) = self.batches.get(&key) {
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
        let made = Arc::new(BatchHistory::derive(&derivation, start).map_err(Box::new)?);
        self.batches.put(key, &made);
        Ok(made)
    }
}

/// All wishes that nobody sees to yet.
pub(crate) fn wishes(library: &Library) -> Vec<Errand> {
    let histories = library.histories.lock().take_wishes().into_iter().map(Errand::History);
    let hashes = library.hashes.lock().take_wishes().into_iter().map(Errand::Hashes);
    let elements = library.elements.lock().take_wishes().into_iter().map(Errand::Elements);
    histories.chain(hashes).chain(elements).collect()
}

/// A batch as the node derived it, and its name.
fn derived(index: BatchIndex, state: &NodeState) -> Result<(&DerivedBatch, BatchKey), ErrandError> {
    let batch = state.chain.batch(index).ok_or(ErrandError::NotDerived(index))?;
    Ok((batch, (index, batch.hash, batch.post.h248())))
}

fn ends_at(key: &HistoryKey, got: Option<CheckpointHash>) -> Result<(), ErrandError> {
    let expected = key.end;
    if got == Some(expected) { Ok(()) } else { Err(ErrandError::Diverges { expected, got }) }
}

fn split<T>(result: Result<T, ErrandError>) -> (Option<T>, Result<(), ErrandError>) {
    match result {
        Ok(thing) => (Some(thing), Ok(())),
        Err(error) => (None, Err(error)),
    }
}

/// Where a revealed blob was published.
fn place_of(game: &Game, versioned_hash: B256) -> Option<BlobPlace> {
    let segments = game.attempts.values().flat_map(|attempt| attempt.segments.values());
    let mut reveals = segments.filter_map(|segment| segment.reveal.as_ref());
    reveals.find(|reveal| reveal.versioned_hash == versioned_hash).map(BlobPlace::from)
}
