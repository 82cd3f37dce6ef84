use alloy_consensus::{Transaction, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{
    Typed2718,
    eip2718::{Decodable2718, Encodable2718},
};
use alloy_evm::FromRecoveredTx;
use alloy_primitives::{Address, TxKind};
use revm::{
    context::{TxEnv, result::InvalidTransaction},
    context_interface::either::Either,
};

/// Why a transaction is a no-op.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not the canonical EIP-2718 encoding of a transaction.
    #[error("not a canonically encoded transaction")]
    Undecodable,
    /// L2 has no blobs.
    #[error("blob transactions are invalid on L2")]
    Blob,
    /// Nobody signed it.
    #[error("the signature is invalid")]
    Signature,
    /// Its gas limit is over what is left of the block.
    #[error("gas limit {gas_limit} is over the {available} left in the block")]
    BlockGas {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// Gas left in the block.
        available: u64,
    },
    /// The rules in force reject it.
    #[error(transparent)]
    Rules(#[from] InvalidTransaction),
}

/// A transaction and who sent it.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    pub(crate) transaction: TxEnvelope,
    pub(crate) sender: Address,
}

impl Decoded {
    /// As revm takes it. Authorities (EIP-7702) are recovered when they are applied, not before the transaction is known to
    /// be valid and to pay for that.
    pub(crate) fn env(&self) -> TxEnv {
        let TxEnvelope::Eip7702(signed) = &self.transaction else {
            return TxEnv::from_recovered_tx(&self.transaction, self.sender);
        };
        let tx = signed.tx();
        TxEnv {
            tx_type: self.transaction.ty(),
            caller: self.sender,
            gas_limit: tx.gas_limit,
            gas_price: tx.max_fee_per_gas,
            gas_priority_fee: Some(tx.max_priority_fee_per_gas),
            kind: TxKind::Call(tx.to),
            value: tx.value,
            data: tx.input.clone(),
            nonce: tx.nonce,
            chain_id: Some(tx.chain_id),
            access_list: tx.access_list.clone(),
            authorization_list: tx.authorization_list.iter().cloned().map(Either::Left).collect(),
            ..TxEnv::default()
        }
    }
}

/// The checks that need no more than the bytes and what is left of the block; revm does the other stateless ones before it
/// reads state. `blobs` lets blob transactions pass, as blocks carry them: without the blobs themselves.
pub(super) fn decode(raw: &[u8], available: u64, blobs: bool) -> Result<Decoded, Invalid> {
    let transaction = read(raw, blobs)?;
    admit(transaction.gas_limit(), available)?;
    let sender = recover(&transaction)?;
    Ok(Decoded { transaction, sender })
}

/// The first of them: what the bytes are.
pub(crate) fn read(raw: &[u8], blobs: bool) -> Result<TxEnvelope, Invalid> {
    let transaction = TxEnvelope::decode_2718_exact(raw).map_err(|_| Invalid::Undecodable)?;
    if transaction.encoded_2718() != raw {
        return Err(Invalid::Undecodable);
    }
    allow(&transaction, blobs)?;
    Ok(transaction)
}

/// Whether transactions of this kind are part of blocks.
pub(crate) fn allow(transaction: &TxEnvelope, blobs: bool) -> Result<(), Invalid> {
    if let TxEnvelope::Eip4844(signed) = transaction {
        if !blobs {
            return Err(Invalid::Blob);
        }
        if signed.tx().sidecar().is_some() {
            return Err(Invalid::Undecodable);
        }
    }
    Ok(())
}

/// The second: whether there is gas for it.
pub(crate) fn admit(gas_limit: u64, available: u64) -> Result<(), Invalid> {
    if gas_limit > available {
        return Err(Invalid::BlockGas { gas_limit, available });
    }
    Ok(())
}

/// The third: who signed it.
pub(crate) fn recover(transaction: &TxEnvelope) -> Result<Address, Invalid> {
    transaction.recover_signer().map_err(|_| Invalid::Signature)
}
