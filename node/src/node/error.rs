//! Why a node stopped.

use crate::{
    Severity, blobs::BlobError, derivation::DerivationError, l1::L1Error, mirror::MirrorError,
    store::StoreError,
};

/// Why a node did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// L1 is not the configured one, or can't be read.
    #[error("L1")]
    L1(#[from] L1Error),
    /// The mirror.
    #[error("following L1")]
    Mirror(#[from] MirrorError),
    /// The blob source.
    #[error("blobs")]
    Blobs(#[from] BlobError),
    /// Derivation.
    #[error("derivation")]
    Derivation(#[from] DerivationError),
    /// The store.
    #[error("the store")]
    Store(#[from] StoreError),
    /// The node was told to stop before it had started.
    #[error("stopped")]
    Stopped,
    /// A task of the node panicked or was aborted.
    #[error("a task of the node ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl NodeError {
    /// What to do about it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::L1(error) => error.severity(),
            Self::Mirror(error) => error.severity(),
            Self::Blobs(error) => error.severity(),
            Self::Derivation(error) => error.severity(),
            Self::Store(error) => error.severity(),
            Self::Stopped => Severity::Temporary,
            Self::Task(_) => Severity::Critical,
        }
    }
}
