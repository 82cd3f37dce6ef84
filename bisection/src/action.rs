//! Moves, as the planner wants them. Only the trace-builder turns one into a transaction.

use alloy_primitives::{B256, U256};
use recourse_protocol::{
    AttemptId, CheckpointHash, ContentHash, SegmentId, StepIndex, bindings::Segment,
};

use crate::{ClaimRange, RevealedGap};

/// One move. Two equal actions are the same move: whoever sends one may leave out the other. Sent twice, the second
/// reverts or changes nothing; only [`Action::Propose`] would post a second bond, and is not asked for again once
/// its attempt is on L1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Answer a challenge of an own claim.
    Reveal {
        /// The own attempt.
        attempt: AttemptId,
        /// Its batches.
        range: ClaimRange,
        /// The challenged segment.
        segment: Segment,
        /// Last second for it.
        deadline: u64,
    },
    /// Prove the step at a gap of one step, and kill.
    ProveFraudGap {
        /// The false attempt.
        attempt: AttemptId,
        /// Its batches.
        range: ClaimRange,
        /// The false pair; the step to prove is the one at its start.
        gap: RevealedGap,
    },
    /// Prove the only step of a claim, and kill.
    ProveFraudClaim {
        /// The false attempt.
        attempt: AttemptId,
        /// Its batches.
        range: ClaimRange,
    },
    /// Kill by a step that is already proven.
    KillGap {
        /// The false attempt.
        attempt: AttemptId,
        /// The false pair.
        gap: RevealedGap,
    },
    /// Kill a claim of one step by a step that is already proven.
    KillClaim {
        /// The false attempt.
        attempt: AttemptId,
    },
    /// Kill a claim that goes on past the end of its last batch.
    KillGapBeyond {
        /// The false attempt.
        attempt: AttemptId,
        /// Its batches.
        range: ClaimRange,
        /// The pair that starts in the next batch.
        gap: RevealedGap,
        /// Position of the preimage in the own history: its end.
        end: StepIndex,
    },
    /// Kill a claim whose owner did not answer.
    Timeout {
        /// The silent attempt.
        attempt: AttemptId,
        /// The overdue challenge.
        segment: SegmentId,
    },
    /// Ask a whole claim for its history.
    ChallengeClaim {
        /// The false attempt.
        attempt: AttemptId,
        /// Its bond, in wei.
        bond: U256,
    },
    /// Ask for the history of a gap wider than one step.
    ChallengeGap {
        /// The false attempt.
        attempt: AttemptId,
        /// The gap.
        gap: RevealedGap,
        /// Its bond, in wei.
        bond: U256,
    },
    /// Make a true claim final.
    Confirm {
        /// The true attempt.
        attempt: AttemptId,
    },
    /// Claim a true content.
    Propose {
        /// What is claimed.
        content: ContentHash,
        /// The content that it builds on.
        parent: ContentHash,
        /// Its batches.
        range: ClaimRange,
        /// Hash of the last of them.
        batch_hash: B256,
        /// Where they end.
        checkpoint: CheckpointHash,
        /// Steps from the parent.
        steps: u64,
        /// Whether to reveal its history at once, in a blob of the same transaction.
        reveal: bool,
        /// Its bond, in wei.
        bond: U256,
    },
    /// Record that a content can never confirm, so that bonds on it are given back.
    MarkVoid {
        /// The content.
        content: ContentHash,
    },
    /// Credit the bond of an own attempt.
    SettleAttempt {
        /// The own attempt.
        attempt: AttemptId,
    },
    /// Credit the bond of an own challenge.
    SettleChallenge {
        /// The attempt that was challenged.
        attempt: AttemptId,
        /// The challenge.
        segment: SegmentId,
    },
    /// Take what the contract owes.
    Withdraw {
        /// In wei.
        amount: U256,
    },
}

impl Action {
    /// The batches whose history its responder needs, for actions that need one.
    #[must_use]
    pub const fn range(&self) -> Option<ClaimRange> {
        match self {
            Self::Reveal { range, .. }
            | Self::ProveFraudGap { range, .. }
            | Self::ProveFraudClaim { range, .. }
            | Self::KillGapBeyond { range, .. }
            | Self::Propose { range, .. } => Some(*range),
            _ => None,
        }
    }
}
