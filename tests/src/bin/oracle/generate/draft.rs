//! Transactions before they are signed.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEnvelope, TxLegacy},
    consensus::{Signed, TxEip4844Variant, TxEip7702},
    eips::{eip2718::Encodable2718, eip2930::AccessList, eip7702::SignedAuthorization},
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{B256, Bytes, Signature, TxKind, U256};

/// What a transaction says, whatever its type.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) chain_id: u64,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    /// The most that a unit of gas may cost; for older types what it costs.
    pub(super) fee: u128,
    pub(super) tip: u128,
    pub(super) to: TxKind,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) access_list: AccessList,
    pub(super) kind: Kind,
}

/// Its type.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Without a chain id, or with (EIP-155).
    Legacy {
        protected: bool,
    },
    Eip2930,
    Eip1559,
    Eip4844 {
        hashes: Vec<B256>,
        blob_fee: u128,
    },
    Eip7702 {
        authorizations: Vec<SignedAuthorization>,
    },
}

impl Draft {
    /// EIP-2718 bytes. `spoil` may change the signature.
    ///
    /// # Errors
    /// Never: the key is good.
    pub(super) fn sign(
        self,
        key: &PrivateKeySigner,
        spoil: impl Fn(Signature) -> Signature,
    ) -> eyre::Result<Bytes> {
        let sign = |hash: B256| key.sign_hash_sync(&hash).map(&spoil);
        let envelope = match self.kind.clone() {
            Kind::Legacy { protected } => {
                let tx = self.legacy(protected);
                let signature = sign(tx.signature_hash())?;
                TxEnvelope::from(tx.into_signed(signature))
            }
            Kind::Eip2930 => {
                let tx = self.eip2930();
                let signature = sign(tx.signature_hash())?;
                TxEnvelope::from(tx.into_signed(signature))
            }
            Kind::Eip1559 => {
                let tx = self.eip1559();
                let signature = sign(tx.signature_hash())?;
                TxEnvelope::from(tx.into_signed(signature))
            }
            Kind::Eip4844 { hashes, blob_fee } => {
                let tx = TxEip4844Variant::TxEip4844(self.eip4844(hashes, blob_fee));
                let signature = sign(tx.signature_hash())?;
                let signed: Signed<TxEip4844Variant> = tx.into_signed(signature);
                TxEnvelope::Eip4844(signed)
            }
            Kind::Eip7702 { authorizations } => {
                let tx = self.eip7702(authorizations);
                let signature = sign(tx.signature_hash())?;
                TxEnvelope::from(tx.into_signed(signature))
            }
        };
        Ok(envelope.encoded_2718().into())
    }

    fn legacy(self, protected: bool) -> TxLegacy {
        TxLegacy {
            chain_id: protected.then_some(self.chain_id),
            nonce: self.nonce,
            gas_price: self.fee,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            input: self.input,
        }
    }

    fn eip2930(self) -> TxEip2930 {
        TxEip2930 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_price: self.fee,
            gas_limit: self.gas_limit,
            to: self.to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        }
    }

    fn eip1559(self) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: self.access_list,
            input: self.input,
        }
    }

    fn eip4844(self, hashes: Vec<B256>, blob_fee: u128) -> TxEip4844 {
        TxEip4844 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to.to().copied().unwrap_or_default(),
            value: self.value,
            access_list: self.access_list,
            blob_versioned_hashes: hashes,
            max_fee_per_blob_gas: blob_fee,
            input: self.input,
        }
    }

    fn eip7702(self, authorization_list: Vec<SignedAuthorization>) -> TxEip7702 {
        TxEip7702 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to.to().copied().unwrap_or_default(),
            value: self.value,
            access_list: self.access_list,
            authorization_list,
            input: self.input,
        }
    }
}
