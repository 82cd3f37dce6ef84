//! What proof of work paid, which a chain from elsewhere may have in its past.

use alloy_consensus::{Header, constants::ETH_TO_WEI};
use alloy_evm::block::calc::{block_reward, ommer_reward};
use alloy_primitives::{Address, U256};
use revm::primitives::hardfork::SpecId;

/// The rewards of a block and of its ommers in wei (Yellow Paper 11.3, EIP-649, EIP-1234); none since the Merge.
pub(super) fn rewards(spec: SpecId, header: &Header, ommers: &[Header]) -> Vec<(Address, U256)> {
    if spec.is_enabled_in(SpecId::MERGE) {
        return Vec::new();
    }
    let ether = if spec.is_enabled_in(SpecId::PETERSBURG) {
        2
    } else if spec.is_enabled_in(SpecId::BYZANTIUM) {
        3
    } else {
        5
    };
    let base = ETH_TO_WEI.saturating_mul(ether);
    let ommer =
        |ommer: &Header| (ommer.beneficiary, ommer_reward(base, header.number, ommer.number));
    let own = (header.beneficiary, block_reward(base, ommers.len()));
    let all = ommers.iter().map(ommer).chain([own]);
    all.map(|(address, wei)| (address, U256::from(wei))).collect()
}
