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

/// Where a block or a transaction lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The block of this number.
    Block(u64),
    /// A transaction of the block of this number.
    Transaction {
        /// Number of the block.
        block: u64,
        /// Its place there.
        index: u32,
    },
}

impl Place {
    fn encode(self) -> Vec<u8> {
        match self {
            Self::Block(number) => number.to_be_bytes().to_vec(),
            Self::Transaction { block, index } => {
                [block.to_be_bytes().as_slice(), &index.to_be_bytes()].concat()
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let number = u64::from_be_bytes(*number);
        match rest {
            [] => Some(Self::Block(number)),
            rest => {
                let index = u32::from_be_bytes(rest.try_into().ok()?);
                Some(Self::Transaction { block: number, index })
            }
        }
    }
}

/// The names under which a block and its transactions are looked for, with where they lie.
pub(super) fn places(block: &DerivedBlock) -> impl Iterator<Item = (B256, Vec<u8>)> {
    let number = block.header.number;
    let transactions = (0_u32..).zip(&block.transactions).map(move |(index, included)| {
        (included.hash(), Place::Transaction { block: number, index }.encode())
    });
    std::iter::once((block.hash, Place::Block(number).encode())).chain(transactions)
}

/// Number of a block, the hash of its batch, and that of the last block there, which names all before it. The same block may be
/// in another batch on another branch of L1.
type Name = (u64, B256, B256);

pub(super) const fn name(batch: &DerivedBatch, number: u64) -> Name {
    (number, batch.hash, batch.post.parent_hash)
}

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
        let name = name(batch, number);
        if let Some(block) = self.recent.get(name) {
            return Ok(block);
        }
        // A batch is written with its blocks, at once: where it stands before and after, the block is its own.
        self.check(batch)?;
        let read = self.read_block(number);
        self.check(batch)?;
        let (block, bytes) = read?;
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

    /// Where the block or transaction with this hash lies. Not checked: whoever reads what lies there sees whether it is it.
    ///
    /// # Errors
    /// [`StatesError::Damaged`], [`StatesError::Store`].
    pub fn find(&self, hash: B256) -> Result<Option<Place>, StatesError> {
        let Some(row) = self.store.get(Table::L2Index, hash.as_slice())? else { return Ok(None) };
        Place::decode(&row).map(Some).ok_or(StatesError::Damaged("the index of blocks"))
    }

    pub(super) fn read_block(
        &self,
        number: u64,
    ) -> Result<(Arc<DerivedBlock>, usize), StatesError> {
        let key = number.to_be_bytes();
        let missing = StatesError::Damaged("a block is missing");
        let stored = self.store.get(Table::L2Blocks, &key)?.ok_or(missing)?;
        let row = rows::take(Table::L2Blocks, &key, &stored, "a block")?;
        Ok((Arc::new(batches::decode_block(row)?), stored.len()))
    }

    /// Whether this batch is the one that is stored under its index; so is each before it then.
    ///
    /// # Errors
    /// [`StatesError::Gone`] when it is not, [`StatesError::Damaged`], [`StatesError::Store`].
    pub fn check(&self, batch: &DerivedBatch) -> Result<(), StatesError> {
        let key = batch_key(batch.index);
        let gone = || StatesError::Gone(batch.index);
        let stored = self.store.get(Table::Batches, &key)?.ok_or_else(gone)?;
        let row = rows::take(Table::Batches, &key, &stored, "a batch")?;
        if batches::decode_batch(row)? == *batch { Ok(()) } else { Err(gone()) }
    }
}
