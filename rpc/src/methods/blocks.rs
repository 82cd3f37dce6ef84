//! Blocks.

use alloy::rpc::types::{Block, Header};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    Bodies, Chain, ChainError,
    api::{Api, Args, method},
    resolve,
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_blockNumber", |api, _| Ok(U64::from(api.chain.head())))?;
    method(module, "eth_getBlockByNumber", |api, args| block(api, by_number(args)?, args))?;
    method(module, "eth_getBlockByHash", |api, args| block(api, by_hash(args)?, args))?;
    method(module, "eth_getHeaderByNumber", |api, args| header(api, by_number(args)?))?;
    method(module, "eth_getHeaderByHash", |api, args| header(api, by_hash(args)?))?;
    method(module, "eth_getBlockTransactionCountByNumber", |api, args| {
        count(api, by_number(args)?)
    })?;
    method(module, "eth_getBlockTransactionCountByHash", |api, args| count(api, by_hash(args)?))?;
    method(module, "eth_getUncleCountByBlockNumber", |api, args| uncles(api, by_number(args)?))?;
    method(module, "eth_getUncleCountByBlockHash", |api, args| uncles(api, by_hash(args)?))
}

pub(crate) fn by_number(args: &mut Args<'_>) -> Result<BlockId, ChainError> {
    args.required::<BlockNumberOrTag>("block number").map(BlockId::Number)
}

pub(crate) fn by_hash(args: &mut Args<'_>) -> Result<BlockId, ChainError> {
    args.hash("block hash").map(BlockId::from)
}

fn block<C: Chain>(
    api: &Api<C>,
    id: BlockId,
    args: &mut Args<'_>,
) -> Result<Option<Block>, ChainError> {
    let bodies = Bodies::from(args.optional::<bool>("full transactions")?.unwrap_or_default());
    Ok(resolve::block(&*api.chain, id)?.map(|block| block.rpc_block(bodies)))
}

fn header<C: Chain>(api: &Api<C>, id: BlockId) -> Result<Option<Header>, ChainError> {
    Ok(resolve::block(&*api.chain, id)?.map(|block| block.rpc_header()))
}

fn count<C: Chain>(api: &Api<C>, id: BlockId) -> Result<Option<U64>, ChainError> {
    let block = resolve::block(&*api.chain, id)?;
    Ok(block.map(|block| U64::from(block.transactions().len())))
}

fn uncles<C: Chain>(api: &Api<C>, id: BlockId) -> Result<Option<U64>, ChainError> {
    Ok(resolve::block(&*api.chain, id)?.map(|block| U64::from(block.ommers().len())))
}
