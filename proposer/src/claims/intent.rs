//! Names of moves, so that no move is made twice.

use recourse_bisection::Action;
use recourse_protocol::segment_id;

const CLAIM: &str = "propose:";

/// The name of a move: two moves with one name are the same.
pub(super) fn key(action: &Action) -> String {
    match action {
        Action::Propose { content, .. } => format!("{CLAIM}{content}"),
        Action::Reveal { attempt, segment, .. } => {
            format!("reveal:{}", segment_id(*attempt, segment))
        }
        Action::Confirm { attempt } => format!("confirm:{attempt}"),
        Action::MarkVoid { content } => format!("void:{content}"),
        Action::SettleAttempt { attempt } => format!("settle:{attempt}"),
        Action::SettleChallenge { segment, .. } => format!("settle-challenge:{segment}"),
        Action::Withdraw { amount } => format!("withdraw:{amount}"),
        // Moves of an attack: a proposer's planner never asks for them.
        other => format!("{other:?}"),
    }
}

/// Whether this is the name of a claim.
pub(super) fn is_claim(key: &str) -> bool {
    key.starts_with(CLAIM)
}
