//! Which move goes first: the one with the least time left.

use alloy_primitives::Address;
use recourse_bisection::{Action, ClaimRange};
use recourse_protocol::{Attempt, AttemptId, AttemptStatus, Game, segment_id};

use crate::knowledge::HistoryKey;

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

    /// Last second for the move; the maximum for moves that may come at any time.
    pub(crate) const fn deadline(&self) -> u64 {
        self.deadline
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

/// Which of these histories is needed first.
pub(crate) fn first_needed(waiting: &[HistoryKey], game: &Game, own: Address) -> Option<usize> {
    let needed = waiting.iter().map(|key| needed_by(key.range, game, own)).enumerate();
    needed.min_by_key(|(_, by)| *by).map(|(at, _)| at)
}

/// When the history of these batches is needed: an owner's answer is due, or another's claim can be final. The maximum when no
/// live claim is about them.
fn needed_by(range: ClaimRange, game: &Game, own: Address) -> u64 {
    let is_about = |attempt: &Attempt| {
        let content = game.contents.get(&attempt.content);
        let parent = content.and_then(|content| game.contents.get(&content.parent));
        content.zip(parent).is_some_and(|(content, parent)| {
            (parent.batch, content.batch) == (range.after, range.upto)
        })
    };
    let due = |attempt: &Attempt| {
        let open =
            attempt.open_challenges().filter_map(|(_, state)| Some(state.challenge?.deadline));
        let answer = open.min().filter(|_| attempt.owner == own);
        answer.unwrap_or_else(|| attempt.window_end.max(attempt.quiet_until))
    };
    let live = game.attempts.values().filter(|attempt| attempt.status == AttemptStatus::Live);
    live.filter(|attempt| is_about(attempt)).map(due).min().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};
    use recourse_bisection::RevealedGap;
    use recourse_protocol::{
        AttemptId, BatchIndex, Challenge, CheckpointHash, Content, ContentHash, RevealState,
        SegmentState, StepIndex, bindings::Segment,
    };

    use super::*;
    use crate::games::{ATTEMPT, CLAIMED, one_claim, only_attempt};

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

    #[test]
    fn the_history_that_is_needed_first_is_made_first() {
        let mut game = one_claim();
        let own = only_attempt(&mut game).owner;
        let key = |upto| HistoryKey {
            range: ClaimRange { after: BatchIndex(0), upto: BatchIndex(upto) },
            batch_hash: B256::ZERO,
            end: CheckpointHash(B256::ZERO),
        };
        // A lie about more batches, that can be final later.
        let content = ContentHash(B256::repeat_byte(0x62));
        let longer = Content { batch: BatchIndex(2), ..game.contents[&CLAIMED] };
        let lie = Attempt {
            content,
            owner: Address::repeat_byte(7),
            window_end: 1_055,
            ..game.attempts[&ATTEMPT].clone()
        };
        game.contents.insert(content, longer);
        game.attempts.insert(AttemptId(B256::ZERO), lie);
        let waiting = [key(3), key(2), key(1)];
        let first = |game: &Game| first_needed(&waiting, game, own);
        assert_eq!(first(&game), Some(2));
        assert_eq!(first_needed(&[], &game, own), None);

        // A challenge holds its confirmation back, but its owner has to answer.
        let segment = Segment { start: 0, end: 9, ..Segment::default() };
        let challenge = Challenge {
            challenger: Address::repeat_byte(7),
            bond: BOND,
            deadline: 1_060,
            settled: false,
        };
        let state =
            SegmentState { segment: segment.clone(), challenge: Some(challenge), reveal: None };
        only_attempt(&mut game).quiet_until = 1_090;
        only_attempt(&mut game).segments.insert(segment_id(ATTEMPT, &segment), state);
        assert_eq!(first(&game), Some(1), "the lie is in greater haste");
        game.attempts.get_mut(&AttemptId(B256::ZERO)).unwrap().window_end = 1_070;
        assert_eq!(first(&game), Some(2));
        only_attempt(&mut game).owner = Address::repeat_byte(8);
        assert_eq!(first(&game), Some(1), "what a stranger owes is no haste of ours");
    }
}
