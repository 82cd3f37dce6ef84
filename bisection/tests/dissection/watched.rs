//! What a watchtower asks for while all is well, and when it must cry.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use alloy_primitives::{B256, U256};
use recourse_bisection::{
    Action, Boundary, ClaimRange, History, Knowledge, Party, Role, model::Move, next_actions,
    unopposed,
};
use recourse_protocol::{AttemptId, BatchIndex, CheckpointHash};

use crate::{
    actors::{LIAR, Lie, WATCHTOWER},
    arena::{Arena, RESPONSE, TICK, WINDOW},
    toy::{Honest, ToyHistory},
};

const PARTY: Party = Party { address: WATCHTOWER, owed: U256::ZERO, role: Role::Watchtower };

/// Has hashes, and histories or not; notes for which ranges whole histories are asked.
pub struct Sparing<'a> {
    honest: Honest<'a>,
    has: bool,
    pub ranges: RefCell<Vec<ClaimRange>>,
}

impl<'a> Sparing<'a> {
    pub fn of(arena: &'a Arena, has: bool) -> Self {
        Self { honest: Honest(&arena.model), has, ranges: RefCell::default() }
    }
}

impl Knowledge for Sparing<'_> {
    type History = ToyHistory;

    fn newest(&self) -> BatchIndex {
        self.honest.newest()
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        self.honest.boundary(batch)
    }

    fn history(&self, range: ClaimRange) -> Option<ToyHistory> {
        self.ranges.borrow_mut().push(range);
        self.honest.history(range).filter(|_| self.has)
    }

    fn hashes(&self, range: ClaimRange) -> Option<impl History> {
        self.honest.history(range)
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        self.honest.elements(versioned_hash)
    }
}

fn alone() -> Arena {
    let mut arena = Arena::new(4095, &[100]);
    (arena.proposer, arena.watchtower) = (false, false);
    arena
}

fn cries(arena: &Arena, has: bool) -> BTreeSet<AttemptId> {
    unopposed(arena.model.game(), &Sparing::of(arena, has), &PARTY)
}

#[test]
fn true_claims_are_looked_at_by_their_hashes_alone() {
    for (lie, expected) in [(Lie::TrueButSilent, 0), (Lie::TrueButGarbage, 1)] {
        let mut arena = alone();
        arena.reveal_at_once = true;
        arena.lie(lie, arena.tip(), 1).unwrap();
        let known = Sparing::of(&arena, true);
        let actions = next_actions(arena.model.game(), &known, &PARTY);
        assert!(known.ranges.borrow().is_empty(), "{lie:?}");
        let claims = actions.iter().filter(|action| matches!(action, Action::Propose { .. }));
        assert_eq!(claims.count(), expected, "{lie:?}");
    }
}

#[test]
fn a_lie_that_can_be_challenged_is_no_reason_to_cry() {
    let mut arena = alone();
    let liar = arena.lie(Lie::Silent, arena.tip(), 1).unwrap();
    arena.model.advance(WINDOW);
    assert_eq!(cries(&arena, true), BTreeSet::new());
    arena.model.advance(1);
    assert_eq!(cries(&arena, true), [liar.attempt].into());
}

#[test]
fn a_lie_that_somebody_challenged_waits_for_its_answer() {
    let mut arena = alone();
    let attempt = arena.lie(Lie::Silent, arena.tip(), 1).unwrap().attempt;
    arena.model.advance(WINDOW);
    let bond = arena.model.game().limits.challenge_bond;
    arena.model.apply(LIAR, Move::ChallengeClaim { attempt, bond }).unwrap();
    for seconds in [1, RESPONSE, RESPONSE] {
        arena.model.advance(seconds);
        assert_eq!(cries(&arena, true), BTreeSet::new());
    }
}

#[test]
fn a_history_that_does_not_come_is_missed_before_it_is_too_late() {
    let mut arena = alone();
    arena.reveal_at_once = true;
    let liar = arena.lie(Lie::From(9), arena.tip(), 1).unwrap();
    arena.model.advance(WINDOW - RESPONSE / 2 - 1);
    assert_eq!(cries(&arena, false), BTreeSet::new());
    arena.model.advance(1);
    assert_eq!(cries(&arena, false), [liar.attempt].into());
    assert_eq!(cries(&arena, true), BTreeSet::new(), "there is a kill");
}

#[test]
fn the_true_and_the_dead_are_nobodys_to_oppose() {
    let mut arena = alone();
    arena.lie(Lie::TrueButSilent, arena.tip(), 1).unwrap();
    let liar = arena.lie(Lie::From(9), arena.tip(), 1).unwrap();
    arena.watchtower = true;
    arena.run(WINDOW);
    assert!(arena.is_dead(&liar));
    arena.watchtower = false;
    arena.model.advance(WINDOW);
    assert_eq!(cries(&arena, false), BTreeSet::new());
}

#[test]
fn of_equal_lies_that_which_confirms_first_is_proven() {
    let mut arena = alone();
    arena.reveal_at_once = true;
    let mut lies = Vec::new();
    for _ in 0..5 {
        lies.push(arena.lie(Lie::From(9), arena.tip(), 1).unwrap().attempt);
        arena.model.advance(TICK);
    }
    assert_ne!(lies.iter().min(), lies.first(), "their order is not that of their names");
    let actions = next_actions(arena.model.game(), &Sparing::of(&arena, true), &PARTY);
    let [Action::ProveFraudGap { attempt, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(*attempt, lies[0]);
}
