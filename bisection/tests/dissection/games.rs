//! Games of honest parties against each kind of liar, under classic bisection, a small arity and the default one.

use recourse_bisection::{Action, model::Move};

use crate::{
    actors::{LIAR, Lie, PROPOSER, WATCHTOWER, harass},
    arena::{Arena, RESPONSE, TICK, WINDOW, levels_for},
};

const ARITIES: [u32; 3] = [2, 4, 4095];
const FALSE: [Lie; 7] = [
    Lie::From(1),
    Lie::From(57),
    Lie::Wavers(3, 40),
    Lie::TooFew(5),
    Lie::TooMany(3),
    Lie::Garbage,
    Lie::Silent,
];

fn worst_case(arity: u32) -> u64 {
    WINDOW + RESPONSE * 2 * u64::from(levels_for(arity)) + TICK * 2
}

#[test]
fn an_honest_chain_confirms_without_a_dispute() {
    let mut arena = Arena::new(4, &[10, 1, 7]);
    arena.run(WINDOW + 6 * TICK);
    assert_eq!(arena.tip_batch(), 3);
    assert_eq!((arena.gain(PROPOSER), arena.gain(WATCHTOWER)), (0, 0));
    arena.check_fortunes();
}

#[test]
fn every_lie_dies_and_the_truth_confirms() {
    for arity in ARITIES {
        for lie in FALSE {
            let mut arena = Arena::new(arity, &[100, 30]);
            let liar = arena.lie(lie, arena.tip(), 1).unwrap();
            arena.run(worst_case(arity) + WINDOW);
            assert!(arena.is_dead(&liar), "{lie:?} lives under arity {arity}");
            assert_eq!(arena.tip_batch(), 2, "{lie:?} under arity {arity}");
            // The kill's reward, and the challenge bonds are back.
            assert_eq!(arena.gain(WATCHTOWER), 500, "{lie:?} under arity {arity}");
            assert_eq!(arena.gain(LIAR), -1001);
            arena.check_fortunes();
        }
    }
}

#[test]
fn lies_about_single_steps_die_without_a_challenge() {
    for (lie, batches) in [(Lie::From(1), &[1, 5][..]), (Lie::TooFew(4), &[5, 5][..])] {
        let mut arena = Arena::new(4, batches);
        let liar = arena.lie(lie, arena.tip(), 1).unwrap();
        assert_eq!(liar.steps, 1);
        arena.tick();
        assert!(arena.is_dead(&liar), "{lie:?}");
        assert!(matches!(arena.log[1].1, Action::ProveFraudClaim { .. }), "{:?}", arena.log);
    }
}

#[test]
fn too_many_steps_die_by_the_end_of_their_batch() {
    let mut arena = Arena::new(4095, &[100, 30]);
    arena.lie(Lie::TooMany(7), arena.tip(), 1).unwrap();
    arena.run(WINDOW);
    let beyond = |(_, action): &&_| matches!(action, Action::KillGapBeyond { .. });
    assert_eq!(arena.log.iter().filter(beyond).count(), 1);
}

#[test]
fn two_levels_settle_long_claims() {
    for lie in [Lie::From(12_345), Lie::TooMany(5000), Lie::TooFew(5000), Lie::Garbage] {
        let mut arena = Arena::new(4095, &[20_000, 9000]);
        let liar = arena.lie(lie, arena.tip(), 1).unwrap();
        arena.run(WINDOW + 5 * TICK);
        assert!(arena.is_dead(&liar), "{lie:?}");
        let challenges = arena.log.iter().filter(|(_, action)| {
            matches!(action, Action::ChallengeClaim { .. } | Action::ChallengeGap { .. })
        });
        assert!(challenges.count() <= 2);
    }
}

#[test]
fn equal_lies_are_proven_once() {
    let mut arena = Arena::new(4095, &[100]);
    let liars: Vec<_> = (0..5).map(|_| arena.lie(Lie::From(9), arena.tip(), 1).unwrap()).collect();
    arena.run(8 * TICK);
    assert!(liars.iter().all(|liar| arena.is_dead(liar)));
    let proofs = arena.log.iter().filter(|(_, a)| matches!(a, Action::ProveFraudGap { .. }));
    assert_eq!(proofs.count(), 1);
    let references = arena.log.iter().filter(|(_, a)| matches!(a, Action::KillGap { .. }));
    assert_eq!(references.count(), 4);
}

#[test]
fn a_claim_with_its_reveal_needs_no_challenge() {
    let mut arena = Arena::new(4095, &[100]);
    arena.reveal_at_once = true;
    let liar = arena.lie(Lie::From(9), arena.tip(), 1).unwrap();
    arena.tick();
    assert!(arena.is_dead(&liar));
    assert!(!arena.log.iter().any(|(_, a)| matches!(a, Action::ChallengeClaim { .. })));
}

#[test]
fn an_owner_earns_the_bonds_of_baseless_challenges() {
    for arity in ARITIES {
        let mut arena = Arena::new(arity, &[64]);
        arena.harasser = true;
        arena.run(worst_case(arity) + 4 * TICK);
        assert_eq!(arena.tip_batch(), 1);
        assert!(arena.gain(PROPOSER) >= 107, "arity {arity}: {}", arena.gain(PROPOSER));
        arena.check_fortunes();
    }
}

