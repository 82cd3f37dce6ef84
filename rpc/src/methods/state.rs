//! Accounts, storage and proofs.

use std::collections::BTreeMap;

use alloy::rpc::types::EIP1186AccountProofResponse;
use alloy::serde::JsonStorageKey;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde::{Deserialize, Deserializer, de::Error as _};

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
    method(module, "eth_getStorageValues", many)?;
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
    let slot = args.required::<Slot>("storage key")?.value();
    api.chain.storage(point(api, args)?, address, slot).map(B256::from)
}

/// Many slots of many accounts at once.
fn many<C: Chain>(
    api: &Api<C>,
    args: &mut Args<'_>,
) -> Result<BTreeMap<Address, Vec<B256>>, ChainError> {
    let wanted = args.required::<BTreeMap<Address, Vec<Slot>>>("storage keys")?;
    let slots: usize = wanted.values().map(Vec::len).sum();
    if slots == 0 {
        return Err(ChainError::InvalidParams("empty request".to_owned()));
    }
    if slots > MAX_PROOF_SLOTS {
        return Err(ChainError::InvalidParams(format!("at most {MAX_PROOF_SLOTS} storage keys")));
    }
    let at = point(api, args)?;
    let read = |address: Address, keys: Vec<Slot>| {
        let values = keys.iter().map(|key| api.chain.storage(at, address, key.value()));
        Ok((address, values.map(|value| value.map(B256::from)).collect::<Result<_, _>>()?))
    };
    wanted.into_iter().map(|(address, keys)| read(address, keys)).collect()
}

/// A storage slot in hex, at most 32 bytes; whether it was written as a quantity or as a hash is kept.
#[derive(Debug, Clone, Copy)]
struct Slot(JsonStorageKey);

impl Slot {
    fn value(&self) -> U256 {
        match self.0 {
            JsonStorageKey::Hash(hash) => hash.into(),
            JsonStorageKey::Number(number) => number,
        }
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .ok_or_else(|| D::Error::custom("expected hex with 0x"))?;
        if digits.len() > 64 {
            return Err(D::Error::custom("expected at most 32 bytes"));
        }
        let number =
            if digits.is_empty() { Ok(U256::ZERO) } else { U256::from_str_radix(digits, 16) };
        let number = number.map_err(D::Error::custom)?;
        Ok(Self(if digits.len() == 64 {
            JsonStorageKey::Hash(number.into())
        } else {
            JsonStorageKey::Number(number)
        }))
    }
}

fn proof<C: Chain>(
    api: &Api<C>,
    args: &mut Args<'_>,
) -> Result<EIP1186AccountProofResponse, ChainError> {
    let address = args.required::<Address>("address")?;
    let keys = args.required::<Vec<Slot>>("storage keys")?;
    if keys.len() > MAX_PROOF_SLOTS {
        return Err(ChainError::InvalidParams(format!("at most {MAX_PROOF_SLOTS} storage keys")));
    }
    let slots: Vec<B256> = keys.iter().map(|key| key.value().into()).collect();
    let mut proof = api.chain.proof(point(api, args)?, address, &slots)?;
    for (one, key) in proof.storage_proof.iter_mut().zip(keys) {
        // As the caller wrote it.
        one.key = key.0;
    }
    Ok(proof)
}

fn point<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<BlockPoint, ChainError> {
    resolve::point(&*api.chain, args.optional::<BlockId>("block")?)
}
