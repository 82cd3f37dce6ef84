//! One look at the game: what is false, and what to do.

use std::{collections::BTreeSet, sync::Arc};

use alloy::eips::BlockId;
use alloy_primitives::{Address, U256};
use recourse_bisection::{
    Action, Judgement, Knowledge, Need, Party, Role, Verdict, next_actions, unopposed,
};
use recourse_node::{
    NodeState,
    l1::{L1Client, L1Error},
};
use recourse_protocol::{
    AttemptId, AttemptStatus, BatchIndex, Content, ContentHash, Contracts, Game, Limits,
    bindings::IRollup,
};
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
    /// False attempts that nobody opposes although it is late.
    pub(crate) unopposed: BTreeSet<AttemptId>,
    /// Own balance in wei, if L1 told it.
    pub(crate) balance: Option<U256>,
    /// The balance that it takes to make the claims that were left out; zero when none was.
    pub(crate) wanted: U256,
}

/// Attempts that need attention, and what got none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    /// Their content is false, and what they build on is true.
    pub(crate) is_false: BTreeSet<AttemptId>,
    /// They can't be judged yet.
    pub(crate) unknown: BTreeSet<AttemptId>,
    /// Contents that are claimed or final, of a batch whose hash is another than the own one: no block of L1 has both.
    pub(crate) unjudged: BTreeSet<ContentHash>,
    /// Contents that are final and false.
    pub(crate) confirmed: Vec<(ContentHash, BatchIndex)>,
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
            let unopposed = unopposed(&state.l1.game, &derived, &party);
            let mut moves = plan(&state.l1.game, &derived, &party);
            let wanted = hold_back(&mut moves, balance, &state.l1.game.limits);
            Round { state, moves, verdicts, unopposed, balance, wanted }
        })
        .await
    }

    async fn owed(&self, state: &NodeState) -> Result<U256, L1Error> {
        let call = IRollup::owedCall { who: self.address };
        self.client.call(self.contracts.rollup, &call, BlockId::hash(state.l1.head.hash)).await
    }
}

fn plan(game: &Game, knowledge: &impl Knowledge, party: &Party) -> Vec<(Priority, Action)> {
    let moves = next_actions(game, knowledge, party).into_iter();
    // What is asked for at each look is kept until it is used; what is not here yet is no move yet.
    let at_hand = |action: &Action| match action.need() {
        Need::Hashes(range) => knowledge.history(range).is_some(),
        Need::Nothing | Need::Step(..) => true,
    };
    let mut moves: Vec<_> = moves.filter(at_hand).map(|m| (Priority::of(&m, game), m)).collect();
    // Stable: among equals the planner's order stands.
    moves.sort_by_key(|(priority, _)| *priority);
    moves
}

/// Leaves out claims that would spend what challenges and kills may need: a claim that lost its owner can be made later or
/// by others, a lie that is not killed is final. Kept back are the bonds of all planned challenges and of two more, and half
/// a claim's bond, which covers the dearest kill (docs/money.md). Gives the balance that the claims left out would take.
fn hold_back(moves: &mut Vec<(Priority, Action)>, balance: Option<U256>, limits: &Limits) -> U256 {
    let Some(balance) = balance else { return U256::ZERO };
    let challenges = moves.iter().filter_map(|(_, action)| match action {
        Action::ChallengeClaim { bond, .. } | Action::ChallengeGap { bond, .. } => Some(*bond),
        _ => None,
    });
    let two = limits.challenge_bond.saturating_add(limits.challenge_bond);
    let kill = limits.claim_bond.wrapping_shr(1);
    let mut needed = challenges.fold(two.saturating_add(kill), U256::saturating_add);
    let mut wanted = U256::ZERO;
    moves.retain(|(_, action)| {
        let Action::Propose { bond, content, .. } = action else { return true };
        needed = needed.saturating_add(*bond);
        let has = balance >= needed;
        if !has {
            tracing::warn!(%content, %balance, %needed, "too little money to claim what lost its owner");
            wanted = needed;
        }
        has
    });
    wanted
}

