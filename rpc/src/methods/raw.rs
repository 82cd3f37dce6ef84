//! `debug_getRaw*`: blocks, headers, receipts and transactions as they are on the wire.

use std::sync::Arc;

use alloy_eips::{BlockId, eip2718::Encodable2718 as _};
use alloy_primitives::Bytes;
use alloy_rlp::Encodable as _;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    Chain, ChainError, MinedBlock,
    api::{Api, Args, method},
    methods::transactions::mined,
    resolve,
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "debug_getRawBlock", |api, args| -> Result<Bytes, _> {
        let block = found(api, args)?;
        let whole = alloy_consensus::Block::new(block.header().inner().clone(), block.body());
        Ok(alloy_rlp::encode(whole).into())
    })?;
    method(module, "debug_getRawHeader", |api, args| -> Result<Bytes, _> {
        let block = found(api, args)?;
        let mut bytes = Vec::new();
        block.header().inner().encode(&mut bytes);
        Ok(bytes.into())
    })?;
    method(module, "debug_getRawReceipts", |api, args| -> Result<Vec<Bytes>, _> {
        let block = found(api, args)?;
        Ok(block.receipts().iter().map(|receipt| receipt.encoded_2718().into()).collect())
    })?;
    method(module, "debug_getRawTransaction", |api, args| -> Result<Bytes, _> {
        let hash = args.hash("transaction hash")?;
        let mined = mined(api, hash)?;
        let raw = mined.and_then(|(block, place)| block.raw_transaction(place.index));
        Ok(match raw {
            Some(raw) => raw.into(),
            None => api
                .chain
                .pooled(hash)?
                .map(|tx| tx.inner().encoded_2718().into())
                .unwrap_or_default(),
        })
    })
}

fn found<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<Arc<MinedBlock>, ChainError> {
    let id = args.required::<BlockId>("block")?;
    resolve::block(&*api.chain, id)?.ok_or(ChainError::NotFound("block"))
}
