//! `eth_sendTransaction` for accounts whose key the node has and for impersonated ones.

use alloy::{network::TxSignerSync, rpc::types::TransactionRequest};
use alloy_consensus::{SignableTransaction, TxEnvelope, TypedTransaction, transaction::Recovered};
use alloy_primitives::{Address, B256, Signature, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use recourse_rpc::{Args, Chain, ChainError, method};

use crate::{chain::PoolTx, node::Node};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    method(module, "eth_sendTransaction", send)
}

fn send(node: &Node, args: &mut Args<'_>) -> Result<B256, ChainError> {
    let pooled = signed(node, args.required::<TransactionRequest>("transaction")?)?;
    node.core().lock().submit(pooled)
}

/// The transaction, signed by a dev account or taken on faith from an impersonated one.
pub(super) fn signed(node: &Node, mut request: TransactionRequest) -> Result<PoolTx, ChainError> {
    let from = request
        .from
        .ok_or_else(|| ChainError::InvalidParams("transaction: from is missing".to_owned()))?;
    let key = node.dev_accounts().iter().find(|account| account.address() == from);
    let impersonated = node.core().lock().impersonates(from);
    if key.is_none() && !impersonated {
        return Err(ChainError::Refused(format!("unknown account {from}")));
    }
    fill(node, from, &mut request)?;
    let mut tx = request
        .build_typed_tx()
        .map_err(|_| ChainError::InvalidParams("transaction: fields do not fit".to_owned()))?;
    let signature = match key {
        Some(key) => key.signer().sign_transaction_sync(&mut tx).map_err(ChainError::internal)?,
        None => stand_in(from),
    };
    let tx = Recovered::new_unchecked(envelope(tx, signature)?, from);
    Ok(PoolTx { tx, blobs: Vec::new(), impersonated: key.is_none() })
}

/// Chooses what the caller left open: nonce, chain id, gas, fees.
fn fill(node: &Node, from: Address, request: &mut TransactionRequest) -> Result<(), ChainError> {
    request.chain_id.get_or_insert(node.chain_id());
    if request.nonce.is_none() {
        request.nonce = Some(node.next_nonce(from)?);
    }
    let fees = node.fees()?;
    if request.gas_price.is_none() && request.max_fee_per_gas.is_none() {
        let tip = *request.max_priority_fee_per_gas.get_or_insert(fees.priority_fee);
        let cap = u128::from(fees.base_fee).saturating_mul(2).saturating_add(tip);
        request.max_fee_per_gas = Some(cap);
    }
    if request.gas.is_none() {
        request.gas = Some(recourse_rpc::estimate_gas(node, request)?);
    }
    if request.to.is_none() {
        request.to = Some(alloy_primitives::TxKind::Create);
    }
    Ok(())
}

fn envelope(tx: TypedTransaction, signature: Signature) -> Result<TxEnvelope, ChainError> {
    Ok(match tx {
        TypedTransaction::Legacy(tx) => TxEnvelope::Legacy(tx.into_signed(signature)),
        TypedTransaction::Eip2930(tx) => TxEnvelope::Eip2930(tx.into_signed(signature)),
        TypedTransaction::Eip1559(tx) => TxEnvelope::Eip1559(tx.into_signed(signature)),
        TypedTransaction::Eip7702(tx) => TxEnvelope::Eip7702(tx.into_signed(signature)),
        TypedTransaction::Eip4844(_) => {
            return Err(ChainError::InvalidParams(
                "blob transactions come signed, through eth_sendRawTransaction".to_owned(),
            ));
        }
    })
}

/// In place of a signature: the sender, so that equal transactions of two impersonated accounts
/// have two hashes. It recovers to nobody.
fn stand_in(from: Address) -> Signature {
    Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false)
}
