//! Why the state on disk can't be used.

use alloy_primitives::B256;
use recourse_execution::StateError;
use recourse_protocol::BatchIndex;

use crate::{Severity, store::StoreError};

/// Why the state on disk can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StatesError {
    /// The store.
    #[error("the store of the L2 state failed")]
    Store(#[from] StoreError),
    /// Another version of this program wrote it.
    #[error(
        "the stored L2 state has format {got}, this program reads {expected}: start with --rederive to derive L2 again from L1"
    )]
    Version {
        /// Of this program.
        expected: u32,
        /// Of the store.
        got: u32,
    },
    /// A record is not what this version writes.
    #[error(
        "the stored L2 state is damaged ({0}): start with --rederive to derive L2 again from L1"
    )]
    Damaged(&'static str),
    /// The state that was read is not the one that the batch ended with.
    #[error(
        "the stored L2 state has root {got}, batch {batch} ended with {expected}: start with --rederive to derive L2 again from L1"
    )]
    Root {
        /// The newest stored batch.
        batch: BatchIndex,
        /// Of its checkpoint.
        expected: B256,
        /// Of the state.
        got: B256,
    },
    /// The batch, or the way back to the state after it, is not kept: it is not derived, was taken back meanwhile, or is old.
    #[error("batch {0}, or the state after it, is not kept any more")]
    Gone(BatchIndex),
    /// A state could not be made of what was read.
    #[error("the L2 state could not be made")]
    State(#[from] StateError),
}

impl StatesError {
    /// What to do about it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        Severity::Critical
    }
}
