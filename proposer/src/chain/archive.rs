//! Blocks that are not kept in memory.

use std::{fmt::Debug, sync::Arc};

use alloy_primitives::B256;
use recourse_rpc::{ChainError, MinedBlock, TxLocation};

/// Final blocks, somewhere else than in memory.
pub trait Archive: Debug + Send + Sync {
    /// A block; none if it is not there.
    ///
    /// # Errors
    /// When it can't be read.
    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError>;

    /// The number of the block with this hash.
    ///
    /// # Errors
    /// When it can't be read.
    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError>;

    /// Where a transaction lies.
    ///
    /// # Errors
    /// When it can't be read.
    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError>;
}