fn judge(game: &Game, knowledge: &impl Knowledge) -> Verdicts {
    let judgement = Judgement::of(game, knowledge);
    let mut verdicts = Verdicts::default();
    // What is built on such a content is moot, so that nothing else tells of it.
    let lost = game
        .contents
        .iter()
        .filter(|(id, content)| content.confirmed && judgement.verdict(**id) == Verdict::False);
    verdicts.confirmed = lost.map(|(id, content)| (*id, content.batch)).collect();
    let other_batch = |content: &Content| {
        let own = knowledge.boundary(content.batch);
        own.is_some_and(|own| own.batch_hash != content.batch_hash)
    };
    let matters =
        |id, content: &Content| content.confirmed || (judgement.is_open(id) && game.is_claimed(id));
    let contents = game.contents.iter().filter(|(id, c)| other_batch(c) && matters(**id, c));
    verdicts.unjudged = contents.map(|(id, _)| *id).collect();
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
    use recourse_protocol::{CheckpointHash, Content, StepIndex};

    use super::*;
    use crate::games::{self, ATTEMPT, CLAIMED, GENESIS, one_claim, only_attempt};

    /// Knows where the L2 stands after batches 0 and 1, nothing more.
    struct Derivation {
        batch_hash: B256,
        checkpoint: CheckpointHash,
        steps: u64,
        newest: BatchIndex,
        has_history: bool,
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
            self.has_history.then_some(NoHistory)
        }

        fn elements(&self, _: B256) -> Option<Arc<[CheckpointHash]>> {
            None
        }
    }

    /// As the claim of [`one_claim`] has it.
    fn agreeing() -> Derivation {
        let claimed = one_claim().contents[&CLAIMED];
        let Content { batch_hash, checkpoint, steps, .. } = claimed;
        Derivation { batch_hash, checkpoint, steps, newest: BatchIndex(1), has_history: false }
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
        for derivation in [&behind, &reorganised] {
            assert_eq!(judge(&game, derivation).unknown, [ATTEMPT].into());
            assert_eq!(moves(&game, derivation), []);
        }
        assert_eq!(judge(&game, &behind).unjudged, BTreeSet::new(), "it will be");
        assert_eq!(judge(&game, &reorganised).unjudged, [CLAIMED].into());
        // It was not passed over: as soon as its batch is derived, and says otherwise, it is challenged.
        let caught_up = Derivation { steps: 8, ..agreeing() };
        let bond = game.limits.challenge_bond;
        let expected = Action::ChallengeClaim { attempt: ATTEMPT, bond };
        assert_eq!(moves(&game, &caught_up), [expected]);
    }

    #[test]
    fn a_claim_is_made_again_once_its_history_is_at_hand() {
        let mut game = one_claim();
        only_attempt(&mut game).status = AttemptStatus::Dead;
        assert_eq!(moves(&game, &agreeing()), []);
        let ready = Derivation { has_history: true, ..agreeing() };
        let moves = moves(&game, &ready);
        let [action @ Action::Propose { range, .. }] = &moves[..] else { panic!("{moves:?}") };
        assert_eq!(action.need(), Need::Hashes(*range));
    }

    #[test]
    fn a_lie_of_one_step_waits_for_no_history() {
        let mut game = one_claim();
        game.contents.get_mut(&CLAIMED).unwrap().steps = 1;
        let range = ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) };
        let kill = Action::ProveFraudClaim { attempt: ATTEMPT, range };
        assert_eq!(kill.need(), Need::Step(range, StepIndex(0)));
        assert_eq!(moves(&game, &agreeing()), [kill]);
    }

    #[test]
    fn the_dead_are_left_alone() {
        let mut game = one_claim();
        only_attempt(&mut game).status = AttemptStatus::Dead;
        let derivation = Derivation { steps: 8, ..agreeing() };
        assert_eq!(judge(&game, &derivation), Verdicts::default());
        assert_eq!(moves(&game, &derivation), []);
    }

    #[test]
    fn a_lie_that_was_confirmed_is_told_of_for_ever() {
        let mut game = one_claim();
        game.contents.get_mut(&CLAIMED).unwrap().confirmed = true;
        only_attempt(&mut game).status = AttemptStatus::Confirmed;
        game.tip = CLAIMED;
        assert_eq!(judge(&game, &agreeing()), Verdicts::default());

        // What is claimed on top of it can't be judged.
        let child = ContentHash(B256::repeat_byte(0x62));
        let content = Content { parent: CLAIMED, batch: BatchIndex(2), ..game.contents[&CLAIMED] };
        game.contents.insert(child, Content { confirmed: false, ..content });
        let false_one = Derivation { steps: 8, newest: BatchIndex(2), ..agreeing() };
        let verdicts = judge(&game, &false_one);
        assert_eq!(verdicts.confirmed, [(CLAIMED, BatchIndex(1))]);
        assert!(verdicts.is_false.is_empty());
        assert_eq!(moves(&game, &false_one), []);

        // Of other batches, as after a reorganisation, nothing is known.
        let reorganised = Derivation { batch_hash: B256::repeat_byte(9), ..agreeing() };
        assert_eq!(judge(&game, &reorganised).confirmed, []);
        assert_eq!(judge(&game, &reorganised).unjudged, [CLAIMED].into());
    }

    #[test]
    fn claims_leave_enough_for_challenges() {
        let limits = games::empty().limits;
        let (claim, challenge) = (limits.claim_bond, limits.challenge_bond);
        let proposal = |byte| Action::Propose {
            content: ContentHash(B256::repeat_byte(byte)),
            parent: GENESIS,
            range: ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) },
            batch_hash: B256::ZERO,
            checkpoint: CheckpointHash(B256::ZERO),
            steps: 9,
            reveal: false,
            bond: claim,
        };
        let attack = Action::ChallengeClaim { attempt: ATTEMPT, bond: challenge };
        let all = [attack.clone(), proposal(1), proposal(2)];
        let kept = |balance: Option<U256>| {
            let game = one_claim();
            let mut moves = all.clone().map(|m| (Priority::of(&m, &game), m)).to_vec();
            let wanted = hold_back(&mut moves, balance, &limits);
            (moves.into_iter().map(|(_, action)| action).collect::<Vec<_>>(), wanted)
        };
        // Half a claim's bond, two challenges and the planned one: 5 + 3 * 3; then 10 for each claim.
        let enough = U256::from(34);
        assert_eq!(kept(Some(enough)), (all.to_vec(), U256::ZERO));
        assert_eq!(kept(Some(enough - U256::ONE)), (all[..2].to_vec(), enough));
        assert_eq!(kept(Some(U256::from(23))), (all[..1].to_vec(), enough));
        assert_eq!(kept(Some(U256::ZERO)).0, [attack], "a challenge is never held back");
        assert_eq!(kept(None), (all.to_vec(), U256::ZERO), "L1 did not tell");
    }
}
