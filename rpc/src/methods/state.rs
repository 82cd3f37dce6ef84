//! Accounts, storage and proofs.

use alloy::rpc::types::EIP1186AccountProofResponse;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{
    AccountView, BlockPoint, Chain, ChainError,
    api::{Api, Args, method},
    resolve,
};

/// Proofs are heavy: one call asks for at most so many slots, as in geth.
const MAX_PROOF_SLOTS: usize = 1024;

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_getBalance", |api, args| Ok(account(api, args)?.balance))?;
    method(module, "eth_getCode", |api, args| -> Result<Bytes, _> {
        Ok(account(api, args)?.code.original_bytes())
    })?;
    method(module, "eth_getTransactionCount", nonce)?;
    method(module, "eth_getStorageAt", storage)?;
    method(module, "eth_getProof", proof)
}

fn account<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<AccountView, ChainError> {
    let address = args.required::<Address>("address")?;
    api.chain.account(point(api, args)?, address)
}

fn nonce<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<U64, ChainError> {
    let address = args.required::<Address>("address")?;
    let nonce = match point(api, args)? {
        BlockPoint::Pending => api.chain.next_nonce(address)?,
        mined @ BlockPoint::Number(_) => api.chain.account(mined, address)?.nonce,
    };
    Ok(U64::from(nonce))
}

fn storage<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<B256, ChainError> {
    let address = args.required::<Address>("address")?;
    let slot = args.required::<U256>("slot")?;
    api.chain.storage(point(api, args)?, address, slot).map(B256::from)
}

fn proof<C: Chain>(
    api: &Api<C>,
    args: &mut Args<'_>,
) -> Result<EIP1186AccountProofResponse, ChainError> {
    let address = args.required::<Address>("address")?;
    let slots = args.required::<Vec<U256>>("storage keys")?;
    if slots.len() > MAX_PROOF_SLOTS {
        return Err(ChainError::InvalidParams(format!("at most {MAX_PROOF_SLOTS} storage keys")));
    }
    let slots: Vec<B256> = slots.into_iter().map(B256::from).collect();
    api.chain.proof(point(api, args)?, address, &slots)
}

fn point<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<BlockPoint, ChainError> {
    resolve::point(&*api.chain, args.optional::<BlockId>("block")?)
}
