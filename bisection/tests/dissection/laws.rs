//! Laws, on random games: whatever liars do, in whatever order, honest parties lose nothing, no lie becomes final, and
//! the truth becomes final in time. The rules themselves are held after every move by the arena.

use proptest::prelude::*;

use crate::{
    actors::Lie,
    arena::{Arena, RESPONSE, TICK, WINDOW, levels_for},
};

fn lies() -> impl Strategy<Value = Lie> {
    prop_oneof![
        (0u64..300).prop_map(Lie::From),
        (0u64..300, 0u64..300).prop_map(|(a, b)| Lie::Wavers(a.min(b), a.max(b))),
        (1u64..300).prop_map(Lie::TooFew),
        (1u64..300).prop_map(Lie::TooMany),
        Just(Lie::Garbage),
        Just(Lie::Silent),
        Just(Lie::TrueButGarbage),
        Just(Lie::TrueButSilent),
    ]
}

#[derive(Debug, Clone)]
struct Script {
    arity: u32,
    batches: Vec<u64>,
    /// When, what, on which content (of those known then), about how many batches more.
    lies: Vec<(u8, Lie, prop::sample::Index, u64)>,
    harasser: bool,
    saboteur: bool,
    reveal_at_once: bool,
    every: u64,
}

fn scripts() -> impl Strategy<Value = Script> {
    (
        prop_oneof![Just(2u32), Just(3), Just(4), Just(17), Just(4095)],
        proptest::collection::vec(1u64..200, 1..5),
        proptest::collection::vec((0u8..60, lies(), any::<prop::sample::Index>(), 1u64..4), 0..8),
        any::<[bool; 3]>(),
        1u64..5,
    )
        .prop_map(|(arity, batches, lies, [harasser, saboteur, reveal_at_once], every)| {
            Script { arity, batches, lies, harasser, saboteur, reveal_at_once, every }
        })
}

fn perform(script: &Script) -> Arena {
    let mut arena = Arena::new(script.arity, &script.batches);
    arena.harasser = script.harasser;
    arena.saboteur = script.saboteur;
    arena.every = script.every;
    arena.reveal_at_once = script.reveal_at_once;
    for tick in 0..60 {
        for (when, lie, parent, more) in &script.lies {
            if *when == tick {
                let contents: Vec<_> = arena.model.game().contents.keys().copied().collect();
                let parent = *parent.get(&contents);
                let after = arena.model.game().contents[&parent].batch.0;
                let upto = (after + more).min(arena.model.world().newest().0);
                arena.lie(*lie, parent, upto);
            }
        }
        arena.tick();
    }
    arena.harasser = false;
    // The first claim's worst case, and once more for what had to be claimed again.
    let worst = WINDOW + RESPONSE * 2 * u64::from(levels_for(script.arity)) + 4 * TICK;
    arena.run(worst.saturating_mul(2));
    arena
}

proptest! {
    #[test]
    fn honest_parties_win_every_game(script in scripts()) {
        let arena = perform(&script);
        arena.check_fortunes();
        prop_assert_eq!(arena.tip_batch(), script.batches.len() as u64);
    }
}

/// The bound itself: with everybody as slow as the clocks allow, a claim of `levels` levels is decided at
/// window + 2 responses a level, and a second later it can be confirmed.
#[test]
fn the_worst_delay_is_the_window_and_two_responses_a_level() {
    for (arity, steps, levels) in
        [(4095u32, 4000u64, 1u64), (4095, 100_000, 2), (4, 64, 3), (2, 64, 6)]
    {
        let (confirmed_at, proposed_at) = slowest(arity, steps);
        assert_eq!(confirmed_at - proposed_at, WINDOW + 2 * levels * RESPONSE + 1, "arity {arity}");
    }
}

/// A true claim that is challenged, answered and challenged again at the last second each time.
fn slowest(arity: u32, steps: u64) -> (u64, u64) {
    use crate::actors::{LIAR, play, proposer};
    use recourse_bisection::{RevealedGap, model::Move};
    let mut arena = Arena::new(arity, &[steps]);
    let model = &mut arena.model;
    play(model, proposer(false));
    let proposed_at = model.game().now;
    let bond = model.game().limits.challenge_bond;
    let attempt = *model.game().attempts.keys().next().unwrap();
    model.advance(WINDOW);
    model.apply(LIAR, Move::ChallengeClaim { attempt, bond }).unwrap();
    loop {
        model.advance(RESPONSE);
        play(model, proposer(false));
        model.advance(RESPONSE);
        let newest = model.game().attempts[&attempt]
            .segments
            .values()
            .min_by_key(|s| s.segment.end - s.segment.start)
            .unwrap()
            .clone();
        let elements = model.elements(newest.reveal.unwrap().versioned_hash).unwrap();
        let gap = RevealedGap::of(&newest.segment, arity, 0, &elements).unwrap();
        if model.apply(LIAR, Move::ChallengeGap { attempt, gap, bond }).is_err() {
            break;
        }
    }
    assert!(model.apply(LIAR, Move::Confirm { attempt }).is_err());
    model.advance(1);
    model.apply(LIAR, Move::Confirm { attempt }).unwrap();
    (model.game().now, proposed_at)
}
