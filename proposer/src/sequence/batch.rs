//! A batch that is not on L1 yet.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use recourse_protocol::{
    Batch, BatchIndex, PAYLOAD_BYTES, Payload, PayloadError, TapeError, TapeWriter, ViewIndex,
};
use serde::{Deserialize, Serialize};

/// What a batch promises before it is on L1; the transaction that appends it must keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Coinbase of its blocks.
    pub fee_recipient: Address,
    /// The oldest view that its blocks must reach.
    pub min_view: ViewIndex,
}

/// The batch has no room for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All blobs are full: cut the batch.
    #[error("all {0} blobs of the batch are full")]
    Blobs(usize),
    /// No blob could carry it.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// Never: a blob is not filled past its end.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// Bytes added to one blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The blob.
    pub blob: u32,
    /// The bytes, after those that it had.
    pub bytes: Vec<u8>,
}

/// A length of the tape to which it can be cut back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    blobs: usize,
    bytes: usize,
}

/// A batch that grows; its blobs carry the tape written so far.
#[derive(Debug, Clone)]
pub struct VirtualBatch {
    index: BatchIndex,
    terms: Terms,
    max_blobs: usize,
    blobs: Vec<Blob>,
}

#[derive(Debug, Clone)]
struct Blob {
    bytes: Vec<u8>,
    payload: Arc<Payload>,
}

impl VirtualBatch {
    /// An empty batch of at most this many blobs.
    #[must_use]
    pub const fn new(index: BatchIndex, terms: Terms, max_blobs: usize) -> Self {
        Self { index, terms, max_blobs, blobs: Vec::new() }
    }

    /// Its number in the Inbox, if nobody comes between.
    #[must_use]
    pub const fn index(&self) -> BatchIndex {
        self.index
    }

    /// What it promises.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Bytes written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blobs.iter().map(|blob| blob.bytes.len()).sum()
    }

    /// Bytes that can still be written, short of what is lost at the end of blobs.
    #[must_use]
    pub fn room(&self) -> usize {
        let unused = self.max_blobs.saturating_sub(self.blobs.len());
        let last = self.blobs.last().map_or(0, |b| PAYLOAD_BYTES.saturating_sub(b.bytes.len()));
        unused.saturating_mul(PAYLOAD_BYTES).saturating_add(last)
    }

    /// Writes an OPEN item.
    ///
    /// # Errors
    /// [`Full`]; nothing was written then.
    pub fn open(&mut self, timestamp: u64, view: ViewIndex) -> Result<(), Full> {
        let mut item = TapeWriter::default();
        item.open(timestamp, view.0)?;
        self.push(&item.into_bytes())
    }

    /// Writes a TX item.
    ///
    /// # Errors
    /// [`Full`]; nothing was written then.
    pub fn tx(&mut self, raw: &[u8]) -> Result<(), Full> {
        let mut item = TapeWriter::default();
        item.tx(raw)?;
        self.push(&item.into_bytes())
    }

    /// Repeats a write of another time.
    ///
    /// # Errors
    /// [`Full`] when it does not continue this batch.
    pub fn replay(&mut self, write: &Write) -> Result<(), Full> {
        let blob = usize::try_from(write.blob).map_err(|_| Full::Blobs(self.max_blobs))?;
        if blob == self.blobs.len() && blob < self.max_blobs {
            self.blobs.push(Blob { bytes: Vec::new(), payload: Arc::new(Payload::new(&[])?) });
        }
        if blob.checked_add(1) != Some(self.blobs.len()) {
            return Err(Full::Blobs(self.max_blobs));
        }
        self.append(&write.bytes)
    }

    /// The present length.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let bytes = self.blobs.last().map_or(0, |blob| blob.bytes.len());
        Mark { blobs: self.blobs.len(), bytes }
    }

    /// What was written since.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Vec<Write> {
        let first = mark.blobs.saturating_sub(1);
        let written = self.blobs.iter().enumerate().skip(first).filter_map(|(index, blob)| {
            let known = if index == first && mark.blobs > 0 { mark.bytes } else { 0 };
            let bytes = blob.bytes.get(known..).filter(|new| !new.is_empty())?.to_vec();
            Some(Write { blob: u32::try_from(index).ok()?, bytes })
        });
        written.collect()
    }

    /// Forgets what was written since.
    pub fn revert(&mut self, mark: Mark) {
        self.blobs.truncate(mark.blobs);
        if let Some(last) = self.blobs.last_mut() {
            last.bytes.truncate(mark.bytes);
            // Shorter than what fitted before.
            if let Ok(payload) = Payload::new(&last.bytes) {
                last.payload = Arc::new(payload);
            }
        }
    }

    /// Whether a cursor stands where the next item will be written.
    #[must_use]
    pub fn ends_at(&self, blob: u32, offset: u32) -> bool {
        let at = (usize::try_from(blob).ok(), usize::try_from(offset).ok());
        match (self.blobs.len().checked_sub(1), self.blobs.last()) {
            (Some(index), Some(last)) => at == (Some(index), Some(last.bytes.len())),
            _ => true,
        }
    }

    /// The blobs' payloads.
    #[must_use]
    pub fn payloads(&self) -> Vec<Arc<Payload>> {
        self.blobs.iter().map(|blob| Arc::clone(&blob.payload)).collect()
    }

    /// The batch as derivation would see it, with this many blobs, appended as late as can be.
    #[must_use]
    pub fn seen(&self, blobs: usize) -> Batch {
        Batch {
            versioned_hashes: vec![B256::ZERO; blobs],
            fee_recipient: self.terms.fee_recipient,
            // What is written is never past the real batch's time and views: its upper clamps never show.
            l1_timestamp: u64::MAX,
            view_count: u32::MAX,
            min_view: self.terms.min_view,
            ..Batch::default()
        }
    }

    /// The most blobs that it may have.
    #[must_use]
    pub const fn max_blobs(&self) -> usize {
        self.max_blobs
    }

    fn push(&mut self, item: &[u8]) -> Result<(), Full> {
        let left = self.blobs.last().map_or(0, |b| PAYLOAD_BYTES.saturating_sub(b.bytes.len()));
        if item.len() > left {
            if self.blobs.len() >= self.max_blobs {
                return Err(Full::Blobs(self.max_blobs));
            }
            self.blobs.push(Blob { bytes: Vec::new(), payload: Arc::new(Payload::new(&[])?) });
        }
        self.append(item)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let Some(last) = self.blobs.last_mut() else { return Err(Full::Blobs(0)) };
        let mut longer = Vec::with_capacity(last.bytes.len().saturating_add(bytes.len()));
        longer.extend_from_slice(&last.bytes);
        longer.extend_from_slice(bytes);
        last.payload = Arc::new(Payload::new(&longer)?);
        last.bytes = longer;
        Ok(())
    }
}
