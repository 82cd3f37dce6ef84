//! Who the node is.

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use serde_json::{Value, json};

use crate::{
    Chain, ChainError,
    api::{Api, method},
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_chainId", |api, _| Ok(U64::from(api.chain.chain_id())))?;
    method(module, "net_version", |api, _| Ok(api.chain.chain_id().to_string()))?;
    method(module, "net_listening", |_, _| Ok(true))?;
    method(module, "net_peerCount", |_, _| Ok(U64::ZERO))?;
    method(module, "web3_clientVersion", |api, _| Ok(api.chain.client_version()))?;
    method(module, "web3_sha3", |_, args| -> Result<B256, _> {
        Ok(keccak256(args.required::<Bytes>("data")?))
    })?;
    method(module, "eth_capabilities", |api, _| -> Result<Value, _> {
        let head = api.chain.head();
        let hash = api.chain.block(head)?.ok_or(ChainError::NotFound("block"))?.hash();
        let whole = json!({ "disabled": false, "oldestBlock": "0x0" });
        let state =
            json!({ "disabled": false, "oldestBlock": U64::from(api.chain.oldest_state()) });
        Ok(json!({
            "head": { "number": U64::from(head), "hash": hash },
            "state": state,
            "stateproofs": state,
            "tx": whole,
            "logs": whole,
            "receipts": whole,
            "blocks": whole,
        }))
    })?;
    method(module, "eth_syncing", |_, _| Ok(false))?;
    method(module, "eth_accounts", |api, _| -> Result<Vec<Address>, _> { Ok(api.chain.accounts()) })
}
