//! What happened to the chain, on disk, so that it survives a restart (`--state`).
//!
//! One JSON record a line, in the order in which things happened, each written before the chain
//! moves. At the start everything happens again: blocks are executed anew, and each must come
//! out with the hash that it had.

mod error;
mod file;
mod record;

pub use error::JournalError;
pub(crate) use file::{Journal, Past};
pub(crate) use record::{BlobRecord, BlockRecord, GenesisRecord, Record, TxRecord};
