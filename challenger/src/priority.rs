//! Which move goes first: the one with the least time left.

use recourse_bisection::Action;
use recourse_protocol::{Attempt, AttemptId, Game, segment_id};

/// Order of moves; smaller goes first. Deadlines in seconds of L1 time, then what matters more among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority {
    /// Last second for the move; the maximum for moves that may come at any time.
    deadline: u64,
    duty: Duty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    Defend,
    Attack,
    Claim,
    Collect,
}

impl Priority {
    /// The priority of a move in this game.
    pub(crate) fn of(action: &Action, game: &Game) -> Self {
        let (deadline, duty) = match action {
            Action::Reveal { deadline, .. } => (Some(*deadline), Duty::Defend),
            Action::ChallengeClaim { attempt, .. } => {
                (game.attempts.get(attempt).map(|a| a.window_end), Duty::Attack)
            }
            Action::ChallengeGap { attempt, gap, .. } => {
                let deadline = game.attempts.get(attempt).map(|a| {
                    let parent = a.segments.get(&segment_id(*attempt, &gap.parent));
                    let revealed = parent.and_then(|state| state.reveal).map_or(0, |r| r.at);
                    a.window_end.max(revealed.saturating_add(game.periods.response_period))
                });
                (deadline, Duty::Attack)
            }
            Action::ProveFraudGap { attempt, .. }
            | Action::ProveFraudClaim { attempt, .. }
            | Action::KillGap { attempt, .. }
            | Action::KillClaim { attempt }
            | Action::KillGapBeyond { attempt, .. }
            | Action::Timeout { attempt, .. } => (confirmable_at(game, *attempt), Duty::Attack),
            Action::Propose { .. } | Action::Confirm { .. } => (None, Duty::Claim),
            Action::MarkVoid { .. }
            | Action::SettleAttempt { .. }
            | Action::SettleChallenge { .. }
            | Action::Withdraw { .. } => (None, Duty::Collect),
        };
        Self { deadline: deadline.unwrap_or(u64::MAX), duty }
    }

    /// Seconds left at `now`; none for moves that may come at any time.
    pub(crate) fn time_left(&self, now: u64) -> Option<u64> {
        (self.deadline != u64::MAX).then(|| self.deadline.saturating_sub(now))
    }
}

/// Nothing can confirm an attempt before; until then anyone may kill it.
fn confirmable_at(game: &Game, id: AttemptId) -> Option<u64> {
    let settled = |a: &Attempt| a.window_end.max(a.quiet_until);
    game.attempts.get(&id).map(settled)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};
    use recourse_bisection::RevealedGap;
    use recourse_protocol::{
        AttemptId, CheckpointHash, RevealState, SegmentState, StepIndex, bindings::Segment,
    };

    use super::*;
    use crate::games::{ATTEMPT, one_claim, only_attempt};

    const BOND: U256 = U256::ONE;

    fn challenge() -> Action {
        Action::ChallengeClaim { attempt: ATTEMPT, bond: BOND }
    }

    #[test]
    fn the_least_time_left_goes_first() {
        let game = one_claim();
        let reveal = |deadline| Action::Reveal {
            attempt: AttemptId(B256::ZERO),
            range: recourse_bisection::ClaimRange {
                after: recourse_protocol::BatchIndex(0),
                upto: recourse_protocol::BatchIndex(1),
            },
            segment: Segment::default(),
            deadline,
        };
        let mut moves = [
            Action::Withdraw { amount: BOND },
            Action::Confirm { attempt: ATTEMPT },
            reveal(1_060),
            challenge(),
            reveal(1_040),
        ];
        moves.sort_by_key(|action| Priority::of(action, &game));
        assert!(matches!(
            moves,
            [
                Action::Reveal { deadline: 1_040, .. },
                Action::ChallengeClaim { .. },
                Action::Reveal { deadline: 1_060, .. },
                Action::Confirm { .. },
                Action::Withdraw { .. },
            ]
        ));
    }

    #[test]
    fn time_left_is_counted_from_now() {
        let game = one_claim();
        assert_eq!(Priority::of(&challenge(), &game).time_left(game.now), Some(50));
        assert_eq!(Priority::of(&challenge(), &game).time_left(2_000), Some(0));
        let confirm = Action::Confirm { attempt: ATTEMPT };
        assert_eq!(Priority::of(&confirm, &game).time_left(game.now), None);
    }

    #[test]
    fn a_late_reveal_gives_its_gaps_more_time() {
        let mut game = one_claim();
        let parent = Segment { start: 0, end: 9, ..Segment::default() };
        let reveal = RevealState { versioned_hash: B256::ZERO, at: 1_045, l1_block: 7 };
        let state = SegmentState { segment: parent.clone(), challenge: None, reveal: Some(reveal) };
        only_attempt(&mut game).segments.insert(segment_id(ATTEMPT, &parent), state);
        let gap = RevealedGap {
            parent,
            index: 0,
            start: StepIndex(0),
            end: StepIndex(3),
            left: CheckpointHash(B256::ZERO),
            right: CheckpointHash(B256::ZERO),
        };
        let action = Action::ChallengeGap { attempt: ATTEMPT, gap, bond: BOND };
        assert_eq!(Priority::of(&action, &game).time_left(1_045), Some(20));
    }
}
