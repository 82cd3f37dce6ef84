//! Blobs: from the archive, else from beacon nodes that nobody trusts.

mod beacon;
mod error;
mod kzg;

use std::{sync::Arc, time::Duration};

use alloy_eips::eip4844::Blob;
use alloy_primitives::B256;
use futures::{StreamExt, stream};
use recourse_protocol::RevealState;

pub use beacon::BeaconError;
pub use error::BlobError;
pub(crate) use kzg::settings;
pub use kzg::versioned_hash;

use crate::{
    inbox::BatchRecord,
    metrics::Metrics,
    store::{Store, Table, Write},
};
use beacon::Beacon;

/// Blobs fetched at once.
const PARALLEL: usize = 3;

/// Where on L1 a blob was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobPlace {
    /// Number of its block.
    pub l1_block: u64,
    /// Timestamp of its block, in seconds.
    pub l1_timestamp: u64,
}

/// Blobs by their versioned hashes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobSource {
    beacons: Arc<Vec<Beacon>>,
    archive: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl BlobSource {
    /// A source that asks `archive` first and then the beacon nodes at these URLs, in order.
    ///
    /// # Errors
    /// [`BlobError::Client`].
    pub fn new(
        beacons: &[String],
        timeout: Duration,
        archive: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, BlobError> {
        let http = reqwest::Client::builder().timeout(timeout).build();
        let http = http.map_err(BlobError::Client)?;
        let beacons = beacons.iter().map(|url| Beacon::new(url, http.clone())).collect();
        Ok(Self { beacons: Arc::new(beacons), archive, metrics })
    }

    /// A blob. What a beacon node sends is archived once it hashes to `hash`.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when no node has it (any more, or yet).
    pub async fn get(&self, hash: B256, place: BlobPlace) -> Result<Arc<Blob>, BlobError> {
        if let Some(blob) = self.archived(hash)? {
            return Ok(blob);
        }
        for beacon in self.beacons.iter() {
            match self.fetch(beacon, hash, place).await {
                Ok(blob) => return Ok(blob),
                Err(error @ (BlobError::Beacon(_) | BlobError::WrongBlob { .. })) => {
                    self.metrics.blob_failures.increment();
                    tracing::warn!(%hash, beacon = beacon.url(), %error, "blob not to be had here");
                }
                Err(error) => return Err(error),
            }
        }
        Err(BlobError::Missing { versioned_hash: hash, asked: self.beacons.len() })
    }

    /// Makes sure that all these blobs are archived.
    ///
    /// # Errors
    /// The first [`BlobError`]; the others were tried all the same.
    pub async fn archive_all(&self, hashes: &[B256], place: BlobPlace) -> Result<(), BlobError> {
        let fetched = stream::iter(hashes.iter().copied())
            .map(|hash| async move { self.get(hash, place).await.map(|_| ()) })
            .buffered(PARALLEL)
            .collect::<Vec<_>>();
        fetched.await.into_iter().collect()
    }

    /// Archives a blob of one's own before it is published. Returns its versioned hash.
    ///
    /// # Errors
    /// [`BlobError::Kzg`] when it is no blob, [`BlobError::Store`].
    pub async fn archive(&self, blob: Arc<Blob>) -> Result<B256, BlobError> {
        let hash = kzg::versioned_hash_async(blob.clone()).await?;
        self.store(hash, &blob)?;
        Ok(hash)
    }

    /// A blob, if it is archived.
    ///
    /// # Errors
    /// [`BlobError::Store`], [`BlobError::Damaged`].
    pub fn archived(&self, hash: B256) -> Result<Option<Arc<Blob>>, BlobError> {
        let Some(bytes) = self.archive.get(Table::Blobs, hash.as_slice())? else { return Ok(None) };
        let damaged = |_| BlobError::Damaged { versioned_hash: hash };
        Ok(Some(Arc::new(Blob::try_from(bytes.as_slice()).map_err(damaged)?)))
    }

    async fn fetch(
        &self,
        beacon: &Beacon,
        hash: B256,
        place: BlobPlace,
    ) -> Result<Arc<Blob>, BlobError> {
        let bytes = beacon.blob(hash, place).await?;
        let blob = bytes.and_then(|bytes| Blob::try_from(bytes.as_ref()).map(Arc::new).ok());
        let Some(blob) = blob else {
            return Err(BlobError::WrongBlob { expected: hash, got: None });
        };
        match kzg::versioned_hash_async(blob.clone()).await {
            Ok(got) if got == hash => {
                self.store(hash, &blob)?;
                Ok(blob)
            }
            Ok(got) => Err(BlobError::WrongBlob { expected: hash, got: Some(got) }),
            Err(BlobError::Kzg(_)) => Err(BlobError::WrongBlob { expected: hash, got: None }),
            Err(error) => Err(error),
        }
    }

    fn store(&self, hash: B256, blob: &Blob) -> Result<(), BlobError> {
        let write = Write::Put(Table::Blobs, hash.to_vec(), blob.to_vec());
        Ok(self.archive.apply(vec![write])?)
    }
}

impl From<&BatchRecord> for BlobPlace {
    fn from(record: &BatchRecord) -> Self {
        Self { l1_block: record.l1_block, l1_timestamp: record.batch.l1_timestamp }
    }
}

impl From<&RevealState> for BlobPlace {
    fn from(reveal: &RevealState) -> Self {
        Self { l1_block: reveal.l1_block, l1_timestamp: reveal.at }
    }
}
