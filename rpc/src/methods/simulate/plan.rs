//! Which blocks a simulation has: numbers and times in order, gaps filled with empty blocks.

use alloy::rpc::types::{
    BlockOverrides,
    simulate::{MAX_SIMULATE_BLOCKS, SimBlock},
};
use alloy_consensus::Header;
use alloy_primitives::U256;

use super::error::Code;
use crate::ChainError;

/// Seconds between two blocks where the caller names no time.
const SECONDS: u64 = 12;

/// A block to simulate, with its number and time.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) block: SimBlock,
}

/// Puts the blocks in order after `base`.
pub(super) fn plan(base: &Header, blocks: Vec<SimBlock>) -> Result<Vec<Planned>, ChainError> {
    let mut planned: Vec<Planned> = Vec::new();
    let (mut number, mut time) = (base.number, base.timestamp);
    for block in blocks {
        let overrides = block.block_overrides.as_ref();
        let next = number.saturating_add(1);
        let wanted = overrides.and_then(|o| o.number).unwrap_or_else(|| U256::from(next));
        if wanted < U256::from(next) {
            let text = format!("block numbers must be in order: {wanted} <= {number}");
            return Err(Code::BlockNumber.error(text));
        }
        if wanted.saturating_sub(U256::from(base.number)) > U256::from(MAX_SIMULATE_BLOCKS) {
            return Err(Code::ClientLimit.error("too many blocks"));
        }
        let wanted: u64 = wanted.saturating_to();
        for gap in next..wanted {
            time = time.saturating_add(SECONDS);
            planned.push(Planned { number: gap, time, block: SimBlock::default() });
        }
        let at = overrides.and_then(|o| o.time).unwrap_or_else(|| time.saturating_add(SECONDS));
        if at <= time {
            let text = format!("block timestamps must be in order: {at} <= {time}");
            return Err(Code::BlockTime.error(text));
        }
        (number, time) = (wanted, at);
        planned.push(Planned { number, time, block });
    }
    Ok(planned)
}

/// The header of a planned block as far as its parent does not decide it: coinbase and gas limit stay as they were.
pub(super) fn header(before: &Header, planned: &Planned) -> Header {
    let overrides = planned.block.block_overrides.clone().unwrap_or_default();
    let BlockOverrides { difficulty, gas_limit, coinbase, random, base_fee, beacon_root, .. } =
        overrides;
    Header {
        number: planned.number,
        timestamp: planned.time,
        difficulty: difficulty.unwrap_or(before.difficulty),
        gas_limit: gas_limit.unwrap_or(before.gas_limit),
        beneficiary: coinbase.unwrap_or(before.beneficiary),
        mix_hash: random.unwrap_or_default(),
        base_fee_per_gas: base_fee.map(|fee| fee.saturating_to()),
        parent_beacon_block_root: beacon_root,
        ..Header::default()
    }
}
