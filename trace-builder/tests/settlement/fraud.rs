//! Frauds and defences on the real contracts, by the planner's moves.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::{Action, Need};
use recourse_protocol::{Checkpoint, bindings::IRollup};
use recourse_trace_builder::RespondError;

use crate::{
    arena::{Arena, LIAR, Lie, PROPOSER, WATCHTOWER, at},
    l2::PERIODS,
};

pub fn false_end(arena: &Arena, batch: u64) -> Checkpoint {
    Checkpoint { state_root: B256::repeat_byte(0xee), ..arena.end(batch) }
}

/// A claim of the first batch that is false from the step after `true_up_to` on.
pub fn lie_from(arena: &mut Arena, true_up_to: u64, reveal: bool) -> Lie {
    let (tip, end, steps) = (arena.game.tip, false_end(arena, 1), arena.steps(0, 1));
    arena.lie(tip, 1, end, (steps, true_up_to), reveal)
}

#[test]
fn a_lie_about_any_step_is_killed_by_proving_it() {
    let start = Arena::new(4095);
    for step in 0..start.steps(0, 1) {
        let mut arena = start.clone();
        let lie = lie_from(&mut arena, step, true);
        let actions = arena.honest(WATCHTOWER);
        let [Action::ProveFraudGap { gap, .. }] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(gap.start, at(step));
        assert!(arena.is_dead(lie.attempt), "step {step}");
        assert_eq!(arena.owed(WATCHTOWER), arena.game.limits.claim_bond / U256::from(2));
    }
}

#[test]
fn a_step_of_a_longer_claim_is_proven_from_its_batch_alone() {
    let start = Arena::new(4095);
    let (one, two, all) = (start.steps(0, 1), start.steps(0, 2), start.steps(0, 3));
    let (tip, end) = (start.game.tip, false_end(&start, 3));
    for step in [0, one - 1, one, two - 1, two, all - 1] {
        let mut arena = start.clone();
        let lie = arena.lie(tip, 3, end, (all, step), true);
        let actions = arena.honest(WATCHTOWER);
        let [action @ Action::ProveFraudGap { range, gap, .. }] = &actions[..] else {
            panic!("{actions:?}")
        };
        assert_eq!((range.after.0, range.upto.0, gap.start), (0, 3, at(step)));
        assert_eq!(action.need(), Need::Step(*range, at(step)));
        assert!(arena.is_dead(lie.attempt), "step {step}");
    }
}

#[test]
fn a_proof_is_of_the_step_that_was_planned() {
    let mut arena = Arena::new(4095);
    lie_from(&mut arena, 6, true);
    let actions = arena.next(WATCHTOWER);
    let [action @ Action::ProveFraudGap { range, .. }] = &actions[..] else {
        panic!("{actions:?}")
    };
    let (_, batch) = arena.chain.batch_of(*range, at(6));
    let prove = |action: &Action, start| arena.responder(WATCHTOWER).prove(action, start, &batch);
    assert!(prove(action, at(0)).is_ok());
    assert!(matches!(prove(action, at(1)), Err(RespondError::OtherStep { .. })));
    assert!(matches!(prove(action, at(7)), Err(RespondError::History(_))));
    let other = Action::Withdraw { amount: U256::ZERO };
    assert!(matches!(prove(&other, at(0)), Err(RespondError::NothingToProve)));
}

#[test]
fn equal_lies_are_killed_by_reference() {
    let mut arena = Arena::new(4095);
    let lies: Vec<_> = (0..3).map(|_| lie_from(&mut arena, 6, true)).collect();
    arena.honest(WATCHTOWER);
    assert_eq!(lies.iter().filter(|lie| arena.is_dead(lie.attempt)).count(), 1);
    arena.honest(WATCHTOWER);
    assert!(lies.iter().all(|lie| arena.is_dead(lie.attempt)));
    assert_eq!(arena.moves(|action| matches!(action, Action::KillGap { .. })), 2);
}

