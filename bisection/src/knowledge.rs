//! What a party knows by having derived the L2 itself.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_protocol::{BatchIndex, CheckpointHash, StepIndex};

use crate::History;

/// The batches of a claim: those after `after`, up to and with `upto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimRange {
    /// The parent's batch; 0 is the genesis.
    pub after: BatchIndex,
    /// The claim's own batch.
    pub upto: BatchIndex,
}

impl ClaimRange {
    /// The batch in which the step at a position of the claim lies, and where that batch starts; `steps` are those of a batch.
    /// None past the end.
    #[must_use]
    pub fn batch_of(
        &self,
        at: StepIndex,
        steps: impl Fn(BatchIndex) -> Option<u64>,
    ) -> Option<(BatchIndex, StepIndex)> {
        let mut start = 0u64;
        for index in (self.after.0.saturating_add(1)..=self.upto.0).map(BatchIndex) {
            let end = start.checked_add(steps(index)?)?;
            if at.0 < end {
                return Some((index, StepIndex(start)));
            }
            start = end;
        }
        None
    }
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
    /// The checkpoint hashes of a range. Asked only for disputed claims; no step is proven from it.
    fn history(&self, range: ClaimRange) -> Option<Self::History>;
    /// The same, where no move waits for it: asked for every true claim that revealed something, for as long as it lives.
    fn hashes(&self, range: ClaimRange) -> Option<impl History> {
        self.history(range)
    }
    /// The elements of a blob that revealed a segment.
    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_lies_in_one_batch() {
        let range = ClaimRange { after: BatchIndex(4), upto: BatchIndex(6) };
        let steps = |batch: BatchIndex| {
            batch
                .0
                .checked_sub(4)
                .and_then(|at| [10, 1, 7].into_iter().nth(usize::try_from(at).ok()?))
        };
        let found = |at| range.batch_of(StepIndex(at), steps).map(|(b, start)| (b.0, start.0));
        // The parent's own batch does not count.
        assert_eq!(
            [0, 1, 2, 7].map(found),
            [Some((5, 0)), Some((6, 1)), Some((6, 1)), Some((6, 1))]
        );
        assert_eq!(found(8), None);
        assert_eq!(range.batch_of(StepIndex(7), |_| None), None);
    }
}
