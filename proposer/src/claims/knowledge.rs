//! What the planner asks, answered from the own derivation.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::{Boundary, ClaimRange, Knowledge};
use recourse_execution::Schedule;
use recourse_node::{NodeState, blobs::BlobSource};
use recourse_protocol::{BatchIndex, CheckpointHash, L2Config};
use recourse_trace_builder::{
    BatchHistory, ClaimHistory, Derivation, Snapshot, kzg::read_elements,
};

use super::respond::{MoveError, Responder};

/// Batches whose steps are kept in memory.
const KEPT: usize = 64;

/// Histories of batches, run once each. By the checkpoint that a batch ends at and its hash: an L1 reorganisation
/// can't change what these mean.
#[derive(Debug)]
pub(super) struct Histories {
    l2: L2Config,
    kept: Mutex<HashMap<(B256, CheckpointHash), Arc<BatchHistory>>>,
}

impl Histories {
    pub(super) fn new(l2: L2Config) -> Self {
        Self { l2, kept: Mutex::default() }
    }

    /// The history of a range. Runs the batches that are not kept: takes long.
    pub(super) fn of(
        &self,
        state: &NodeState,
        range: ClaimRange,
    ) -> Result<ClaimHistory, MoveError> {
        let mut batches: Vec<Arc<BatchHistory>> = Vec::new();
        for index in range.after.0.saturating_add(1)..=range.upto.0 {
            let before = batches.last().map(|before| before.end().clone());
            batches.push(self.batch(state, BatchIndex(index), before)?);
        }
        ClaimHistory::new::<recourse_node::inbox::InputError>(batches)
            .map_err(|source| MoveError::Build(Box::new(source)))
    }

    /// The history of a batch, which starts where the one before it ended, if that is at hand.
    fn batch(
        &self,
        state: &NodeState,
        index: BatchIndex,
        before: Option<Snapshot>,
    ) -> Result<Arc<BatchHistory>, MoveError> {
        let derived = state.chain.batch(index).ok_or(MoveError::NotDerived(index))?;
        let key = (derived.hash, derived.post.h248());
        if let Some(history) = self.kept.lock().get(&key) {
            return Ok(Arc::clone(history));
        }
        let schedule = Schedule::osaka();
        let derivation =
            Derivation { inputs: &state.l1.inbox, config: &self.l2, schedule: &schedule };
        let start = match before.filter(|end| end.checkpoint == derived.pre) {
            Some(end) => end,
            None => {
                let before = BatchIndex(index.0.saturating_sub(1));
                Snapshot { checkpoint: derived.pre, state: state.chain.recall(before)? }
            }
        };
        let history = BatchHistory::derive(&derivation, start)
            .map_err(|source| MoveError::Build(Box::new(source)))?;
        let history = Arc::new(history);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&history));
        Ok(history)
    }
}

/// The own derivation at one head.
#[derive(Debug)]
pub(super) struct Known {
    state: Arc<NodeState>,
    histories: Arc<Histories>,
    blobs: BlobSource,
    /// Steps from the genesis to the end of each batch, from batch 0 on.
    steps: Vec<u64>,
}

impl Known {
    pub(super) fn new(
        state: Arc<NodeState>,
        histories: Arc<Histories>,
        responder: &Responder,
    ) -> Self {
        let mut steps = vec![0u64];
        let mut sum = 0u64;
        for index in 1..=state.chain.tip().0 {
            let batch = state.chain.batch(BatchIndex(index));
            sum = sum.saturating_add(batch.map_or(0, |batch| batch.steps));
            steps.push(sum);
        }
        Self { state, histories, blobs: responder.blobs.clone(), steps }
    }
}

impl Knowledge for Known {
    type History = ClaimHistory;

    fn newest(&self) -> BatchIndex {
        self.state.chain.tip()
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        Some(Boundary {
            batch_hash: self.state.chain.batch_hash(batch)?,
            checkpoint: self.state.chain.checkpoint_after(batch)?.h248(),
            steps: *self.steps.get(usize::try_from(batch.0).ok()?)?,
        })
    }

    fn history(&self, range: ClaimRange) -> Option<ClaimHistory> {
        self.histories
            .of(&self.state, range)
            .inspect_err(|error| tracing::warn!(%error, ?range, "no history"))
            .ok()
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        let blob = self.blobs.archived(versioned_hash).ok()??;
        Some(read_elements(&blob))
    }
}