#[test]
fn the_watchtower_claims_what_lost_its_owner() {
    for lie in [Lie::TrueButSilent, Lie::TrueButGarbage] {
        let mut arena = Arena::new(4, &[64]);
        arena.proposer = false;
        arena.harasser = true;
        let owner = arena.lie(lie, arena.tip(), 1).unwrap();
        arena.run(2 * worst_case(4));
        assert_eq!(arena.tip_batch(), 1, "{lie:?}");
        let own = arena.model.game().attempts.values().find(|a| a.owner == WATCHTOWER);
        assert!(own.is_some(), "{lie:?} was left alone");
        assert_eq!(arena.model.game().attempts[&owner.attempt].content, own.unwrap().content);
        arena.check_fortunes();
    }
}

#[test]
fn children_of_lies_are_void_and_nobody_fights_them() {
    let mut arena = Arena::new(4, &[20, 20]);
    let parent = arena.lie(Lie::From(3), arena.tip(), 1).unwrap();
    let content = arena.model.game().attempts[&parent.attempt].content;
    let child = arena.lie(Lie::From(2), content, 2).unwrap();
    arena.run(worst_case(4) + WINDOW);
    assert!(arena.is_dead(&parent) && !arena.is_dead(&child));
    assert_eq!(arena.tip_batch(), 2);
}

#[test]
fn a_game_can_be_taken_up_at_any_point() {
    // The plan is a function of the game: two watchtowers that start at different times make the same moves.
    let mut arena = Arena::new(4, &[100, 30]);
    let liar = arena.lie(Lie::From(57), arena.tip(), 1).unwrap();
    for absent in 0..40 {
        arena.watchtower = absent % 3 == 0;
        arena.tick();
    }
    arena.watchtower = true;
    arena.run(WINDOW);
    assert!(arena.is_dead(&liar));
    arena.check_fortunes();
}

#[test]
fn garbage_under_a_true_claim_does_not_delay_it() {
    // The owner would kill its own claim at the last moment; the watchtower's stands beside it by then.
    let mut arena = Arena::new(4095, &[64]);
    arena.proposer = false;
    arena.saboteur = true;
    arena.reveal_at_once = true;
    let owner = arena.lie(Lie::TrueButGarbage, arena.tip(), 1).unwrap();
    arena.run(WINDOW + 4 * TICK);
    assert!(arena.is_dead(&owner));
    assert_eq!(arena.tip_batch(), 1);
    arena.check_fortunes();
}

#[test]
fn a_deadline_missed_is_made_up_for() {
    // The owner was away, and the challenger leaves the claim in limbo instead of timing it out.
    let mut arena = Arena::new(4095, &[64]);
    arena.watchtower = false;
    arena.tick();
    arena.observed(harass);
    arena.proposer = false;
    arena.run(RESPONSE + 2 * TICK);
    arena.proposer = true;
    arena.run(WINDOW + 4 * TICK);
    assert_eq!(arena.tip_batch(), 1);
    assert_eq!(arena.log.iter().filter(|(_, a)| matches!(a, Action::Propose { .. })).count(), 2);
}

#[test]
fn nothing_is_built_on_what_only_a_stranger_claims() {
    // He owns two true claims with the same parent. He could let the first die once the second has moved the tip past the
    // point where anybody may claim the first again; what was built on the first would never confirm.
    let mut arena = Arena::new(4, &[64, 30, 50]);
    arena.lie(Lie::TrueButSilent, arena.tip(), 2).unwrap();
    arena.lie(Lie::TrueButSilent, arena.tip(), 1).unwrap();
    let tip = arena.tip();
    arena.tick();
    let game = arena.model.game();
    let own: Vec<_> = game.attempts.values().filter(|a| a.owner == PROPOSER).collect();
    assert_eq!(own.len(), 1);
    let claimed = game.contents[&own[0].content];
    assert_eq!((claimed.parent, claimed.batch.0), (tip, 3));
    arena.run(worst_case(4) + 4 * TICK);
    assert_eq!(arena.tip_batch(), 3, "in time, whatever the stranger does");
    arena.check_fortunes();
}

fn append(arena: &mut Arena, steps: u64) {
    let ends = &mut arena.model.world_mut().ends;
    ends.push(ends.last().unwrap() + steps);
}

#[test]
fn nothing_is_built_above_an_own_claim_that_missed_a_deadline() {
    // It can't be claimed again once the tip has moved past its parent, and its challenger may leave it so for ever.
    let mut arena = Arena::new(4095, &[64, 30]);
    arena.watchtower = false;
    arena.tick();
    let missed = arena.log.iter().find_map(|(_, action)| match action {
        Action::Propose { content, .. } => Some(*content),
        _ => None,
    });
    let missed = missed.unwrap();
    append(&mut arena, 20);
    arena.tick();
    let game = arena.model.game();
    let above = game.attempts.values().find(|a| game.contents[&a.content].parent == missed);
    let above = above.unwrap().content;
    let (attempt, _) = game.attempts_of(missed).next().unwrap();
    let (attempt, bond) = (*attempt, game.limits.challenge_bond);
    let sibling = arena.lie(Lie::TrueButSilent, arena.tip(), 1).unwrap().attempt;
    arena.model.apply(LIAR, Move::ChallengeClaim { attempt, bond }).unwrap();
    arena.proposer = false;
    arena.run(WINDOW + TICK);
    arena.model.apply(LIAR, Move::Confirm { attempt: sibling }).unwrap();
    assert_eq!(arena.tip_batch(), 1);

    append(&mut arena, 10);
    arena.proposer = true;
    arena.tick();
    let game = arena.model.game();
    let built_on = |parent| game.contents.values().filter(|c| c.parent == parent).count();
    assert_eq!((built_on(above), built_on(arena.tip())), (0, 1));
    arena.run(WINDOW + 3 * TICK);
    assert_eq!(arena.tip_batch(), 4);
}
