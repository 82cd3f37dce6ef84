//! The Inbox as it stood at one L1 block: what the step function reads.

use std::{collections::VecDeque, sync::Arc};

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::Mutex;
use recourse_protocol::{
    Batch, BatchIndex, Inputs, Payload, View, ViewIndex, bindings::Credit, transactions,
};
use rpds::VectorSync;

use crate::{
    Severity,
    store::{Store, StoreError, Table},
};

/// Payloads kept in memory: a batch has six at most, and dissection looks at two batches at once.
const CACHED_PAYLOADS: usize = 16;

/// Payloads used last, by versioned hash.
type Payloads = VecDeque<(B256, Arc<Payload>)>;

/// A batch with its place on L1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRecord {
    /// The preimage.
    pub batch: Arc<Batch>,
    /// Its hash.
    pub hash: B256,
    /// Number of the L1 block that appended it.
    pub l1_block: u64,
    /// The transaction that appended it.
    pub transaction: B256,
}

/// The Inbox as it stood at one L1 block. Immutable and cheap to clone; blobs and forced transactions are read from
/// the archive by their hashes, so that no reorg can change them under a reader.
#[derive(Debug, Clone)]
pub struct InboxSnapshot {
    pub(crate) views: VectorSync<View>,
    pub(crate) batches: VectorSync<BatchRecord>,
    pub(crate) forced: VectorSync<B256>,
    pub(crate) deposits: VectorSync<Credit>,
    archive: Arc<dyn Store>,
    payloads: Arc<Mutex<Payloads>>,
}

/// An L1 input could not be had.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// L1 does not have it at this block.
    #[error("L1 has no {what} {index}")]
    NotThereYet {
        /// Kind of input.
        what: &'static str,
        /// Its index.
        index: u64,
    },
    /// The archive does not have the blob (yet).
    #[error("blob {versioned_hash} is not archived")]
    BlobMissing {
        /// Its versioned hash.
        versioned_hash: B256,
    },
    /// The archive does not have the bytes of a forced transaction, or others than L1 says.
    #[error("forced transaction {hash} is not archived")]
    ForcedMissing {
        /// Its hash.
        hash: B256,
    },
    /// An archived blob is not 131,072 bytes long.
    #[error("blob {versioned_hash} is damaged in the archive")]
    BlobDamaged {
        /// Its versioned hash.
        versioned_hash: B256,
    },
    /// The archive failed.
    #[error("the archive failed")]
    Store(#[from] StoreError),
}

impl InputError {
    /// What to do about it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::BlobMissing { .. } => Severity::Temporary,
            Self::NotThereYet { .. } | Self::ForcedMissing { .. } => Severity::Reset,
            Self::BlobDamaged { .. } | Self::Store(_) => Severity::Critical,
        }
    }
}

impl InboxSnapshot {
    /// An Inbox without anything, not even view 0.
    #[must_use]
    pub fn empty(archive: Arc<dyn Store>) -> Self {
        Self {
            views: VectorSync::new_sync(),
            batches: VectorSync::new_sync(),
            forced: VectorSync::new_sync(),
            deposits: VectorSync::new_sync(),
            archive,
            payloads: Arc::default(),
        }
    }

    /// Index of the newest batch; 0 before the first.
    #[must_use]
    pub fn batch_count(&self) -> BatchIndex {
        BatchIndex(count(self.batches.len()))
    }

