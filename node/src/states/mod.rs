//! L2's state on disk, so that a restart need not derive everything again.
//!
//! The state after the newest derived batch lies flat in the store: accounts, slots and codes by their hashes. Beside it lie
//! the batches with their blocks, and for each batch its *changes*: what leads from the state after
//! it back to the state before it. A batch is one atomic, durable write, so that the store always is at the end of some batch.
//! Nothing of it is trusted at a start: the root of the state that was read must be that of the batch's checkpoint.

mod accounts;
mod back;
mod batches;
mod changes;
mod error;
mod read;
mod write;

use std::sync::Arc;

use recourse_protocol::{BatchIndex, Checkpoint};
use serde::{Deserialize, Serialize};

use crate::{
    derivation::DerivedBatch,
    store::{Store, StoreError, Table, Write},
};

pub use error::StatesError;
pub use read::Stored;

/// What this version writes. Others are refused, and derived again on demand. Goes up with every change of the format, and with
/// every change of what execution comes to: a state that an older engine made would be trusted.
const VERSION: u32 = 1;
/// Where in [`Table::Meta`] stands what the tables hold; nothing stands there while they are rewritten.
const TIP: &[u8] = b"l2-state";
/// Rows that are read or deleted at once.
const PAGE: usize = 1 << 16;

/// The tables of this module.
const TABLES: [Table; 6] =
    [Table::Accounts, Table::Slots, Table::Codes, Table::Changes, Table::Batches, Table::L2Blocks];

/// L2's state on disk. One process writes it, at one place: the derivation.
#[derive(Debug, Clone)]
pub struct StateStore {
    store: Arc<dyn Store>,
}

/// What the tables hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Tip {
    version: u32,
    batch: BatchIndex,
}

impl StateStore {
    /// What lies in this store.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
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

    fn set_tip(batch: BatchIndex) -> Result<Write, StatesError> {
        let tip = Tip { version: VERSION, batch };
        let malformed = |source| StoreError::Malformed { table: Table::Meta, source };
        let bytes = serde_json::to_vec(&tip).map_err(malformed)?;
        Ok(Write::Put(Table::Meta, TIP.to_vec(), bytes))
    }
}

/// A batch's key in a table: in order of their indices.
fn batch_key(batch: BatchIndex) -> Vec<u8> {
    batch.0.to_be_bytes().to_vec()
}

/// What a batch starts from.
fn start_of<'a>(genesis: &'a Checkpoint, before: Option<&'a Arc<DerivedBatch>>) -> &'a Checkpoint {
    before.map_or(genesis, |batch| &batch.post)
}
