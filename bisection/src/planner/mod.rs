//! Whose move, and which: a function of the game alone, so that a restart needs no recovery.

mod attack;
mod claim;
mod defend;
mod settle;

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use recourse_protocol::{Attempt, AttemptId, AttemptStatus, CheckpointHash, ContentHash, Game};

use crate::{Action, Judgement, Knowledge, Verdict};

/// Who plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// Its L1 account.
    pub address: Address,
    /// What the Rollup contract owes it, in wei.
    pub owed: U256,
    /// Its duties, beside those of everybody: answer for own claims, confirm true ones, claim again what is true
    /// and lost its owner, collect.
    pub role: Role,
}

/// The duties of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Claims the chain as it grows.
    Proposer {
        /// How many new batches are worth a claim and its bond; at least 1.
        min_batches: u64,
        /// Whether a claim carries its reveal: a blob more, a response period less.
        reveal_at_once: bool,
    },
    /// Attacks every false claim.
    Watchtower,
}

/// All moves that a party should make now, the most urgent first. Pure and idempotent: the same game gives the same
/// moves, and a move that was made does not come again.
#[must_use]
pub fn next_actions<K: Knowledge>(game: &Game, knowledge: &K, party: &Party) -> Vec<Action> {
    let turn = Turn { game, knowledge, party, judged: Judgement::of(game, knowledge) };
    let mut actions = turn.defend();
    if party.role == Role::Watchtower {
        actions.extend(turn.attack());
    }
    let confirming = turn.confirm();
    // A confirmation moves the tip, and with it what can be built on: claims wait for the next look.
    if confirming.is_empty() {
        actions.extend(turn.claim());
    }
    actions.extend(confirming);
    actions.extend(turn.settle());
    actions
}

/// False attempts that will be final if nothing changes: they can confirm within half a response period, nobody has an
/// open challenge against them, and a watchtower has no move. Either what it needs to know is not at hand yet, or it is
/// too late. None in a game that is watched in time.
#[must_use]
pub fn unopposed<K: Knowledge>(game: &Game, knowledge: &K, party: &Party) -> BTreeSet<AttemptId> {
    Turn { game, knowledge, party, judged: Judgement::of(game, knowledge) }.unopposed()
}

/// One look at the game.
struct Turn<'a, K> {
    game: &'a Game,
    knowledge: &'a K,
    party: &'a Party,
    judged: Judgement<'a>,
}

impl<K: Knowledge> Turn<'_, K> {
    /// Live attempts that can still be moved on, with the verdict on their content.
    fn open_attempts(&self) -> impl Iterator<Item = (AttemptId, &Attempt, Verdict)> {
        self.game
            .attempts
            .iter()
            .filter(|(_, a)| a.status == AttemptStatus::Live && self.judged.is_open(a.content))
            .map(|(id, a)| (*id, a, self.judged.verdict(a.content)))
    }

    fn is_own(&self, attempt: &Attempt) -> bool {
        attempt.owner == self.party.address
    }

    /// True claims whose clocks have run out and whose parent is final. The contract's rule, so nothing is sent that
    /// would revert.
    fn confirm(&self) -> Vec<Action> {
        let mut confirming = BTreeSet::new();
        let mut actions = Vec::new();
        for (id, attempt, verdict) in self.open_attempts() {
            let due = self.game.now > attempt.window_end
                && self.game.now > attempt.quiet_until
                && attempt.open_challenges().next().is_none();
            let parent_final = self.parent_is_confirmed(attempt.content);
            if verdict == Verdict::True && due && parent_final && confirming.insert(attempt.content)
            {
                actions.push(Action::Confirm { attempt: id });
            }
        }
        actions
    }

    fn parent_is_confirmed(&self, content: ContentHash) -> bool {
        let contents = &self.game.contents;
        contents
            .get(&content)
            .and_then(|content| contents.get(&content.parent))
            .is_some_and(|parent| parent.confirmed)
    }

    /// Whether the step from `left` is proven not to lead to `right`.
    fn is_refuted(&self, left: CheckpointHash, right: CheckpointHash) -> bool {
        self.game.truths.get(&left).is_some_and(|post| *post != right)
    }
}