    /// A batch with its place on L1.
    #[must_use]
    pub fn batch_at(&self, index: BatchIndex) -> Option<&BatchRecord> {
        self.batches.get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    /// All transactions of so many bytes at least in the blobs of a batch, as far as these can be had; none if there is no such
    /// batch.
    #[must_use]
    pub fn transactions_of(&self, index: BatchIndex, least: usize) -> Vec<Bytes> {
        let blobs = self.batch_at(index).map_or(0, |record| record.batch.versioned_hashes.len());
        let blobs = 0..u32::try_from(blobs).unwrap_or(u32::MAX);
        let payloads = blobs.map_while(|blob| self.payload(index, blob).ok());
        let all = |payload: Arc<Payload>| -> Vec<Bytes> {
            let all = transactions(payload.bytes()).into_iter();
            all.filter(|raw| raw.len() >= least).map(Bytes::copy_from_slice).collect()
        };
        payloads.flat_map(all).collect()
    }

    /// Views recorded.
    #[must_use]
    pub fn view_count(&self) -> u32 {
        u32::try_from(self.views.len()).unwrap_or(u32::MAX)
    }

    /// Forced transactions queued.
    #[must_use]
    pub fn forced_count(&self) -> u64 {
        count(self.forced.len())
    }

    /// Deposits queued.
    #[must_use]
    pub fn deposit_count(&self) -> u64 {
        count(self.deposits.len())
    }

    /// Versioned hashes of a batch's blobs that are not archived.
    ///
    /// # Errors
    /// [`InputError`].
    pub fn missing_blobs(&self, index: BatchIndex) -> Result<Vec<B256>, InputError> {
        let mut missing = Vec::new();
        for hash in &self.require_batch(index)?.batch.versioned_hashes {
            if self.archive.get(Table::Blobs, hash.as_slice())?.is_none() {
                missing.push(*hash);
            }
        }
        Ok(missing)
    }

    fn require_batch(&self, index: BatchIndex) -> Result<&BatchRecord, InputError> {
        self.batch_at(index).ok_or(InputError::NotThereYet { what: "batch", index: index.0 })
    }

    fn cached(&self, hash: B256) -> Option<Arc<Payload>> {
        let payloads = self.payloads.lock();
        payloads.iter().find(|(cached, _)| *cached == hash).map(|(_, payload)| payload.clone())
    }

    fn read_payload(&self, versioned_hash: B256) -> Result<Arc<Payload>, InputError> {
        let bytes = self.archive.get(Table::Blobs, versioned_hash.as_slice())?;
        let bytes = bytes.ok_or(InputError::BlobMissing { versioned_hash })?;
        let blob = Blob::try_from(bytes.as_slice())
            .map_err(|_| InputError::BlobDamaged { versioned_hash })?;
        let payload = Arc::new(Payload::from_blob(&blob));
        let mut payloads = self.payloads.lock();
        payloads.push_back((versioned_hash, payload.clone()));
        if payloads.len() > CACHED_PAYLOADS {
            payloads.pop_front();
        }
        drop(payloads);
        Ok(payload)
    }
}

impl Inputs for InboxSnapshot {
    type Error = InputError;

    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, InputError> {
        Ok(self.batch_at(index).map(|record| record.batch.clone()))
    }

    fn view(&self, index: ViewIndex) -> Result<View, InputError> {
        at(&self.views, "view", index.0.into()).copied()
    }

    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, InputError> {
        let hashes = &self.require_batch(batch)?.batch.versioned_hashes;
        let hash = usize::try_from(blob).ok().and_then(|blob| hashes.get(blob));
        let hash = *hash.ok_or(InputError::NotThereYet { what: "blob", index: blob.into() })?;
        match self.cached(hash) {
            Some(payload) => Ok(payload),
            None => self.read_payload(hash),
        }
    }

    fn forced(&self, index: u64) -> Result<Bytes, InputError> {
        let hash = *at(&self.forced, "forced transaction", index)?;
        let raw = self.archive.get(Table::Forced, hash.as_slice())?;
        raw.filter(|raw| keccak256(raw) == hash)
            .map(Bytes::from)
            .ok_or(InputError::ForcedMissing { hash })
    }

    fn deposit(&self, index: u64) -> Result<Credit, InputError> {
        at(&self.deposits, "deposit", index).cloned()
    }
}

fn at<'a, T>(list: &'a VectorSync<T>, what: &'static str, index: u64) -> Result<&'a T, InputError> {
    let found = usize::try_from(index).ok().and_then(|index| list.get(index));
    found.ok_or(InputError::NotThereYet { what, index })
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
