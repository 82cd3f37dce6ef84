//! The batches and checkpoints of the test chain.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use recourse_bisection::model::World;
use recourse_protocol::{BatchIndex, Checkpoint, CheckpointHash, Inputs, StepIndex};

use crate::arena::Arena;

/// The batches and checkpoints of the test chain, as the model asks for them.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) batches: Vec<B256>,
    pub(super) truth: Vec<Checkpoint>,
    /// Where each batch ends in `truth`; batch 0 at 0.
    pub(super) ends: Vec<usize>,
    pub(super) preimages: BTreeMap<CheckpointHash, Checkpoint>,
}

impl World for Known {
    fn batch_hash(&self, batch: BatchIndex) -> Option<B256> {
        self.batches.get((batch.0 as usize).checked_sub(1)?).copied()
    }

    fn step(&self, pre: CheckpointHash) -> Option<CheckpointHash> {
        let at = self.truth.iter().position(|checkpoint| checkpoint.h248() == pre)?;
        self.truth.get(at + 1).map(Checkpoint::h248)
    }

    fn batch_of(&self, checkpoint: CheckpointHash) -> Option<BatchIndex> {
        self.preimages.get(&checkpoint).map(|checkpoint| checkpoint.batch)
    }

    fn ends_batch(&self, checkpoint: CheckpointHash, batch: BatchIndex) -> bool {
        self.preimages.get(&checkpoint).is_some_and(|checkpoint| checkpoint.ends_batch(batch))
    }
}

pub(super) fn known(arena: &Arena) -> Known {
    let history = arena.chain.claim(0, 3);
    let derivation = arena.chain.derivation(&arena.l1);
    let steps = arena.steps(0, 3);
    let truth: Vec<_> = (0..=steps)
        .map(|at| history.snapshot(&derivation, StepIndex(at)).unwrap().checkpoint)
        .collect();
    let ends = [0, 1, 2, 3].map(|upto| if upto == 0 { 0 } else { arena.steps(0, upto) as usize });
    let lies = ends.map(|end| Checkpoint { state_root: B256::repeat_byte(0xee), ..truth[end] });
    let batches = (1..=3)
        .map(|batch| arena.l1.events.batch(BatchIndex(batch)).unwrap().unwrap().hash())
        .collect();
    let preimages = truth.iter().chain(&lies).map(|c| (c.h248(), *c)).collect();
    Known { batches, ends: ends.to_vec(), preimages, truth }
}
