//! The contracts' events, followed block by block, and what they say.

mod error;
mod fold;
mod fold_game;
mod fold_inbox;
mod follow;
mod proof;
mod records;
mod scan;

use std::sync::Arc;

use recourse_protocol::Game;

pub use error::MirrorError;
pub use follow::L1Mirror;
pub use records::LogRecord;

use crate::{inbox::InboxSnapshot, l1::BlockRef};

/// What L1 says about the rollup at one of its blocks.
#[derive(Debug, Clone)]
pub struct L1State {
    /// The block.
    pub head: BlockRef,
    /// Number of the newest finalized block, where L1 knows such a thing.
    pub finalized: Option<u64>,
    /// The L1 inputs.
    pub inbox: InboxSnapshot,
    /// Claims and dissections.
    pub game: Arc<Game>,
}
