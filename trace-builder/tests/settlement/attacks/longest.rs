//! A claim of 2^24 steps.

use alloy_primitives::{Address, U256};
use recourse_bisection::Action;

use crate::{
    arena::{Arena, WATCHTOWER},
    fraud::false_end,
    l2::PERIODS,
};

/// By classic bisection, the arity that makes most of it: the batch has some dozens of steps, the claim 2^24, the lie begins at
/// the sixth. The watchtower finds it in 24 rounds, none of which costs more for the claim's length.
#[test]
fn a_lie_hides_in_sixteen_million_steps_of_classic_bisection() {
    let mut arena = Arena::new(2);
    let (tip, end) = (arena.game.tip, false_end(&arena, 1));
    let burned = arena.l1.balance(Address::ZERO);
    let lie = arena.lie(tip, 1, end, (1 << 24, 5), false);
    let mut rounds = 0;
    while !arena.is_dead(lie.attempt) {
        arena.run(&[WATCHTOWER], &[lie], PERIODS.response_period / 5);
        rounds += 1;
        assert!(rounds < 30, "no level twice");
    }
    let challenges = arena.moves(|action| {
        matches!(action, Action::ChallengeClaim { .. } | Action::ChallengeGap { .. })
    });
    assert_eq!(challenges, 24, "one for each halving");
    let most = arena.log.iter().map(|(_, _, gas)| *gas).max().unwrap();
    eprintln!("{challenges} challenges, no move of the watchtower above {most} gas");
    assert!(most < 2_000_000, "{most}");
    let bond = arena.game.limits.claim_bond;
    assert_eq!(arena.l1.balance(Address::ZERO) - burned, bond / U256::from(2));
    assert_eq!(arena.owed(WATCHTOWER), bond / U256::from(2));
}
