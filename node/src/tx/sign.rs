//! From an entry to bytes. Signatures are deterministic (RFC 6979), so an entry signed again is the same transaction.

use std::sync::Arc;

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::Encodable2718,
    eip4844::Blob,
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};
use alloy_primitives::{B256, Bytes, Signature, TxKind};

use super::{TxError, journal::Entry};
use crate::blobs::{BlobError, settings};

/// A sidecar with EIP-7594 cell proofs.
pub(super) type Sidecar = Arc<BlobTransactionSidecarEip7594>;

/// A signed transaction as it goes over the wire.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) hash: B256,
    pub(super) raw: Bytes,
}

/// Signs the newest version of an entry.
pub(super) fn sign(
    entry: &Entry,
    sidecar: Option<&Sidecar>,
    chain_id: u64,
    signer: &PrivateKeySigner,
) -> Result<Signed, TxError> {
    match sidecar {
        None => {
            let tx = eip1559(entry, chain_id);
            let signature = signature(&tx, signer)?;
            let signed = tx.into_signed(signature);
            Ok(Signed { hash: *signed.hash(), raw: signed.encoded_2718().into() })
        }
        Some(sidecar) => {
            let tx = eip4844(entry, chain_id);
            let signature = signature(&tx, signer)?;
            // The hash is over the transaction without its sidecar.
            let hash = *tx.clone().into_signed(signature).hash();
            let sidecar = BlobTransactionSidecarVariant::Eip7594(sidecar.as_ref().clone());
            let pooled = TxEip4844WithSidecar::from_tx_and_sidecar(tx, sidecar);
            let signed = pooled.into_signed(signature);
            Ok(Signed { hash, raw: signed.encoded_2718().into() })
        }
    }
}

/// Computes commitments and cell proofs: a few tenths of a second of CPU time a blob.
pub(super) async fn sidecar(blobs: Vec<Arc<Blob>>) -> Result<Option<Sidecar>, TxError> {
    if blobs.is_empty() {
        return Ok(None);
    }
    let task = tokio::task::spawn_blocking(move || {
        let blobs = blobs.iter().map(|blob| **blob).collect();
        BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, settings())
    });
    let built = task.await.map_err(|_| TxError::from(BlobError::Cancelled))?;
    Ok(Some(Arc::new(built.map_err(|error| TxError::from(BlobError::Kzg(error)))?)))
}

fn signature(
    tx: &dyn SignableTransaction<Signature>,
    signer: &PrivateKeySigner,
) -> Result<Signature, TxError> {
    let signature = signer.sign_hash_sync(&tx.signature_hash());
    signature.map_err(|error| TxError::Signer(Arc::new(error)))
}

fn eip1559(entry: &Entry, chain_id: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id,
        nonce: entry.nonce,
        gas_limit: entry.gas_limit,
        max_fee_per_gas: entry.price.max_fee,
        max_priority_fee_per_gas: entry.price.tip,
        to: TxKind::Call(entry.to),
        value: entry.value,
        input: entry.data.clone(),
        ..TxEip1559::default()
    }
}

fn eip4844(entry: &Entry, chain_id: u64) -> TxEip4844 {
    TxEip4844 {
        chain_id,
        nonce: entry.nonce,
        gas_limit: entry.gas_limit,
        max_fee_per_gas: entry.price.max_fee,
        max_priority_fee_per_gas: entry.price.tip,
        max_fee_per_blob_gas: entry.price.max_blob_fee,
        to: entry.to,
        value: entry.value,
        input: entry.data.clone(),
        blob_versioned_hashes: entry.blobs.clone(),
        ..TxEip4844::default()
    }
}