#[test]
fn too_few_steps_and_too_many() {
    let mut arena = Arena::new(4095);
    let (tip, end, steps) = (arena.game.tip, arena.end(1), arena.steps(0, 1));
    let few = arena.lie(tip, 1, end, (steps - 2, steps), true);
    let many = arena.lie(tip, 1, end, (steps + 3, steps), true);
    let one = arena.lie(tip, 1, end, (1, 0), false);
    let again = arena.lie(tip, 1, end, (1, 0), false);
    arena.honest(WATCHTOWER);
    arena.honest(WATCHTOWER);
    for lie in [few, many, one, again] {
        assert!(arena.is_dead(lie.attempt), "{} steps", lie.steps);
    }
    for (is, times) in [
        (&(|a: &Action| matches!(a, Action::KillGapBeyond { .. })) as &dyn Fn(&Action) -> bool, 1),
        (&|a: &Action| matches!(a, Action::ProveFraudClaim { .. }), 1),
        (&|a: &Action| matches!(a, Action::KillClaim { .. }), 1),
        (&|a: &Action| matches!(a, Action::ProveFraudGap { .. }), 1),
    ] {
        assert_eq!(arena.moves(is), times);
    }
}

#[test]
fn whole_disputes_end_with_the_truth_confirmed() {
    for arity in [2, 4, 4095] {
        let mut arena = Arena::new(arity);
        let lie = lie_from(&mut arena, 10, false);
        let until = PERIODS.challenge_window + PERIODS.response_period * 2;
        arena.run(&[PROPOSER, WATCHTOWER], &[lie], until);
        assert!(arena.is_dead(lie.attempt), "arity {arity}");
        assert_eq!(arena.tip_batch(), 3);
        let challenges = arena.moves(|action| {
            matches!(action, Action::ChallengeClaim { .. } | Action::ChallengeGap { .. })
        });
        let rounds = if arity == 4095 { 1 } else { 3 };
        assert!(challenges >= rounds, "arity {arity}: {challenges}");
        // Everybody took what is theirs; what the liar has lost was burned or paid.
        for who in [PROPOSER, WATCHTOWER, LIAR] {
            assert_eq!(arena.owed(who), U256::ZERO, "{who}");
        }
        assert_eq!(
            arena.moves(|action| matches!(action, Action::SettleChallenge { .. })),
            challenges
        );
        assert_eq!(balance(&arena), U256::ZERO, "arity {arity}");
    }
}

#[test]
fn silence_is_timed_out() {
    let mut arena = Arena::new(4095);
    let lie = lie_from(&mut arena, 10, false);
    arena.run(&[WATCHTOWER], &[], PERIODS.response_period * 2);
    assert!(arena.is_dead(lie.attempt));
    assert_eq!(arena.moves(|action| matches!(action, Action::Timeout { .. })), 1);
}

#[test]
fn a_baseless_challenge_is_answered_and_earned() {
    for arity in [4, 4095] {
        let mut arena = Arena::new(arity);
        arena.honest(PROPOSER);
        let attempt = arena.game.attempts.keys().next().unwrap().0;
        let bond = arena.game.limits.challenge_bond;
        let challenge = IRollup::challengeClaimCall { attempt };
        arena.send(LIAR, challenge.abi_encode(), bond, &[]).unwrap();
        let until = PERIODS.challenge_window + PERIODS.response_period * 2;
        arena.run(&[PROPOSER], &[], until);
        assert_eq!(arena.tip_batch(), 3);
        let withdrawn = arena.log.iter().find_map(|(_, action, _)| match action {
            Action::Withdraw { amount } => Some(*amount),
            _ => None,
        });
        assert_eq!(withdrawn, Some(arena.game.limits.claim_bond + bond));
    }
}

#[test]
fn children_of_lies_give_their_bonds_back() {
    let mut arena = Arena::new(4095);
    let parent = lie_from(&mut arena, 10, true);
    let content = arena.game.attempts[&parent.attempt].content;
    let end = false_end(&arena, 2);
    let child = arena.lie(content, 2, end, (5, 0), false);
    let until = PERIODS.challenge_window + PERIODS.response_period * 2;
    arena.run(&[PROPOSER, WATCHTOWER], &[], until);
    assert!(arena.is_dead(parent.attempt) && !arena.is_dead(child.attempt));
    let settle = IRollup::settleAttemptCall { attempt: child.attempt.0 };
    arena.send(LIAR, settle.abi_encode(), U256::ZERO, &[]).unwrap();
    assert_eq!(arena.owed(LIAR), arena.game.limits.claim_bond);
}

fn balance(arena: &Arena) -> U256 {
    arena.l1.balance(arena.l1.rollup)
}

/// The L1 keeps what is burned at the zero address.
#[test]
fn half_of_a_dead_claim_is_burned() {
    let mut arena = Arena::new(4095);
    let before = arena.l1.balance(Address::ZERO);
    lie_from(&mut arena, 4, true);
    arena.honest(WATCHTOWER);
    let burned = arena.l1.balance(Address::ZERO) - before;
    assert!(burned >= arena.game.limits.claim_bond / U256::from(2));
}
