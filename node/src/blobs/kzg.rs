//! From bytes to versioned hash.

use std::sync::Arc;

use alloy_eips::eip4844::{AsCkzg, Blob, env_settings::EnvKzgSettings, kzg_to_versioned_hash};
use alloy_primitives::B256;

use super::BlobError;

/// The versioned hash of a blob (EIP-4844). Takes tens of milliseconds.
///
/// # Errors
/// [`BlobError::Kzg`] when an element is not below the BLS modulus.
pub fn versioned_hash(blob: &Blob) -> Result<B256, BlobError> {
    let settings = EnvKzgSettings::Default;
    let commitment = settings.get().blob_to_kzg_commitment(blob.as_ckzg());
    let commitment = commitment.map_err(BlobError::Kzg)?;
    Ok(kzg_to_versioned_hash(commitment.to_bytes().as_slice()))
}

pub(super) async fn versioned_hash_async(blob: Arc<Blob>) -> Result<B256, BlobError> {
    let task = tokio::task::spawn_blocking(move || versioned_hash(&blob));
    task.await.map_err(|_| BlobError::Cancelled)?
}
