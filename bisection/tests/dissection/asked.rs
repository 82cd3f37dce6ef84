//! What an owner's planner asks for: histories take long to make.

use alloy_primitives::U256;
use recourse_bisection::{Action, ClaimRange, Party, Role, model::Move, next_actions};
use recourse_protocol::{AttemptId, BatchIndex};

use crate::{
    actors::{LIAR, Lie, WATCHTOWER, harass},
    arena::{Arena, TICK},
    watched::Sparing,
};

/// What the owner of the claims asks for, and the reveals that it makes.
fn plan(arena: &Arena, has: bool) -> (Vec<ClaimRange>, Vec<Action>) {
    let known = Sparing::of(arena, has);
    // More batches than there are: no new claim is in the way.
    let role = Role::Proposer { min_batches: 99, reveal_at_once: false };
    let party = Party { address: LIAR, owed: U256::ZERO, role };
    let mut actions = next_actions(arena.model.game(), &known, &party);
    actions.retain(|action| matches!(action, Action::Reveal { .. }));
    (known.ranges.into_inner(), actions)
}

fn challenge(arena: &mut Arena, attempt: AttemptId) {
    let bond = arena.model.game().limits.challenge_bond;
    arena.model.apply(WATCHTOWER, Move::ChallengeClaim { attempt, bond }).unwrap();
}

#[test]
fn many_challenges_of_one_claim_ask_for_its_history_once() {
    let mut arena = Arena::new(8, &[500]);
    arena.reveal_at_once = true;
    arena.lie(Lie::TrueButSilent, arena.tip(), 1).unwrap();
    harass(&mut arena.model);
    let (ranges, reveals) = plan(&arena, true);
    assert_eq!(ranges, [ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) }]);
    assert_eq!(reveals.len(), 3);
    // Not at hand, it is asked for all the same, and nothing is made up.
    assert_eq!(plan(&arena, false), (ranges, Vec::new()));
}

#[test]
fn the_history_with_the_nearest_deadline_is_asked_for_first() {
    let mut firsts = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let mut arena = Arena::new(8, &[500, 40]);
        let claims =
            [1, 2].map(|upto| arena.lie(Lie::TrueButSilent, arena.tip(), upto).unwrap().attempt);
        for which in order {
            challenge(&mut arena, claims[which]);
            arena.model.advance(TICK);
        }
        let (ranges, reveals) = plan(&arena, true);
        assert_eq!(ranges.len(), 2);
        let asked: Vec<usize> = ranges.iter().map(|range| range.upto.0 as usize - 1).collect();
        assert_eq!(asked, order);
        let attempt = |action: &Action| match action {
            Action::Reveal { attempt, .. } => *attempt,
            other => panic!("{other:?}"),
        };
        let revealed: Vec<AttemptId> = reveals.iter().map(attempt).collect();
        assert_eq!(revealed, order.map(|which| claims[which]));
        firsts.push(claims);
    }
    // The same claims both times: their order is not that of their names.
    assert_eq!(firsts[0], firsts[1]);
}
