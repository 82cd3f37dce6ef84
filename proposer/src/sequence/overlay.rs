//! The L1 inputs with one batch that is not there yet.

use std::sync::Arc;

use alloy_primitives::Bytes;
use recourse_protocol::{Batch, BatchIndex, Inputs, Payload, View, ViewIndex, bindings::Credit};

use super::VirtualBatch;

/// L1 as it will be once a virtual batch is appended.
#[derive(Debug, Clone)]
pub struct Overlay<'a, I> {
    l1: &'a I,
    index: BatchIndex,
    batch: Arc<Batch>,
    payloads: Vec<Arc<Payload>>,
}

/// An input could not be had.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError<E: core::error::Error + 'static> {
    /// Of L1.
    #[error(transparent)]
    L1(#[from] E),
    /// The virtual batch has no such blob.
    #[error("the virtual batch has {count} blobs, asked for {index}")]
    NoBlob {
        /// Asked for.
        index: u32,
        /// There.
        count: usize,
    },
}

impl<'a, I> Overlay<'a, I> {
    /// The batch as it grows: the tape goes on after what is written.
    #[must_use]
    pub fn growing(l1: &'a I, batch: &VirtualBatch) -> Self {
        Self::with_blobs(l1, batch, batch.max_blobs().max(1))
    }

    /// The batch as if it had no more than this many blobs.
    #[must_use]
    pub fn with_blobs(l1: &'a I, batch: &VirtualBatch, blobs: usize) -> Self {
        Self {
            l1,
            index: batch.index(),
            batch: Arc::new(batch.seen(blobs)),
            payloads: batch.payloads(),
        }
    }
}

impl<I: Inputs> Inputs for Overlay<'_, I>
where
    I::Error: 'static,
{
    type Error = OverlayError<I::Error>;

    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, Self::Error> {
        match index.cmp(&self.index) {
            std::cmp::Ordering::Less => Ok(self.l1.batch(index)?),
            std::cmp::Ordering::Equal => Ok(Some(Arc::clone(&self.batch))),
            std::cmp::Ordering::Greater => Ok(None),
        }
    }

    fn view(&self, index: ViewIndex) -> Result<View, Self::Error> {
        Ok(self.l1.view(index)?)
    }

    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, Self::Error> {
        if batch != self.index {
            return Ok(self.l1.payload(batch, blob)?);
        }
        let at = usize::try_from(blob).unwrap_or(usize::MAX);
        let missing = OverlayError::NoBlob { index: blob, count: self.payloads.len() };
        self.payloads.get(at).cloned().ok_or(missing)
    }

    fn forced(&self, index: u64) -> Result<Bytes, Self::Error> {
        Ok(self.l1.forced(index)?)
    }

    fn deposit(&self, index: u64) -> Result<Credit, Self::Error> {
        Ok(self.l1.deposit(index)?)
    }
}
