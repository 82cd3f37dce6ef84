#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly"
)]

//! The Rollup contract, as compiled, against the reference model of `recourse-bisection`: random moves of several players at
//! random times, most of them refused. After each, both must have accepted it, or refused it for the same reason, and must
//! agree on every fate, clock, counter and wei.
//!
//! Steps are those of a toy history of one line, and KZG is an ideal one: its precompile knows the blobs. Both are tested with
//! the real things elsewhere; here the state machine is.

mod calls;
mod compare;
mod generator;
mod l1;
mod totals;
mod toy;

use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use crate::{compare::Pair, l1::L1, totals::Totals};

/// Moves of the longest game.
const MOVES: usize = 300;
/// Games that every test run plays, for each arity; `cargo xtask games` plays as many others as one likes.
const GAMES: u32 = 200;

/// Plays random games. By default always the same.
fn play(arity: u32, levels: u8) {
    let start = L1::deploy(arity, levels);
    let games = std::env::var("RECOURSE_GAMES").ok().map(|games| games.parse().unwrap());
    let config = Config { cases: games.unwrap_or(GAMES), ..Config::default() };
    let mut runner = match games {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let mut totals = Totals::default();
    let totals_of = std::cell::RefCell::new(&mut totals);
    let result = runner.run(&vec(any::<u64>(), 1..=MOVES), |script| {
        let mut pair = Pair::new(start.clone(), arity, levels);
        for entropy in script {
            let step = generator::next(entropy, &mut pair);
            let outcome = pair.play(step).map_err(TestCaseError::fail)?;
            totals_of.borrow_mut().add(outcome);
        }
        totals_of.borrow_mut().met(&pair.fates);
        Ok(())
    });
    if let Err(error) = result {
        panic!("arity {arity}: {error}");
    }
    totals.check(arity);
}

#[test]
fn contract_and_model_agree_at_arity_4() {
    play(4, 12);
}

#[test]
fn contract_and_model_agree_in_bisection() {
    play(2, 24);
}

#[test]
fn contract_and_model_agree_at_the_default_arity() {
    play(4095, 2);
}
