//! One look at the game: what is false, and what to do.

use std::{collections::BTreeSet, sync::Arc};

use alloy::eips::BlockId;
use alloy_primitives::{Address, U256};
use recourse_bisection::{Action, Judgement, Knowledge, Party, Role, Verdict, next_actions};
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
    /// What was made of the claims.
    pub(crate) verdicts: Verdicts,
    /// Own balance in wei, if L1 told it.
    pub(crate) balance: Option<U256>,
}

/// Live attempts that need attention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// Their content is false, and what they build on is true.
    pub(crate) is_false: BTreeSet<AttemptId>,
    /// They can't be judged yet.
    pub(crate) unknown: BTreeSet<AttemptId>,
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
            let verdicts = judge(&state.l1.game, &derived);
            let moves = plan(&state.l1.game, &derived, &party);
            Round { state, moves, verdicts, balance }
        })
        .await
    }

    async fn owed(&self, state: &NodeState) -> Result<U256, L1Error> {
        let call = IRollup::owedCall { who: self.address };
        self.client.call(self.contracts.rollup, &call, BlockId::hash(state.l1.head.hash)).await
    }
}

fn plan(game: &Game, knowledge: &impl Knowledge, party: &Party) -> Vec<(Priority, Action)> {
    let moves = next_actions(game, knowledge, party);
    let mut moves: Vec<_> = moves.into_iter().map(|m| (Priority::of(&m, game), m)).collect();
    // Stable: among equals the planner's order stands.
    moves.sort_by_key(|(priority, _)| *priority);
    moves
}

fn judge(game: &Game, knowledge: &impl Knowledge) -> Verdicts {
    let judgement = Judgement::of(game, knowledge);
    let mut verdicts = Verdicts::default();
    for (id, attempt) in &game.attempts {
        if attempt.status != AttemptStatus::Live || !judgement.is_open(attempt.content) {
            continue;
        }
        match judgement.verdict(attempt.content) {
            Verdict::False => {
                verdicts.is_false.insert(*id);
            }
            Verdict::Unknown => {
                verdicts.unknown.insert(*id);
            }
            Verdict::True | Verdict::Moot => {}
        }
    }
    verdicts
}

fn noted<T>(what: &'static str, answer: Result<T, L1Error>) -> Option<T> {
    answer.inspect_err(|error| tracing::warn!(what, %error, "L1 did not tell")).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alloy_primitives::B256;
    use recourse_bisection::{Boundary, ClaimRange, History};
    use recourse_protocol::{BatchIndex, CheckpointHash, Content, StepIndex};

    use super::*;
    use crate::games::{ATTEMPT, CLAIMED, one_claim, only_attempt};

    /// Knows where the L2 stands after batches 0 and 1, nothing more.
    struct Derivation {
        batch_hash: B256,
        checkpoint: CheckpointHash,
        steps: u64,
        newest: BatchIndex,
    }

    struct NoHistory;

    impl History for NoHistory {
        fn steps(&self) -> u64 {
            0
        }

        fn hash(&self, _: StepIndex) -> Option<CheckpointHash> {
            None
        }
    }

    impl Knowledge for Derivation {
        type History = NoHistory;

        fn newest(&self) -> BatchIndex {
            self.newest
        }

        fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
            let game = one_claim();
            if batch > self.newest {
                return None;
            }
            Some(match batch.0 {
                0 => Boundary {
                    batch_hash: B256::ZERO,
                    checkpoint: game.contents[&game.tip].checkpoint,
                    steps: 0,
                },
                _ => Boundary {
                    batch_hash: self.batch_hash,
                    checkpoint: self.checkpoint,
                    steps: self.steps,
                },
            })
        }

        fn history(&self, _: ClaimRange) -> Option<NoHistory> {
            None
        }

        fn elements(&self, _: B256) -> Option<Arc<[CheckpointHash]>> {
            None
        }
    }

    /// As the claim of [`one_claim`] has it.
    fn agreeing() -> Derivation {
        let claimed = one_claim().contents[&CLAIMED];
        let Content { batch_hash, checkpoint, steps, .. } = claimed;
        Derivation { batch_hash, checkpoint, steps, newest: BatchIndex(1) }
    }

    fn moves(game: &Game, derivation: &Derivation) -> Vec<Action> {
        let address = Address::repeat_byte(9);
        let party = Party { address, owed: U256::ZERO, role: Role::Watchtower };
        plan(game, derivation, &party).into_iter().map(|(_, action)| action).collect()
    }

    #[test]
    fn a_true_claim_is_left_alone() {
        let game = one_claim();
        assert_eq!(judge(&game, &agreeing()), Verdicts::default());
        assert_eq!(moves(&game, &agreeing()), []);
    }

    #[test]
    fn a_false_claim_is_challenged() {
        let game = one_claim();
        let other = [
            Derivation { checkpoint: CheckpointHash(B256::repeat_byte(9)), ..agreeing() },
            Derivation { steps: 8, ..agreeing() },
        ];
        for derivation in other {
            let verdicts = judge(&game, &derivation);
            assert_eq!(verdicts.is_false, [ATTEMPT].into());
            let bond = game.limits.challenge_bond;
            let expected = Action::ChallengeClaim { attempt: ATTEMPT, bond };
            assert_eq!(moves(&game, &derivation), [expected]);
        }
    }

    #[test]
    fn what_is_not_derived_is_not_attacked() {
        let game = one_claim();
        let behind = Derivation { newest: BatchIndex(0), ..agreeing() };
        let reorganised = Derivation { batch_hash: B256::repeat_byte(9), ..agreeing() };
        for derivation in [behind, reorganised] {
            assert_eq!(judge(&game, &derivation).unknown, [ATTEMPT].into());
            assert_eq!(moves(&game, &derivation), []);
        }
        // It was not passed over: as soon as its batch is derived, and says otherwise, it is challenged.
        let caught_up = Derivation { steps: 8, ..agreeing() };
        let bond = game.limits.challenge_bond;
        let expected = Action::ChallengeClaim { attempt: ATTEMPT, bond };
        assert_eq!(moves(&game, &caught_up), [expected]);
    }

    #[test]
    fn the_dead_are_left_alone() {
        let mut game = one_claim();
        only_attempt(&mut game).status = AttemptStatus::Dead;
        let derivation = Derivation { steps: 8, ..agreeing() };
        assert_eq!(judge(&game, &derivation), Verdicts::default());
        assert_eq!(moves(&game, &derivation), []);
    }
}
