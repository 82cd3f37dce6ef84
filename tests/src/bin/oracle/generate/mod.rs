//! Random cases: a state with contracts, and a block of transactions that make them work on each other.

mod author;
mod block;
mod call;
mod cast;
mod code;
mod delegation;
mod dice;
mod draft;
mod expression;
mod invalid;
mod precompile;
mod statement;
mod transactions;
mod world;

use alloy_primitives::U64;

use self::{cast::Cast, dice::Dice};
use crate::case::{Case, Credit};

const CHAIN: u64 = 7_777;

/// The case of a seed.
///
/// # Errors
/// When our own executor, which says what nonces there are, breaks on it.
pub(crate) fn generate(seed: u64) -> eyre::Result<Case> {
    let mut dice = Dice::new(seed);
    let mut cast = Cast::new(&mut dice)?;
    let alloc = world::alloc(&mut dice, &mut cast);
    let (block, block_hashes) = block::block(&mut dice, &cast);
    let mut case = Case {
        seed,
        chain_id: U64::from(CHAIN),
        blobs: dice.percent(25),
        block,
        block_hashes,
        alloc,
        transactions: Vec::new(),
        credits: credits(&mut dice, &cast),
    };
    world::remember_hashes(&mut case);
    transactions::fill(&mut dice, &cast, &mut case)?;
    Ok(case)
}

fn credits(dice: &mut Dice, cast: &Cast) -> Vec<Credit> {
    let credit = |dice: &mut Dice| Credit {
        to: dice.pick(&cast.names),
        gwei: U64::from(if dice.percent(20) { 0 } else { dice.below(1_000) }),
    };
    (0..dice.below(4)).map(|_| credit(dice)).collect()
}
