//! Transactions and receipts.

use std::sync::Arc;

use alloy::rpc::types::{Transaction, TransactionReceipt};
use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes, U64};
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    Chain, ChainError, MinedBlock, TxLocation,
    api::{Api, Args, method},
    methods::blocks::{by_hash, by_number},
    resolve,
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_sendRawTransaction", |api, args| -> Result<B256, _> {
        api.chain.submit(args.required::<Bytes>("transaction")?)
    })?;
    method(module, "eth_getTransactionByHash", |api, args| {
        by_tx_hash(api, args.hash("transaction hash")?)
    })?;
    method(module, "eth_getRawTransactionByHash", |api, args| {
        let found = by_tx_hash(api, args.hash("transaction hash")?)?;
        Ok(found.map(|tx| Bytes::from(tx.inner.inner().encoded_2718())))
    })?;
    method(module, "eth_getTransactionByBlockHashAndIndex", |api, args| {
        by_index(api, by_hash(args)?, args)
    })?;
    method(module, "eth_getTransactionByBlockNumberAndIndex", |api, args| {
        by_index(api, by_number(args)?, args)
    })?;
    method(module, "eth_getTransactionReceipt", |api, args| {
        receipt(api, args.hash("transaction hash")?)
    })?;
    method(module, "eth_getBlockReceipts", |api, args| receipts(api, args.required("block")?))
}

/// The block and the place of a mined transaction.
pub(crate) fn mined<C: Chain>(
    api: &Api<C>,
    hash: B256,
) -> Result<Option<(Arc<MinedBlock>, TxLocation)>, ChainError> {
    let Some(place) = api.chain.locate(hash)? else { return Ok(None) };
    Ok(api.chain.block(place.block)?.map(|block| (block, place)))
}

fn by_tx_hash<C: Chain>(api: &Api<C>, hash: B256) -> Result<Option<Transaction>, ChainError> {
    if let Some((block, place)) = mined(api, hash)? {
        return Ok(block.rpc_transaction(place.index));
    }
    Ok(api.chain.pooled(hash)?.map(unmined))
}

pub(crate) fn unmined(inner: Recovered<TxEnvelope>) -> Transaction {
    let effective_gas_price = Some(inner.max_fee_per_gas());
    Transaction {
        inner,
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price,
        block_timestamp: None,
    }
}

fn by_index<C: Chain>(
    api: &Api<C>,
    id: BlockId,
    args: &mut Args<'_>,
) -> Result<Option<Transaction>, ChainError> {
    let index = args.required::<U64>("transaction index")?;
    let Ok(index) = usize::try_from(index) else { return Ok(None) };
    Ok(resolve::block(&*api.chain, id)?.and_then(|block| block.rpc_transaction(index)))
}

fn receipt<C: Chain>(api: &Api<C>, hash: B256) -> Result<Option<TransactionReceipt>, ChainError> {
    Ok(mined(api, hash)?.and_then(|(block, place)| block.rpc_receipt(place.index)))
}

fn receipts<C: Chain>(
    api: &Api<C>,
    id: BlockId,
) -> Result<Option<Vec<TransactionReceipt>>, ChainError> {
    let block = resolve::block(&*api.chain, id)?;
    Ok(block.map(|block| {
        (0..block.receipts().len()).filter_map(|index| block.rpc_receipt(index)).collect()
    }))
}
