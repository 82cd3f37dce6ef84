//! From bytes to versioned hash.

use std::sync::Arc;

use alloy_eips::eip4844::{
    AsCkzg, Blob,
    c_kzg::{KzgSettings, ethereum_kzg_settings},
    kzg_to_versioned_hash,
};
use alloy_primitives::B256;

use super::BlobError;

/// The versioned hash of a blob (EIP-4844). Takes tens of milliseconds.
///
/// # Errors
/// [`BlobError::Kzg`] when an element is not below the BLS modulus.
pub fn versioned_hash(blob: &Blob) -> Result<B256, BlobError> {
    let commitment = settings().blob_to_kzg_commitment(blob.as_ckzg());
    let commitment = commitment.map_err(BlobError::Kzg)?;
    Ok(kzg_to_versioned_hash(commitment.to_bytes().as_slice()))
}

/// The mainnet trusted setup without precomputed tables: those take seconds and 100 MB, and save a tenth of a second on
/// each blob that is sent.
pub(crate) fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(0)
}

pub(super) async fn versioned_hash_async(blob: Arc<Blob>) -> Result<B256, BlobError> {
    let task = tokio::task::spawn_blocking(move || versioned_hash(&blob));
    task.await.map_err(|_| BlobError::Cancelled)?
}
