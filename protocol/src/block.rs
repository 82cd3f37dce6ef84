//! L2 blocks: base fee (EIP-1559) and header.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Bloom, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::{
    Checkpoint,
    bindings::{BlockContext, Credit},
};

/// The most that an L2 base fee can be, in wei per gas: the EVM implementations carry 64 bits.
const MAX_BASE_FEE: U256 = U256::from_limbs([u64::MAX, 0, 0, 0]);
const ELASTICITY: u64 = 2;
const DENOMINATOR: u64 = 8;

/// The base fee of the block after one with this base fee and gas: EIP-1559 with elasticity 2 and
/// denominator 8, at most 2^64 - 1. `gas_limit` is at least 2.
#[must_use]
pub fn base_fee_of_child(base_fee: U256, gas_used: u64, gas_limit: u64) -> U256 {
    let base_fee = base_fee.min(MAX_BASE_FEE);
    let target = (gas_limit / ELASTICITY).max(1);
    // Two 64-bit factors: nothing here can pass 2^128.
    let change = |gas: u64| {
        base_fee
            .saturating_mul(U256::from(gas))
            .wrapping_div(U256::from(target))
            .wrapping_div(U256::from(DENOMINATOR))
    };
    match gas_used.cmp(&target) {
        core::cmp::Ordering::Equal => base_fee,
        core::cmp::Ordering::Greater => {
            let more = change(gas_used.saturating_sub(target)).max(U256::ONE);
            base_fee.saturating_add(more).min(MAX_BASE_FEE)
        }
        core::cmp::Ordering::Less => {
            base_fee.saturating_sub(change(target.saturating_sub(gas_used)))
        }
    }
}

/// The header of a sealed block: the 21 fields of Prague, with running digests in place of the transactions
/// and receipts roots, an empty bloom (EIP-7668) and the credits' hash as withdrawals root.
#[must_use]
pub fn l2_header(
    sealed: &Checkpoint,
    block: &BlockContext,
    anchor: B256,
    credits: &[Credit],
) -> Header {
    Header {
        parent_hash: sealed.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: block.coinbase,
        state_root: sealed.state_root,
        transactions_root: sealed.tx_digest,
        receipts_root: sealed.receipt_digest,
        logs_bloom: Bloom::ZERO,
        number: block.number,
        gas_limit: block.gasLimit,
        gas_used: sealed.gas_used,
        timestamp: block.timestamp,
        mix_hash: block.prevRandao,
        base_fee_per_gas: Some(block.baseFee.saturating_to()),
        withdrawals_root: Some(keccak256(credits.to_vec().abi_encode())),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(anchor),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// Hash of [`l2_header`]; `sealed` has the state root after the credits, and the parent's hash.
#[must_use]
pub fn header_hash(
    sealed: &Checkpoint,
    block: &BlockContext,
    anchor: B256,
    credits: &[Credit],
) -> B256 {
    l2_header(sealed, block, anchor, credits).hash_slow()
}
