//! Fetches what the planner wished for: histories and revealed blobs.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_node::{
    NodeState,
    blobs::{BlobPlace, BlobSource},
};
use recourse_protocol::{CheckpointHash, Game};
use recourse_trace_builder::kzg::read_elements;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    ErrandError,
    batches::Batches,
    knowledge::{HistoryKey, Library},
};

/// Runs errands; hashes take CPU, so that only some are made at once.
#[derive(Debug)]
pub(crate) struct Errands {
    pub(crate) blobs: BlobSource,
    pub(crate) library: Arc<Library>,
    pub(crate) batches: Arc<Batches>,
    pub(crate) cpu: Arc<Semaphore>,
}

/// A wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
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

    /// Sees to one wish, and puts what it brings on the shelf. A failed one may be wished again. For hashes there
    /// is a permit, given back when they are made.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub(crate) async fn run(
        self: Arc<Self>,
        errand: Errand,
        state: Arc<NodeState>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(), ErrandError> {
        match errand {
            Errand::Hashes(key) => {
                let batches = Arc::clone(&self.batches);
                let made = spawn_blocking(move || batches.hashes(&key, &state)).await;
                drop(permit);
                let (thing, result) = split(made.map_err(ErrandError::from).flatten());
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
}

/// All wishes that nobody sees to yet.
pub(crate) fn wishes(library: &Library) -> Vec<Errand> {
    let hashes = library.hashes.lock().take_wishes().into_iter().map(Errand::Hashes);
    let elements = library.elements.lock().take_wishes().into_iter().map(Errand::Elements);
    hashes.chain(elements).collect()
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
