//! Execution as the step function sees it.

use alloy_primitives::B256;

use crate::bindings::{BlockContext, Credit};

/// Where in its block a transaction stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TxPosition {
    /// Gas used by the block's transactions before it.
    pub gas_used_before: u64,
    /// Running digest of the receipts before it.
    pub receipt_digest_before: B256,
}

/// What a transaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TxOutcome {
    /// State root after it.
    pub state_root: B256,
    /// Gas used; 0 if and only if the transaction was invalid, thus a no-op.
    pub gas_used: u64,
    /// Running digest of the receipts after it.
    pub receipt_digest: B256,
}

/// Executes pieces of L2 blocks. `pre` is the state root that the piece starts from; an implementation that
/// holds one state refuses any other.
pub trait Executor {
    /// Why execution (not a transaction) failed.
    type Error;

    /// Opens a block: the EIP-4788 and EIP-2935 system calls. Gives the state root after them.
    ///
    /// # Errors
    /// When execution itself failed.
    fn open(
        &mut self,
        pre: B256,
        block: &BlockContext,
        parent_hash: B256,
        anchor: B256,
    ) -> Result<B256, Self::Error>;

    /// Runs one transaction; an invalid one is a no-op of no gas.
    ///
    /// # Errors
    /// When execution itself failed.
    fn transact(
        &mut self,
        pre: B256,
        block: &BlockContext,
        position: TxPosition,
        raw: &[u8],
    ) -> Result<TxOutcome, Self::Error>;

    /// Ends a block: credits deposits (possibly none). Gives the state root after them.
    ///
    /// # Errors
    /// When execution itself failed.
    fn seal(
        &mut self,
        pre: B256,
        block: &BlockContext,
        credits: &[Credit],
    ) -> Result<B256, Self::Error>;
}
