//! True histories with all that a liar must know of them, and false ones.

use alloy_primitives::keccak256;
use recourse_bisection::{ClaimRange, History};
use recourse_execution::{Schedule, StateExecutor};
use recourse_node::NodeState;
use recourse_protocol::{Checkpoint, CheckpointHash, L2Config, Rule, StepIndex, step};

/// A checkpoint, and the step that was taken from it: its rule and the gas it used. None at the end.
#[derive(Debug, Clone)]
pub struct Position {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The step from there.
    pub taken: Option<(Rule, u64)>,
}

/// Everything that truly happens in a range of batches; none if the node has not derived that far.
///
/// # Errors
/// When a step can't be taken.
pub fn truth(
    state: &NodeState,
    l2: &L2Config,
    range: ClaimRange,
) -> eyre::Result<Option<Vec<Position>>> {
    let Some(start) = state.chain.checkpoint_after(range.after) else { return Ok(None) };
    let world = state.chain.recall(range.after)?;
    let mut executor = StateExecutor::new(world, Schedule::osaka(), l2.max_witness_bytes);
    let mut at = *start;
    let mut positions = Vec::new();
    while at.batch <= range.upto {
        let taken = step(&at, &state.l1.inbox, l2, &mut executor)?;
        positions.push(Position { checkpoint: at, taken: Some((taken.plan.rule, taken.gas_used)) });
        at = taken.post;
    }
    positions.push(Position { checkpoint: at, taken: None });
    Ok(Some(positions))
}

/// A history that is false somewhere.
#[derive(Debug, Clone)]
pub struct FalseHistory {
    hashes: Vec<CheckpointHash>,
    end: Checkpoint,
}

impl FalseHistory {
    pub(super) fn of(checkpoints: Vec<Checkpoint>) -> Option<Self> {
        let end = *checkpoints.last()?;
        Some(Self { hashes: checkpoints.iter().map(Checkpoint::h248).collect(), end })
    }

    /// The truth without a checkpoint in its middle.
    pub(super) fn without_one(truth: &[Position]) -> Option<Self> {
        let mut checkpoints: Vec<_> = truth.iter().map(|p| p.checkpoint).collect();
        checkpoints.remove(checkpoints.len().checked_div(2)?);
        Self::of(checkpoints)
    }

    /// The truth, then noise, then its end again.
    pub(super) fn going_on(truth: &[Position]) -> Option<Self> {
        let mut checkpoints: Vec<_> = truth.iter().map(|p| p.checkpoint).collect();
        let end = *checkpoints.last()?;
        checkpoints.push(Checkpoint { state_root: keccak256(end.state_root), ..end });
        checkpoints.push(end);
        Self::of(checkpoints)
    }

    /// Noise between the ends.
    pub(super) fn noisy(mut self) -> Self {
        let last = self.hashes.len().saturating_sub(1);
        for (index, hash) in self.hashes.iter_mut().enumerate() {
            if index > 0 && index < last {
                hash.0 = keccak256(hash.0);
                // Still canonical field elements: the blob must be a blob.
                if let Some(first) = hash.0.0.first_mut() {
                    *first = 0;
                }
            }
        }
        self
    }

    /// The checkpoint that is claimed.
    #[must_use]
    pub const fn end(&self) -> &Checkpoint {
        &self.end
    }
}

impl History for FalseHistory {
    fn steps(&self) -> u64 {
        (self.hashes.len() as u64).saturating_sub(1)
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        self.hashes.get(usize::try_from(at.0).ok()?).copied()
    }
}
