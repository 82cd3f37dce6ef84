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

/// What of the own history a move is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// The checkpoint hashes of these batches; no states.
    Hashes(ClaimRange),
    /// The proof of this step: the states of the one batch in which it lies.
    Step(ClaimRange, StepIndex),
}

impl Action {
    /// What its responder needs: never more states than those of one batch, however many a claim covers.
    #[must_use]
    pub const fn need(&self) -> Need {
        match self {
            Self::ProveFraudGap { range, gap, .. } => Need::Step(*range, gap.start),
            Self::ProveFraudClaim { range, .. } => Need::Step(*range, StepIndex(0)),
            other => match other.range() {
                Some(range) => Need::Hashes(range),
                None => Need::Nothing,
            },
        }
    }

    /// The batches whose history its responder needs something of, for actions that need one.
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

#[cfg(test)]
mod tests {
    use recourse_protocol::BatchIndex;

    use super::*;

    #[test]
    fn no_move_needs_the_states_of_a_whole_claim() {
        let range = ClaimRange { after: BatchIndex(2), upto: BatchIndex(900) };
        let attempt = AttemptId(B256::ZERO);
        let gap = RevealedGap {
            parent: Segment::default(),
            index: 3,
            start: StepIndex(7),
            end: StepIndex(8),
            left: CheckpointHash(B256::ZERO),
            right: CheckpointHash(B256::ZERO),
        };
        let by_hashes = [
            Action::Reveal { attempt, range, segment: Segment::default(), deadline: 0 },
            Action::KillGapBeyond { attempt, range, gap: gap.clone(), end: gap.start },
            Action::Propose {
                content: ContentHash(B256::ZERO),
                parent: ContentHash(B256::ZERO),
                range,
                batch_hash: B256::ZERO,
                checkpoint: CheckpointHash(B256::ZERO),
                steps: 9,
                reveal: false,
                bond: U256::ZERO,
            },
        ];
        for action in by_hashes {
            assert_eq!(action.need(), Need::Hashes(range), "{action:?}");
        }
        let proof = Action::ProveFraudGap { attempt, range, gap: gap.clone() };
        assert_eq!(proof.need(), Need::Step(range, StepIndex(7)));
        let proof = Action::ProveFraudClaim { attempt, range };
        assert_eq!(proof.need(), Need::Step(range, StepIndex(0)));
        assert_eq!(Action::KillGap { attempt, gap }.need(), Need::Nothing);
    }
}
