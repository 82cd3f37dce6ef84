//! Writing accounts directly, and acting as any account.

use alloy_primitives::{Address, B256, Bytes, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use recourse_rpc::method;
use serde_json::Value;

use super::mining::number;
use crate::{node::Node, state::Edit};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "anvil_setBalance", |node, args| {
        let (address, wei) = (args.required("address")?, args.required::<U256>("balance")?);
        node.core().lock().edit(Edit::Balance { address, wei })?;
        Ok(Value::Null)
    })?;
    method(module, "anvil_setNonce", |node, args| {
        let (address, nonce) = (args.required("address")?, number(args, "nonce")?);
        node.core().lock().edit(Edit::Nonce { address, nonce })?;
        Ok(Value::Null)
    })?;
    method(module, "anvil_setCode", |node, args| {
        let (address, code) = (args.required("address")?, args.required::<Bytes>("code")?);
        node.core().lock().edit(Edit::Code { address, code })?;
        Ok(Value::Null)
    })?;
    method(module, "anvil_setStorageAt", |node, args| {
        let address = args.required("address")?;
        let (slot, value) = (args.required::<U256>("slot")?, args.required::<B256>("value")?);
        node.core().lock().edit(Edit::Storage { address, slot, value: value.into() })?;
        Ok(true)
    })?;
    for (alias, name) in [
        ("hardhat_setBalance", "anvil_setBalance"),
        ("hardhat_setNonce", "anvil_setNonce"),
        ("hardhat_setCode", "anvil_setCode"),
        ("hardhat_setStorageAt", "anvil_setStorageAt"),
    ] {
        module.register_alias(alias, name)?;
    }
    register_impersonation(module)
}

fn register_impersonation(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "anvil_impersonateAccount", |node, args| {
        node.core().lock().impersonate(args.required::<Address>("address")?);
        Ok(Value::Null)
    })?;
    method(module, "anvil_stopImpersonatingAccount", |node, args| {
        node.core().lock().stop_impersonating(args.required::<Address>("address")?);
        Ok(Value::Null)
    })?;
    method(module, "anvil_autoImpersonateAccount", |node, args| {
        node.core().lock().impersonate_all(args.required::<bool>("enabled")?);
        Ok(Value::Null)
    })?;
    module.register_alias("hardhat_impersonateAccount", "anvil_impersonateAccount")?;
    module.register_alias("hardhat_stopImpersonatingAccount", "anvil_stopImpersonatingAccount")?;
    Ok(())
}
