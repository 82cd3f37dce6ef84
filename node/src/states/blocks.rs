//! Blocks, read when somebody asks.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::B256;
use parking_lot::Mutex;

use super::{StateStore, StatesError, batch_key, batches, rows};
use crate::{
    derivation::{DerivedBatch, DerivedBlock},
    store::Table,
};

/// Bytes on disk of the blocks that are kept in memory, those written or read last. In memory they are some five times as large.
const RECENT: usize = 16 << 20;

/// Number of a block, and hash of the last one of its batch, which names all before it.
type Name = (u64, B256);

/// Blocks that were written or read last.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Blocks>);

#[derive(Debug, Default)]
struct Blocks {
    /// Each with its bytes on disk.
    blocks: HashMap<Name, (Arc<DerivedBlock>, usize)>,
    /// The oldest first.
    order: VecDeque<Name>,
    bytes: usize,
}

impl Recent {
    pub(super) fn add(&self, name: Name, block: Arc<DerivedBlock>, bytes: usize) {
        let mut kept = self.0.lock();
        if kept.blocks.insert(name, (block, bytes)).is_some() {
            return;
        }
        kept.order.push_back(name);
        kept.bytes = kept.bytes.saturating_add(bytes);
        while kept.bytes > RECENT
            && let Some(oldest) = kept.order.pop_front()
        {
            let bytes = kept.blocks.remove(&oldest).map_or(0, |(_, bytes)| bytes);
            kept.bytes = kept.bytes.saturating_sub(bytes);
        }
    }

    fn get(&self, name: Name) -> Option<Arc<DerivedBlock>> {
        self.0.lock().blocks.get(&name).map(|(block, _)| block.clone())
    }
}

impl StateStore {
    /// A block of a batch that is stored.
    ///
    /// # Errors
    /// [`StatesError::Gone`] when another batch stands in the place of this one by now, [`StatesError::Damaged`],
    /// [`StatesError::Store`].
    pub fn block(
        &self,
        batch: &DerivedBatch,
        number: u64,
    ) -> Result<Arc<DerivedBlock>, StatesError> {
        if !batch.numbers().contains(&number) {
            return Err(StatesError::Damaged("a block that is not in its batch"));
        }
        let name = (number, batch.post.parent_hash);
        if let Some(block) = self.recent.get(name) {
            return Ok(block);
        }
        // A batch is written with its blocks, at once: where it stands before and after, the block is its own.
        self.check(batch)?;
        let (block, bytes) = self.read_block(number)?;
        self.check(batch)?;
        if block.header.number != number || block.batch != batch.index {
            return Err(StatesError::Damaged("a block in the place of another"));
        }
        self.recent.add(name, block.clone(), bytes);
        Ok(block)
    }

    /// All blocks of a batch that is stored, which must follow each other.
    ///
    /// # Errors
    /// As [`StateStore::block`].
    pub fn blocks(&self, batch: &DerivedBatch) -> Result<Vec<Arc<DerivedBlock>>, StatesError> {
        let mut parent = batch.pre.parent_hash;
        let mut blocks = Vec::new();
        for number in batch.numbers() {
            let block = self.block(batch, number)?;
            if block.header.parent_hash != parent {
                return Err(StatesError::Damaged("blocks do not follow each other"));
            }
            parent = block.hash;
            blocks.push(block);
        }
        if parent == batch.post.parent_hash {
            Ok(blocks)
        } else {
            Err(StatesError::Damaged("blocks do not follow each other"))
        }
    }

    fn read_block(&self, number: u64) -> Result<(Arc<DerivedBlock>, usize), StatesError> {
        let key = number.to_be_bytes();
        let missing = StatesError::Damaged("a block is missing");
        let stored = self.store.get(Table::L2Blocks, &key)?.ok_or(missing)?;
        let row = rows::take(Table::L2Blocks, &key, &stored, "a block")?;
        Ok((Arc::new(batches::decode_block(row)?), stored.len()))
    }

    /// Whether this batch is the one that is stored under its index.
    fn check(&self, batch: &DerivedBatch) -> Result<(), StatesError> {
        let key = batch_key(batch.index);
        let gone = || StatesError::Gone(batch.index);
        let stored = self.store.get(Table::Batches, &key)?.ok_or_else(gone)?;
        let row = rows::take(Table::Batches, &key, &stored, "a batch")?;
        if batches::decode_batch(row)? == *batch { Ok(()) } else { Err(gone()) }
    }
}
