//! What an honest party knows: a derived L2, and what is on L1.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_bisection::{Boundary, ClaimRange, Knowledge};
use recourse_protocol::{BatchIndex, CheckpointHash, Inputs};
use recourse_trace_builder::{Blobs, ClaimHashes, kzg::read_elements};

use crate::{l1::L1, l2::Chain};

/// A derived L2 and what is on L1.
pub(super) struct Node<'a> {
    pub(super) l1: &'a L1,
    pub(super) chain: &'a Chain,
}

impl Knowledge for Node<'_> {
    type History = ClaimHashes;

    fn newest(&self) -> BatchIndex {
        BatchIndex(self.chain.batches.len() as u64)
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        let before = self.chain.batches.get(..batch.0 as usize)?;
        let end = before.last().map_or(&self.chain.start, |batch| batch.end());
        let known = self.l1.events.batch(batch).unwrap();
        Some(Boundary {
            batch_hash: known.map(|batch| batch.hash()).unwrap_or_default(),
            checkpoint: end.checkpoint.h248(),
            steps: before.iter().map(|batch| batch.steps()).sum(),
        })
    }

    fn history(&self, range: ClaimRange) -> Option<ClaimHashes> {
        self.chain.hashes(range.after.0 as usize, range.upto.0 as usize)
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        Some(read_elements(&*self.l1.events.blob(versioned_hash).ok()?))
    }
}
