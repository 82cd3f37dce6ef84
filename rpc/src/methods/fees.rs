//! Prices.

use alloy::rpc::types::FeeHistory;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    Chain, ChainError, MinedBlock,
    api::{Api, Args, method},
    resolve,
};

/// One call covers at most so many blocks, as in geth.
const MAX_HISTORY: u64 = 1024;
/// One call asks for at most so many percentiles, as in geth.
const MAX_PERCENTILES: usize = 100;

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_gasPrice", |api, _| -> Result<U256, _> {
        let fees = api.chain.fees()?;
        Ok(U256::from(u128::from(fees.base_fee).saturating_add(fees.priority_fee)))
    })?;
    method(module, "eth_maxPriorityFeePerGas", |api, _| -> Result<U256, _> {
        Ok(U256::from(api.chain.fees()?.priority_fee))
    })?;
    method(module, "eth_baseFee", |api, _| -> Result<U256, _> {
        Ok(U256::from(api.chain.fees()?.base_fee))
    })?;
    method(module, "eth_blobBaseFee", |api, _| -> Result<U256, _> {
        let fee = api.chain.fees()?.blob_base_fee;
        fee.map(U256::from).ok_or(ChainError::Unsupported("eth_blobBaseFee"))
    })?;
    method(module, "eth_feeHistory", history)
}

fn history<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<FeeHistory, ChainError> {
    let count = args.required::<U64>("block count")?.saturating_to::<u64>().min(MAX_HISTORY);
    let newest = args.required::<BlockNumberOrTag>("newest block")?;
    let percentiles = args.optional::<Vec<f64>>("reward percentiles")?;
    check(percentiles.as_deref().unwrap_or_default())?;
    // `pending` has no block of its own here: the history ends at the head.
    let head = api.chain.head();
    let newest = match newest {
        BlockNumberOrTag::Pending => head,
        tag => resolve::number(&*api.chain, tag),
    };
    if newest > head {
        return Err(ChainError::Refused(format!(
            "request beyond head block: requested {newest}, head {head}"
        )));
    }
    let oldest = newest.saturating_add(1).saturating_sub(count);
    let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
    history.reward = percentiles.as_ref().filter(|list| !list.is_empty()).map(|_| Vec::new());
    if count == 0 {
        return Ok(history);
    }
    let blobs = api.chain.fees()?.blob_base_fee.is_some();
    for number in oldest..=newest {
        let block = api.chain.block(number)?.ok_or(ChainError::NotFound("block"))?;
        add_block(api, &mut history, &block, blobs);
        if let Some(reward) = &mut history.reward {
            reward.push(rewards(&block, percentiles.as_deref().unwrap_or_default()));
        }
    }
    add_next(api, &mut history, newest)?;
    Ok(history)
}

fn check(percentiles: &[f64]) -> Result<(), ChainError> {
    let sorted = percentiles.is_sorted();
    if percentiles.len() > MAX_PERCENTILES
        || !sorted
        || percentiles.iter().any(|p| !(0.0..=100.0).contains(p))
    {
        return Err(ChainError::InvalidParams(
            "reward percentiles must be ascending numbers from 0 to 100".to_owned(),
        ));
    }
    Ok(())
}

fn add_block<C: Chain>(
    api: &Api<C>,
    history: &mut FeeHistory,
    block: &MinedBlock,
    // Whether the chain has blobs by now, though perhaps not in this block.
    blobs: bool,
) {
    let header = block.header();
    history.base_fee_per_gas.push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
    history.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
    if let Some(params) = api.chain.blob_params(header.timestamp) {
        history.base_fee_per_blob_gas.push(block.blob_price().unwrap_or_default());
        let used = header.blob_gas_used.unwrap_or_default();
        history.blob_gas_used_ratio.push(ratio(used, params.max_blob_gas_per_block()));
    } else if blobs {
        history.base_fee_per_blob_gas.push(0);
        history.blob_gas_used_ratio.push(0.0);
    }
}

/// The fees of the block after the newest of the range.
fn add_next<C: Chain>(
    api: &Api<C>,
    history: &mut FeeHistory,
    newest: u64,
) -> Result<(), ChainError> {
    let (base, blob) = match api.chain.block(newest.saturating_add(1))? {
        Some(next) => (next.header().base_fee_per_gas.unwrap_or_default(), next.blob_price()),
        None => {
            let fees = api.chain.fees()?;
            (fees.base_fee, fees.blob_base_fee)
        }
    };
    history.base_fee_per_gas.push(u128::from(base));
    if !history.base_fee_per_blob_gas.is_empty() {
        history.base_fee_per_blob_gas.push(blob.unwrap_or_default());
    }
    Ok(())
}

/// Tips at these percentiles of the block's gas; zeros for an empty block.
fn rewards(block: &MinedBlock, percentiles: &[f64]) -> Vec<u128> {
    let mut paid: Vec<(u128, u64)> = (0..block.transactions().len())
        .filter_map(|index| block.tip(index).zip(block.gas_used(index)))
        .collect();
    paid.sort_unstable();
    let total = block.header().gas_used;
    percentiles.iter().map(|percentile| tip_at(&paid, threshold(total, *percentile))).collect()
}

fn tip_at(paid: &[(u128, u64)], threshold: u64) -> u128 {
    let mut sum = 0_u64;
    for (tip, gas) in paid {
        sum = sum.saturating_add(*gas);
        if sum >= threshold {
            return *tip;
        }
    }
    paid.last().map_or(0, |(tip, _)| *tip)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentile of block gas, which is far below 2^52, and within 0..=100"
)]
fn threshold(total: u64, percentile: f64) -> u64 {
    (total as f64 * percentile / 100.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "the field is a floating-point ratio")]
fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}
