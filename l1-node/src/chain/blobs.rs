//! Blobs of recent blocks.

use std::{collections::BTreeMap, time::Duration};

use super::transaction::StoredBlob;

/// Blobs by block number, kept for as long as beacon nodes must.
#[derive(Debug, Clone)]
pub(crate) struct BlobStore {
    blocks: BTreeMap<u64, Sidecar>,
    retention: u64,
}

#[derive(Debug, Clone)]
struct Sidecar {
    timestamp: u64,
    blobs: Vec<StoredBlob>,
}

impl BlobStore {
    /// A store that forgets blobs this long after their block.
    pub(crate) const fn new(retention: Duration) -> Self {
        Self { blocks: BTreeMap::new(), retention: retention.as_secs() }
    }

    /// Adds the blobs of a new block and forgets those that are too old at its time.
    pub(crate) fn push(&mut self, number: u64, timestamp: u64, blobs: Vec<StoredBlob>) {
        if !blobs.is_empty() {
            self.blocks.insert(number, Sidecar { timestamp, blobs });
        }
        let oldest = timestamp.saturating_sub(self.retention);
        while self.blocks.first_key_value().is_some_and(|(_, old)| old.timestamp < oldest) {
            self.blocks.pop_first();
        }
    }

    /// Removes the blobs of all blocks above `number`.
    pub(crate) fn truncate(&mut self, number: u64) {
        self.blocks.split_off(&number.saturating_add(1));
    }

    /// The blobs of a block, in the order of its transactions.
    pub(crate) fn get(&self, number: u64) -> &[StoredBlob] {
        self.blocks.get(&number).map_or(&[], |sidecar| &sidecar.blobs)
    }
}
