//! What a party knows by having derived the L2 itself.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_protocol::{BatchIndex, CheckpointHash};

use crate::History;

/// The batches of a claim: those after `after`, up to and with `upto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimRange {
    /// The parent's batch; 0 is the genesis.
    pub after: BatchIndex,
    /// The claim's own batch.
    pub upto: BatchIndex,
}

/// Where the L2 truly stands after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundary {
    /// Hash of the batch; zero for the genesis.
    pub batch_hash: B256,
    /// Hash of the checkpoint at the start of the next batch.
    pub checkpoint: CheckpointHash,
    /// Steps since the genesis.
    pub steps: u64,
}

/// A party's own derivation. `None` always means "not at hand": the planner then does not act on it, and an
/// implementation may take the question as the wish to have it at the next head.
pub trait Knowledge {
    /// The own history of a claim.
    type History: History;

    /// The newest batch that was derived whole.
    fn newest(&self) -> BatchIndex;
    /// Where the L2 stands after a batch; batch 0 is the genesis. Cheap: asked for every content.
    fn boundary(&self, batch: BatchIndex) -> Option<Boundary>;
    /// The checkpoints of a range. Asked only for disputed claims.
    fn history(&self, range: ClaimRange) -> Option<Self::History>;
    /// The same, where no step is to be proven: asked for every true claim that revealed something, for as long as it lives.
    /// An implementation may keep less for it.
    fn hashes(&self, range: ClaimRange) -> Option<impl History> {
        self.history(range)
    }
    /// The elements of a blob that revealed a segment.
    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>>;
}
