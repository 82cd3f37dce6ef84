//! What a move is called, and what it wants.

use recourse_bisection::Action;
use recourse_protocol::{AttemptId, AttemptStatus, Game, segment_id};

/// The name of a move for the transaction manager: the same for the same move after a restart, and another one when it
/// is to be made once more.
pub(crate) fn key(action: &Action, game: &Game) -> String {
    match action {
        Action::ProveFraudGap { attempt, gap, .. } => format!("prove:{attempt}:{}", gap.start),
        Action::ProveFraudClaim { attempt, .. } => format!("prove:{attempt}"),
        Action::KillGap { attempt, gap } => format!("kill:{attempt}:{}", gap.start),
        Action::KillGapBeyond { attempt, gap, .. } => {
            format!("kill-beyond:{attempt}:{}", gap.start)
        }
        Action::KillClaim { attempt } => format!("kill:{attempt}"),
        Action::Timeout { attempt, segment } => format!("timeout:{attempt}:{segment}"),
        Action::Propose { content, .. } => {
            format!("propose:{content}:{}", game.attempts_of(*content).count())
        }
        Action::Withdraw { amount } => format!("withdraw:{amount}:{}", payments(game)),
        other => intent(other),
    }
}

/// Grows with everything that can make the contract owe somebody something.
fn payments(game: &Game) -> usize {
    let attempts = game.attempts.values();
    let dead = |status| usize::from(status == AttemptStatus::Dead);
    attempts
        .map(|attempt| {
            let challenges = attempt.segments.values().filter_map(|segment| segment.challenge);
            challenges
                .filter(|challenge| challenge.settled)
                .count()
                .saturating_add(usize::from(attempt.settled))
                .saturating_add(dead(attempt.status))
        })
        .sum()
}

/// What a move wants: of two moves that want the same, only one is under way at a time.
pub(crate) fn intent(action: &Action) -> String {
    match action {
        // However it dies.
        Action::ProveFraudGap { attempt, .. }
        | Action::ProveFraudClaim { attempt, .. }
        | Action::KillGap { attempt, .. }
        | Action::KillGapBeyond { attempt, .. }
        | Action::KillClaim { attempt }
        | Action::Timeout { attempt, .. } => format!("kill:{attempt}"),
        Action::Withdraw { .. } => "withdraw".to_owned(),
        Action::Propose { content, .. } => format!("propose:{content}"),
        Action::Reveal { attempt, segment, .. } => {
            format!("reveal:{}", segment_id(*attempt, segment))
        }
        Action::ChallengeClaim { attempt, .. } => format!("challenge:{attempt}"),
        Action::ChallengeGap { attempt, gap, .. } => {
            format!("challenge:{}", segment_id(*attempt, &gap.segment()))
        }
        Action::Confirm { attempt } => format!("confirm:{attempt}"),
        Action::MarkVoid { content } => format!("void:{content}"),
        Action::SettleAttempt { attempt } => format!("settle:{attempt}"),
        Action::SettleChallenge { segment, .. } => format!("settle:{segment}"),
    }
}

/// The attempt that a move is about; none for moves about contents and money.
pub(crate) const fn attempt(action: &Action) -> Option<AttemptId> {
    match action {
        Action::Reveal { attempt, .. }
        | Action::ProveFraudGap { attempt, .. }
        | Action::ProveFraudClaim { attempt, .. }
        | Action::KillGap { attempt, .. }
        | Action::KillGapBeyond { attempt, .. }
        | Action::KillClaim { attempt }
        | Action::Timeout { attempt, .. }
        | Action::ChallengeClaim { attempt, .. }
        | Action::ChallengeGap { attempt, .. }
        | Action::Confirm { attempt }
        | Action::SettleAttempt { attempt }
        | Action::SettleChallenge { attempt, .. } => Some(*attempt),
        Action::Propose { .. } | Action::MarkVoid { .. } | Action::Withdraw { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_primitives::{B256, U256};
    use recourse_bisection::{ClaimRange, RevealedGap};
    use recourse_protocol::{BatchIndex, CheckpointHash, SegmentId, StepIndex, bindings::Segment};

    use super::*;
    use crate::games;

    fn gap() -> RevealedGap {
        RevealedGap {
            parent: Segment::default(),
            index: 0,
            start: StepIndex(3),
            end: StepIndex(4),
            left: CheckpointHash(B256::ZERO),
            right: CheckpointHash(B256::ZERO),
        }
    }

    #[test]
    fn all_ways_to_kill_an_attempt_want_the_same() {
        let attempt = AttemptId(B256::repeat_byte(1));
        let range = ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) };
        let ways = [
            Action::ProveFraudGap { attempt, range, gap: gap() },
            Action::ProveFraudClaim { attempt, range },
            Action::KillGap { attempt, gap: gap() },
            Action::KillGapBeyond { attempt, range, gap: gap(), end: StepIndex(3) },
            Action::KillClaim { attempt },
            Action::Timeout { attempt, segment: SegmentId(B256::ZERO) },
        ];
        let game = games::empty();
        let intents: BTreeSet<_> = ways.iter().map(intent).collect();
        assert_eq!(intents.len(), 1);
        let keys: BTreeSet<_> = ways.iter().map(|way| key(way, &game)).collect();
        assert_eq!(keys.len(), ways.len(), "each is a transaction of its own");
    }

    #[test]
    fn different_attempts_want_different_things() {
        let [a, b] = [1, 2].map(|byte| AttemptId(B256::repeat_byte(byte)));
        let bond = U256::ONE;
        let [a, b] = [a, b].map(|attempt| Action::ChallengeClaim { attempt, bond });
        assert_ne!(intent(&a), intent(&b));
        assert_ne!(key(&a, &games::empty()), key(&b, &games::empty()));
    }

    #[test]
    fn the_same_amount_is_withdrawn_again_once_more_was_paid() {
        let withdraw = Action::Withdraw { amount: U256::ONE };
        let (before, mut after) = (games::one_claim(), games::one_claim());
        assert_eq!(key(&withdraw, &before), key(&withdraw, &before));
        games::only_attempt(&mut after).settled = true;
        assert_ne!(key(&withdraw, &before), key(&withdraw, &after));
        assert_eq!(intent(&withdraw), intent(&Action::Withdraw { amount: U256::ZERO }));
    }
}
