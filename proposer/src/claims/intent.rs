//! Names of moves, so that no move is made twice.

use recourse_bisection::{Action, ClaimRange};
use recourse_protocol::segment_id;

const CLAIM: &str = "propose:";
const REVEAL: &str = "reveal:";
const HISTORY: &str = "history:";
const CHALLENGED: &str = "history:challenged:";
const WITHDRAW: &str = "withdraw:";

/// The name of a move: two moves with one name are the same.
pub(super) fn key(action: &Action) -> String {
    match action {
        Action::Propose { content, .. } => format!("{CLAIM}{content}"),
        Action::Reveal { attempt, segment, .. } => {
            format!("{REVEAL}{}", segment_id(*attempt, segment))
        }
        Action::Confirm { attempt } => format!("confirm:{attempt}"),
        Action::MarkVoid { content } => format!("void:{content}"),
        Action::SettleAttempt { attempt } => format!("settle:{attempt}"),
        Action::SettleChallenge { segment, .. } => format!("settle-challenge:{segment}"),
        Action::Withdraw { amount } => format!("{WITHDRAW}{amount}"),
        // Moves of an attack: a proposer's planner never asks for them.
        other => format!("{other:?}"),
    }
}

/// The key of a move's transaction. The transaction manager takes a key that was mined not long ago for done; but the
/// same sum can be owed again.
pub(super) fn transaction_key(action: &Action, l1_block: u64) -> String {
    match action {
        Action::Withdraw { .. } => format!("{}@{l1_block}", key(action)),
        other => key(other),
    }
}

/// Whether this is the name of a claim.
pub(super) fn is_claim(key: &str) -> bool {
    key.starts_with(CLAIM)
}

/// Whether this is the name of a reveal.
pub(super) fn is_reveal(key: &str) -> bool {
    key.starts_with(REVEAL)
}

/// What a move is remembered by that fails: the same as long as the duty is the same. A claim is another one with each batch that
/// comes, what is owed grows, and a history is not another one for being challenged.
pub(super) fn duty(key: &str) -> String {
    if let Some(one) = [CLAIM, WITHDRAW].into_iter().find(|prefix| key.starts_with(prefix)) {
        return one.trim_end_matches(':').to_owned();
    }
    match key.strip_prefix(CHALLENGED) {
        Some(range) => format!("{HISTORY}{range}"),
        None => key.to_owned(),
    }
}

/// The name of making a history: one that challenges wait for, or another.
pub(super) fn history(range: ClaimRange, challenged: bool) -> String {
    let why = if challenged { CHALLENGED } else { HISTORY };
    format!("{why}{}-{}", range.after, range.upto)
}

/// Whether this is one.
pub(super) fn is_history(key: &str) -> bool {
    key.starts_with(HISTORY)
}

/// Whether this is one that challenges wait for.
pub(super) fn is_challenged_history(key: &str) -> bool {
    key.starts_with(CHALLENGED)
}

#[cfg(test)]
mod tests {
    use recourse_protocol::BatchIndex;

    use super::*;

    #[test]
    fn a_duty_stays_the_same_while_its_moves_change() {
        assert_eq!(duty("propose:0x01"), duty("propose:0x02"));
        assert_eq!(duty("withdraw:1"), duty("withdraw:2"));
        assert_ne!(duty("withdraw:1"), duty("propose:1"));
        let range = ClaimRange { after: BatchIndex(1), upto: BatchIndex(2) };
        assert_eq!(duty(&history(range, true)), duty(&history(range, false)));
        let other = ClaimRange { upto: BatchIndex(3), ..range };
        assert_ne!(duty(&history(range, true)), duty(&history(other, true)));
        assert_eq!(duty("reveal:0x01"), "reveal:0x01");
    }
}
