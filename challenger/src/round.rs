//! One look at the game: what is false, and what to do.

use std::{collections::BTreeSet, sync::Arc};

use alloy::eips::BlockId;
use alloy_primitives::{Address, U256};
use recourse_bisection::{Action, Judgement, Party, Role, Verdict, next_actions};
use recourse_node::{
    NodeState,
    l1::{L1Client, L1Error},
};
use recourse_protocol::{AttemptId, AttemptStatus, Contracts, Game, bindings::IRollup};
use tokio::task::{JoinError, spawn_blocking};

use crate::{
    knowledge::{Derived, Library},
    priority::Priority,
};

/// What one look brought.
#[derive(Debug)]
pub(crate) struct Round {
    /// What was looked at.
    pub(crate) state: Arc<NodeState>,
    /// The moves, the most urgent first.
    pub(crate) moves: Vec<(Priority, Action)>,
    /// Live attempts of false contents.
    pub(crate) false_attempts: BTreeSet<AttemptId>,
    /// Live attempts that can't be judged.
    pub(crate) unjudged: usize,
    /// Own balance in wei, if L1 told it.
    pub(crate) balance: Option<U256>,
}

/// Looks at games.
#[derive(Debug, Clone)]
pub(crate) struct Lookout {
    pub(crate) client: L1Client,
    pub(crate) contracts: Contracts,
    pub(crate) address: Address,
    pub(crate) library: Arc<Library>,
}

impl Lookout {
    /// Plans on a state. What L1 owes and the balance are asked for on the way; planning does not depend on it.
    ///
    /// # Errors
    /// When the planner panicked.
    pub(crate) async fn look(self, state: Arc<NodeState>) -> Result<Round, JoinError> {
        let (owed, balance) = tokio::join!(self.owed(&state), self.client.balance(self.address));
        let owed = noted("owed", owed).unwrap_or_default();
        let balance = noted("balance", balance);
        let party = Party { address: self.address, owed, role: Role::Watchtower };
        spawn_blocking(move || {
            let derived = Derived { chain: state.chain.clone(), library: self.library };
            let mut round = judge(state, &derived);
            round.moves = plan(&round.state.l1.game, &derived, &party);
            Round { balance, ..round }
        })
        .await
    }

    async fn owed(&self, state: &NodeState) -> Result<U256, L1Error> {
        let call = IRollup::owedCall { who: self.address };
        self.client.call(self.contracts.rollup, &call, BlockId::hash(state.l1.head.hash)).await
    }
}

fn plan(game: &Game, derived: &Derived, party: &Party) -> Vec<(Priority, Action)> {
    let moves = next_actions(game, derived, party);
    let mut moves: Vec<_> = moves.into_iter().map(|m| (Priority::of(&m, game), m)).collect();
    // Stable: among equals the planner's order stands.
    moves.sort_by_key(|(priority, _)| *priority);
    moves
}

fn judge(state: Arc<NodeState>, derived: &Derived) -> Round {
    let game = &state.l1.game;
    let judgement = Judgement::of(game, derived);
    let mut false_attempts = BTreeSet::new();
    let mut unjudged = 0usize;
    for (id, attempt) in &game.attempts {
        if attempt.status != AttemptStatus::Live || !judgement.is_open(attempt.content) {
            continue;
        }
        match judgement.verdict(attempt.content) {
            Verdict::False => {
                false_attempts.insert(*id);
            }
            Verdict::Unknown => unjudged = unjudged.saturating_add(1),
            Verdict::True | Verdict::Moot => {}
        }
    }
    Round { state, moves: Vec::new(), false_attempts, unjudged, balance: None }
}

fn noted<T>(what: &'static str, answer: Result<T, L1Error>) -> Option<T> {
    answer.inspect_err(|error| tracing::warn!(what, %error, "L1 did not tell")).ok()
}
