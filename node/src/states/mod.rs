//! L2's state on disk, so that a restart need not derive everything again.
//!
//! The state after the newest derived batch lies flat in the store: accounts, slots and codes by their hashes. Beside it lie
//! the batches with their blocks, and for each batch its *changes*: what leads from the state after
//! it back to the state before it. A batch is one atomic, durable write, so that the store always is at the end of some batch.
//! Nothing of it is trusted: the root of the state that was read at a start must be that of the batch's checkpoint, and rows
//! that no root covers carry a digest of their own.

mod accounts;
mod back;
mod batches;
mod blocks;
mod changes;
mod error;
mod read;
mod rows;
mod write;

use std::sync::Arc;

use recourse_protocol::{BatchIndex, Checkpoint};
use serde::{Deserialize, Serialize};

use crate::{
    derivation::DerivedBatch,
    store::{Limit, Store, StoreError, Table, Write},
};
use blocks::Recent;

pub use blocks::Place;
pub use error::StatesError;
pub use read::Stored;

/// What this version writes. Others are refused, and derived again on demand. Goes up with every change of the format, and with
/// every change of what execution comes to: a state that an older engine made would be trusted.
const VERSION: u32 = 3;
/// Where in [`Table::Meta`] stands what the tables hold; nothing stands there while they are rewritten.
const TIP: &[u8] = b"l2-state";
/// What is read or deleted at once: an account or a slot takes some 100 bytes, a block up to megabytes.
pub(crate) const PAGE: Limit = Limit { entries: 1 << 14, bytes: 4 << 20 };

/// The tables of this module.
const TABLES: [Table; 7] = [
    Table::Accounts,
    Table::Slots,
    Table::Codes,
    Table::Changes,
    Table::Batches,
    Table::L2Blocks,
    Table::L2Index,
];

/// L2's state on disk. One process writes it, at one place: the derivation.
#[derive(Debug, Clone)]
pub struct StateStore {
    store: Arc<dyn Store>,
    recent: Arc<Recent>,
}

/// What the tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Tip {
    version: u32,
    /// The newest batch.
    batch: BatchIndex,
    /// The oldest batch to whose end a way back is kept. Rows of older ones may be there still, and may be only some.
    #[serde(default)]
    from: BatchIndex,
}

impl StateStore {
    /// What lies in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, recent: Arc::default() }
    }

    /// The oldest batch to whose end a way back is kept; none if nothing is stored.
    ///
    /// # Errors
    /// [`StatesError::Store`], [`StatesError::Version`].
    pub fn kept_from(&self) -> Result<Option<BatchIndex>, StatesError> {
        Ok(self.tip()?.map(|tip| tip.from))
    }

    fn tip(&self) -> Result<Option<Tip>, StatesError> {
        let Some(bytes) = self.store.get(Table::Meta, TIP)? else { return Ok(None) };
        let malformed = |source| StoreError::Malformed { table: Table::Meta, source };
        let tip: Tip = serde_json::from_slice(&bytes).map_err(malformed)?;
        if tip.version != VERSION {
            return Err(StatesError::Version { expected: VERSION, got: tip.version });
        }
        Ok(Some(tip))
    }

    fn set_tip(batch: BatchIndex, from: BatchIndex) -> Result<Write, StatesError> {
        let tip = Tip { version: VERSION, batch, from };
        let malformed = |source| StoreError::Malformed { table: Table::Meta, source };
        let bytes = serde_json::to_vec(&tip).map_err(malformed)?;
        Ok(Write::Put(Table::Meta, TIP.to_vec(), bytes))
    }
}

/// A batch's key in a table: in order of their indices.
fn batch_key(batch: BatchIndex) -> Vec<u8> {
    batch.0.to_be_bytes().to_vec()
}

/// The key that comes right behind one.
fn right_behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// What a batch starts from.
fn start_of<'a>(genesis: &'a Checkpoint, before: Option<&'a DerivedBatch>) -> &'a Checkpoint {
    before.map_or(genesis, |batch| &batch.post)
}
