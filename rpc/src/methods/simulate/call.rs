//! A call of a simulation as an unsigned transaction.

use alloy::rpc::types::TransactionRequest;
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip4844, TxEip4844Variant, TxEip7702, TxEnvelope, TxLegacy,
    transaction::Recovered,
};
use alloy_primitives::{Address, Signature, TxKind, U256};

use crate::ChainError;

/// In place of a signature.
fn unsigned() -> Signature {
    Signature::new(U256::ZERO, U256::ZERO, false)
}

/// The transaction that a call stands for: of the newest type that its fields fit, of type 2 by default. Fees are zero
/// where none are named.
pub(super) fn transaction(
    call: TransactionRequest,
    chain_id: u64,
    nonce: u64,
    gas: u64,
) -> Result<Recovered<TxEnvelope>, ChainError> {
    let fees = call.max_fee_per_gas.or(call.max_priority_fee_per_gas);
    if call.gas_price.is_some() && fees.is_some() {
        return Err(ChainError::InvalidParams(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".to_owned(),
        ));
    }
    if let Some(got) = call.chain_id.filter(|id| *id != chain_id) {
        return Err(ChainError::InvalidParams(format!(
            "chainId does not match node's (have={got}, want={chain_id})"
        )));
    }
    let sender = call.from.unwrap_or_default();
    let envelope = envelope(call, chain_id, nonce, gas)?;
    Ok(Recovered::new_unchecked(envelope, sender))
}

fn envelope(
    call: TransactionRequest,
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
) -> Result<TxEnvelope, ChainError> {
    let to = call.to.unwrap_or(TxKind::Create);
    let value = call.value.unwrap_or_default();
    let max_fee_per_gas = call.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = call.max_priority_fee_per_gas.unwrap_or_default();
    let access_list = call.access_list.unwrap_or_default();
    let input = call
        .input
        .try_into_unique_input()
        .map_err(|error| ChainError::InvalidParams(error.to_string()))?
        .unwrap_or_default();
    if let Some(gas_price) = call.gas_price {
        let tx = TxLegacy { chain_id: None, nonce, gas_price, gas_limit, to, value, input };
        return Ok(TxEnvelope::Legacy(tx.into_signed(unsigned())));
    }
    if let Some(authorization_list) = call.authorization_list {
        let tx = TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: target(to)?,
            value,
            access_list,
            authorization_list,
            input,
        };
        return Ok(TxEnvelope::Eip7702(tx.into_signed(unsigned())));
    }
    if let Some(blob_versioned_hashes) = call.blob_versioned_hashes {
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: target(to)?,
            value,
            access_list,
            blob_versioned_hashes,
            max_fee_per_blob_gas: call.max_fee_per_blob_gas.unwrap_or_default(),
            input,
        };
        return Ok(TxEnvelope::Eip4844(TxEip4844Variant::from(tx).into_signed(unsigned())));
    }
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        input,
    };
    Ok(TxEnvelope::Eip1559(tx.into_signed(unsigned())))
}

fn target(to: TxKind) -> Result<Address, ChainError> {
    let cannot =
        || ChainError::InvalidParams("a transaction of this type cannot create".to_owned());
    to.to().copied().ok_or_else(cannot)
}
