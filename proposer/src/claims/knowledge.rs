//! What the planner asks, answered from the own derivation.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_bisection::{Boundary, ClaimRange, History, Knowledge};
use recourse_node::{NodeState, blobs::BlobSource};
use recourse_protocol::{BatchIndex, CheckpointHash};
use recourse_trace_builder::{ClaimHashes, kzg::read_elements};

use super::{
    histories::{Histories, Urgency},
    respond::Responder,
};

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
    type History = ClaimHashes;

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

    /// Planning does not wait for a claim to be run: other moves would wait with it.
    fn history(&self, range: ClaimRange) -> Option<ClaimHashes> {
        self.histories.at_hand(&self.state, range, Urgency::Challenged)
    }

    fn hashes(&self, range: ClaimRange) -> Option<impl History> {
        self.histories.at_hand(&self.state, range, Urgency::Watched)
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        let blob = self.blobs.archived(versioned_hash).ok()??;
        Some(read_elements(&blob))
    }
}
