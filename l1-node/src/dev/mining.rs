//! Mining, time, snapshots, pool.

use std::time::Duration;

use alloy_primitives::{B256, U64, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use recourse_rpc::{Args, ChainError, method};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{config::Mining, node::Node};

/// Blocks that one call mines at most.
const MAX_BLOCKS: u64 = 100_000;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "evm_mine", |node, args| {
        if let Some(at) = timestamp_option(args)? {
            node.core().lock().set_next_timestamp(at)?;
        }
        node.core().lock().mine()?;
        Ok("0x0")
    })?;
    method(module, "anvil_mine", mine_many)?;
    module.register_alias("hardhat_mine", "anvil_mine")?;
    method(module, "evm_increaseTime", |node, args| {
        node.core().lock().increase_time(number(args, "seconds")?)
    })?;
    module.register_alias("anvil_increaseTime", "evm_increaseTime")?;
    method(module, "evm_setNextBlockTimestamp", |node, args| {
        node.core().lock().set_next_timestamp(number(args, "timestamp")?)?;
        Ok(Value::Null)
    })?;
    module.register_alias("anvil_setNextBlockTimestamp", "evm_setNextBlockTimestamp")?;
    register_modes(module)?;
    method(module, "evm_snapshot", |node, _| -> Result<U64, _> {
        Ok(U64::from(node.core().lock().snapshot()?))
    })?;
    module.register_alias("anvil_snapshot", "evm_snapshot")?;
    method(module, "evm_revert", |node, args| {
        let id = number(args, "snapshot id")?;
        node.core().lock().revert(id)
    })?;
    module.register_alias("anvil_revert", "evm_revert")?;
    method(module, "anvil_rollback", |node, args| {
        let depth = optional_number(args, "depth")?.unwrap_or(1);
        node.core().lock().rollback(depth)?;
        Ok(Value::Null)
    })?;
    register_pool(module)
}

fn register_modes(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "evm_setAutomine", |node, args| {
        let on = args.required::<bool>("enabled")?;
        node.set_mining(if on { Mining::Automatic } else { Mining::Manual })?;
        Ok(Value::Null)
    })?;
    module.register_alias("anvil_setAutomine", "evm_setAutomine")?;
    method(module, "anvil_getAutomine", |node, _| {
        Ok(node.core().lock().mining() == Mining::Automatic)
    })?;
    method(module, "evm_setIntervalMining", |node, args| {
        let seconds = number(args, "seconds")?;
        node.set_mining(match seconds {
            0 => Mining::Manual,
            _ => Mining::Interval(Duration::from_secs(seconds)),
        })?;
        Ok(Value::Null)
    })?;
    module.register_alias("anvil_setIntervalMining", "evm_setIntervalMining")?;
    method(module, "anvil_setNextBlockBaseFeePerGas", |node, args| {
        let fee = args.required::<U256>("base fee")?;
        let fee = u64::try_from(fee)
            .map_err(|_| ChainError::InvalidParams("base fee is too large".to_owned()))?;
        node.core().lock().set_next_base_fee(fee);
        Ok(Value::Null)
    })?;
    Ok(())
}

fn register_pool(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "anvil_dropTransaction", |node, args| {
        let hash = args.required::<B256>("transaction hash")?;
        Ok(node.core().lock().drop_transaction(&hash).then_some(hash))
    })?;
    method(module, "anvil_dropAllTransactions", |node, _| {
        node.core().lock().drop_all();
        Ok(Value::Null)
    })?;
    method(module, "anvil_nodeInfo", |node, _| {
        let core = node.core().lock();
        let head = core.head()?;
        let fork = core.fork().map(
            |fork| json!({ "forkUrl": fork.label(), "forkBlockNumber": fork.anchor().number }),
        );
        Ok(json!({
            "forkConfig": fork.unwrap_or_else(|| json!({})),
            "currentBlockNumber": U64::from(head.number()),
            "currentBlockTimestamp": head.header().timestamp,
            "currentBlockHash": head.hash(),
            "hardFork": "osaka",
            "environment": {
                "baseFee": U64::from(head.header().base_fee_per_gas.unwrap_or_default()),
                "chainId": core.chain_id(),
                "gasLimit": U64::from(head.header().gas_limit),
            },
        }))
    })
}

fn mine_many(node: &Node, args: &mut Args<'_>) -> Result<Value, ChainError> {
    let blocks = optional_number(args, "blocks")?.unwrap_or(1);
    let interval = optional_number(args, "interval")?;
    if blocks > MAX_BLOCKS {
        return Err(ChainError::Refused(format!("at most {MAX_BLOCKS} blocks a call")));
    }
    for index in 0..blocks {
        // One lock for each block lets readers in between.
        let mut core = node.core().lock();
        if let Some(interval) = interval.filter(|_| index > 0) {
            let at = core.head()?.header().timestamp.saturating_add(interval.max(1));
            core.set_next_timestamp(at)?;
        }
        core.mine()?;
    }
    Ok(Value::Null)
}

/// `evm_mine` takes a timestamp or `{ timestamp }`.
fn timestamp_option(args: &mut Args<'_>) -> Result<Option<u64>, ChainError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Options {
        Timestamp(Number),
        Fields { timestamp: Option<Number> },
    }
    Ok(match args.optional::<Options>("options")? {
        Some(Options::Timestamp(at) | Options::Fields { timestamp: Some(at) }) => Some(at.0),
        Some(Options::Fields { timestamp: None }) | None => None,
    })
}

pub(super) fn number(args: &mut Args<'_>, name: &str) -> Result<u64, ChainError> {
    Ok(args.required::<Number>(name)?.0)
}

fn optional_number(args: &mut Args<'_>, name: &str) -> Result<Option<u64>, ChainError> {
    Ok(args.optional::<Number>(name)?.map(|number| number.0))
}

/// A number that dev tools write as a JSON number, as decimal text or as a hex quantity.
#[derive(Debug, Clone, Copy)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = U256::deserialize(deserializer)?;
        u64::try_from(value).map(Number).map_err(serde::de::Error::custom)
    }
}
