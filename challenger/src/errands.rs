//! Fetches what the planner wished for: histories and revealed blobs.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_execution::Schedule;
use recourse_node::{
    NodeState,
    blobs::{BlobPlace, BlobSource},
};
use recourse_protocol::{BatchIndex, CheckpointHash, Game, L2Config};
use recourse_trace_builder::{
    BatchHistory, ClaimHistory, Derivation, Snapshot, kzg::read_elements,
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
    pub(crate) batches: Mutex<HashMap<BatchKey, Weak<BatchHistory>>>,
}

/// A wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    /// A claim's history.
    History(HistoryKey),
    /// A revealed blob.
    Elements(B256),
}

impl Errands {
    /// All wishes that nobody sees to yet.
    pub(crate) fn wishes(&self) -> Vec<Errand> {
        let histories = self.library.histories.lock().take_wishes();
        let elements = self.library.elements.lock().take_wishes();
        let histories = histories.into_iter().map(Errand::History);
        histories.chain(elements.into_iter().map(Errand::Elements)).collect()
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
                let made = Arc::clone(&self).history(key, state).await;
                let (thing, result) = split(made);
                self.library.histories.lock().put(&key, thing);
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

    async fn history(
        self: Arc<Self>,
        key: HistoryKey,
        state: Arc<NodeState>,
    ) -> Result<Arc<ClaimHistory>, ErrandError> {
        let _permit = Arc::clone(&self.cpu).acquire_owned().await?;
        spawn_blocking(move || self.derive(&key, &state)).await?
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
        let got = history.end().map(|end| end.checkpoint.h248());
        if got != Some(key.end) {
            return Err(ErrandError::Diverges { expected: key.end, got });
        }
        Ok(Arc::new(history))
    }

    /// The history of a batch, which starts where the one before it ended, if that is at hand.
    fn batch(
        &self,
        index: BatchIndex,
        state: &NodeState,
        before: Option<Snapshot>,
    ) -> Result<Arc<BatchHistory>, ErrandError> {
        let batch = state.chain.batch(index).ok_or(ErrandError::NotDerived(index))?;
        let key = (index, batch.hash, batch.post.h248());
        if let Some(made) = self.batches.lock().get(&key).and_then(Weak::upgrade) {
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
        let mut batches = self.batches.lock();
        batches.retain(|_, history| history.strong_count() > 0);
        batches.insert(key, Arc::downgrade(&made));
        Ok(made)
    }
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
