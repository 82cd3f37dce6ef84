//! What a block says of itself.

use alloy_primitives::{B256, U64};

use super::{cast::Cast, dice::Dice};
use crate::case::Block;

/// BLOCKHASH reaches so far.
const ANCESTORS: u64 = 256;
/// Slots of the EIP-2935 contract.
const WINDOW: u64 = 8_191;

/// A block, and the hashes of those before it.
pub(super) fn block(dice: &mut Dice, cast: &Cast) -> (Block, Vec<B256>) {
    // Many hashes make a large state: seldom.
    let number = match dice.below(20) {
        0 => dice.within(ANCESTORS - 2, ANCESTORS + 3),
        1 => dice.within(WINDOW - 2, WINDOW + 2),
        _ => dice.within(1, 12),
    };
    let gas_limit = if dice.percent(12) { dice.within(300_000, 3_000_000) } else { 30_000_000 };
    let block = Block {
        number: U64::from(number),
        timestamp: U64::from(dice.within(1_700_000_000, 1_800_000_000)),
        gas_limit: U64::from(gas_limit),
        base_fee: U64::from(dice.pick(&[0, 7, 1_000, 1_000_000_000])),
        prev_randao: word(dice),
        coinbase: cast.coinbase,
        anchor: word(dice),
    };
    (block, (0..number.min(ANCESTORS)).map(|_| word(dice)).collect())
}

fn word(dice: &mut Dice) -> B256 {
    B256::from_slice(&dice.bytes(32))
}
