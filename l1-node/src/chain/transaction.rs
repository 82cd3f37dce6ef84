//! Transactions on their way in: decoding, signatures, blob sidecars.

use std::sync::Arc;

use alloy_consensus::{
    BlobTransactionSidecar, EthereumTxEnvelope, Signed, Transaction as _, TxEip4844Variant,
    TxEip4844WithSidecar, TxEnvelope,
    transaction::{PooledTransaction, Recovered, SignerRecoverable},
};
use alloy_eips::{
    eip2718::{Decodable2718, Eip2718Error},
    eip4844::Blob,
    eip7594::BlobTransactionSidecarEip7594,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_rpc::Rejection;

/// A transaction as it travelled before Osaka.
type WithOldSidecar = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecar>>;

/// A transaction that may be mined.
#[derive(Debug)]
pub(crate) struct PoolTx {
    /// The transaction as it goes into a block, with its sender.
    pub(crate) tx: Recovered<TxEnvelope>,
    /// Its blobs, in order.
    pub(crate) blobs: Vec<StoredBlob>,
    /// Whether the sender is taken on faith, as dev methods allow.
    pub(crate) impersonated: bool,
}

/// A verified blob.
#[derive(Debug, Clone)]
pub(crate) struct StoredBlob {
    /// The hash that the transaction names.
    pub(crate) versioned_hash: B256,
    /// The bytes.
    pub(crate) blob: Arc<Blob>,
}

impl PoolTx {
    /// Decodes a signed transaction and verifies its signature and its sidecar, which takes
    /// a while.
    ///
    /// # Errors
    /// When either is wrong.
    pub(crate) fn decode(raw: &Bytes) -> Result<Self, Rejection> {
        let mut rest: &[u8] = raw;
        let pooled =
            PooledTransaction::decode_2718(&mut rest).map_err(|error| undecodable(raw, &error))?;
        if !rest.is_empty() {
            return Err(Rejection::Undecodable("trailing bytes".to_owned()));
        }
        let sender = pooled.recover_signer().map_err(|_| Rejection::InvalidSender)?;
        let (envelope, blobs) = unpack(pooled)?;
        let tx = Recovered::new_unchecked(envelope, sender);
        Ok(Self { tx, blobs, impersonated: false })
    }

    /// The transaction's hash.
    pub(crate) fn hash(&self) -> B256 {
        *self.tx.tx_hash()
    }

    /// The sender.
    pub(crate) const fn sender(&self) -> Address {
        self.tx.signer()
    }

    /// The most that the transaction can take from its sender, in wei.
    pub(crate) fn max_cost(&self) -> U256 {
        let gas =
            U256::from(self.tx.gas_limit()).saturating_mul(U256::from(self.tx.max_fee_per_gas()));
        let blob_gas = U256::from(self.tx.blob_gas_used().unwrap_or_default());
        let blob_fee = U256::from(self.tx.max_fee_per_blob_gas().unwrap_or_default());
        gas.saturating_add(blob_gas.saturating_mul(blob_fee)).saturating_add(self.tx.value())
    }
}

/// Why a transaction can't be decoded. Many clients still make the sidecars that blobs had before Osaka: they are told what
/// is wanted now.
fn undecodable(raw: &Bytes, error: &Eip2718Error) -> Rejection {
    if WithOldSidecar::decode_2718_exact(raw).is_ok_and(|tx| tx.is_eip4844()) {
        let text = "unexpected sidecar version, want: 1 (EIP-7594, with cell proofs), got: 0 (EIP-4844, with blob proofs)";
        return Rejection::Sidecar(text.to_owned());
    }
    Rejection::Undecodable(error.to_string())
}

/// The block form of a transaction and its verified blobs.
fn unpack(pooled: PooledTransaction) -> Result<(TxEnvelope, Vec<StoredBlob>), Rejection> {
    Ok(match pooled {
        PooledTransaction::Legacy(tx) => (TxEnvelope::Legacy(tx), Vec::new()),
        PooledTransaction::Eip2930(tx) => (TxEnvelope::Eip2930(tx), Vec::new()),
        PooledTransaction::Eip1559(tx) => (TxEnvelope::Eip1559(tx), Vec::new()),
        PooledTransaction::Eip7702(tx) => (TxEnvelope::Eip7702(tx), Vec::new()),
        PooledTransaction::Eip4844(signed) => {
            let (with_sidecar, signature, hash) = signed.into_parts();
            let (tx, sidecar) = with_sidecar.into_parts();
            let blobs = verify(&tx.blob_versioned_hashes, sidecar)?;
            let bare = TxEip4844Variant::TxEip4844(tx);
            (TxEnvelope::Eip4844(Signed::new_unchecked(bare, signature, hash)), blobs)
        }
    })
}

/// Checks an EIP-7594 sidecar: commitments against the versioned hashes, every cell proof
/// against its cell.
fn verify(
    hashes: &[B256],
    sidecar: BlobTransactionSidecarEip7594,
) -> Result<Vec<StoredBlob>, Rejection> {
    sidecar
        // Without precomputed tables: loading them takes longer than checking a few blobs.
        .validate(hashes, c_kzg::ethereum_kzg_settings(0))
        .map_err(|error| Rejection::Sidecar(error.to_string()))?;
    let blobs = hashes.iter().zip(sidecar.blobs);
    Ok(blobs
        .map(|(hash, blob)| StoredBlob { versioned_hash: *hash, blob: Arc::new(blob) })
        .collect())
}
