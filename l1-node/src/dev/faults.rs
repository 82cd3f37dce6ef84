//! What goes wrong on request: reorgs, missing blocks, stalled finality, requests that fail.

use alloy::rpc::types::TransactionRequest;
use alloy_primitives::{Address, Bytes, map::AddressMap};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use recourse_rpc::{Args, BlockPoint, Chain as _, ChainError, method};
use serde::Deserialize;
use serde_json::Value;

use super::{mining::number, send};
use crate::{chain::PoolTx, faults::Fault, node::Node};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "anvil_reorg", reorg)?;
    method(module, "recourse_missBlocks", |node, args| {
        node.core().lock().miss_blocks(number(args, "count")?);
        Ok(Value::Null)
    })?;
    method(module, "recourse_stallFinality", |node, args| {
        let on = args.required::<bool>("enabled")?;
        node.finality_clock().stall(on, node.head());
        Ok(Value::Null)
    })?;
    method(module, "recourse_injectFault", |node, args| {
        node.faults().inject(args.required::<Fault>("fault")?)?;
        Ok(Value::Null)
    })?;
    method(module, "recourse_clearFaults", |node, _| Ok(node.faults().clear()))?;
    method(module, "recourse_faults", |node, _| Ok(node.faults().list()))
}

/// Anvil takes the depth and the pairs one after the other, its client libraries send one object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Depth {
    Options(Options),
    Blocks(alloy_primitives::U64),
    Decimal(u64),
}

#[derive(Debug, Deserialize)]
struct Options {
    depth: u64,
    #[serde(default)]
    tx_block_pairs: Vec<Pair>,
}

/// A transaction and the index of its block among the new ones.
type Pair = (Transaction, u64);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Transaction {
    /// Signed, in the form of the pool.
    Raw(Bytes),
    /// Of an account that the node may act for.
    Fields(Box<TransactionRequest>),
}

fn reorg(node: &Node, args: &mut Args<'_>) -> Result<Value, ChainError> {
    let (depth, pairs) = match args.required::<Depth>("depth")? {
        Depth::Options(options) => (options.depth, options.tx_block_pairs),
        Depth::Blocks(depth) => (depth.to(), args.optional("transactions")?.unwrap_or_default()),
        Depth::Decimal(depth) => (depth, args.optional("transactions")?.unwrap_or_default()),
    };
    let from = node.core().lock().reorg_from(depth)?;
    let mut nonces = AddressMap::<u64>::default();
    let mut txs = Vec::with_capacity(pairs.len());
    for (transaction, index) in pairs {
        txs.push((read(node, from, transaction, &mut nonces)?, index));
    }
    // Blocks that came meanwhile are replaced, too: the nonces are those after that block.
    node.core().lock().reorg(from, txs)?;
    Ok(Value::Null)
}

/// The nonces that are left open are those after the block on which the reorg builds.
fn read(
    node: &Node,
    from: u64,
    transaction: Transaction,
    nonces: &mut AddressMap<u64>,
) -> Result<PoolTx, ChainError> {
    let mut fields = match transaction {
        Transaction::Raw(raw) => return Ok(PoolTx::decode(&raw)?),
        Transaction::Fields(fields) => *fields,
    };
    if let Some(sender) = fields.from {
        let nonce = match nonces.get(&sender) {
            Some(nonce) => *nonce,
            None => nonce_at(node, from, sender)?,
        };
        let nonce = *fields.nonce.get_or_insert(nonce);
        nonces.insert(sender, nonce.saturating_add(1));
    }
    send::signed(node, fields)
}

fn nonce_at(node: &Node, block: u64, sender: Address) -> Result<u64, ChainError> {
    Ok(node.account(BlockPoint::Number(block), sender)?.nonce)
}
