//! Why a blob could not be had.

use alloy_eips::eip4844::c_kzg;
use alloy_primitives::B256;

use super::BeaconError;
use crate::{Severity, store::StoreError};

/// Why a blob could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The HTTP client could not be made.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// No beacon node has it; the log says what each of them answered.
    #[error("none of {asked} beacon nodes has blob {versioned_hash}")]
    Missing {
        /// Its versioned hash.
        versioned_hash: B256,
        /// Beacon nodes asked.
        asked: usize,
    },
    /// A beacon node did not answer, or what is no answer.
    #[error("a beacon node failed")]
    Beacon(#[from] BeaconError),
    /// A beacon node sent other bytes than those of this versioned hash, or nothing.
    #[error("expected blob {expected}, got {got:?}")]
    WrongBlob {
        /// Versioned hash that was asked for.
        expected: B256,
        /// Versioned hash of what came, if it was a blob.
        got: Option<B256>,
    },
    /// The bytes are no blob: an element is not below the BLS modulus.
    #[error("no commitment can be computed")]
    Kzg(#[source] c_kzg::Error),
    /// The archive has a blob of a wrong length.
    #[error("blob {versioned_hash} is damaged in the archive")]
    Damaged {
        /// Its versioned hash.
        versioned_hash: B256,
    },
    /// The archive failed.
    #[error("the archive failed")]
    Store(#[from] StoreError),
    /// The process is shutting down.
    #[error("a task was cancelled")]
    Cancelled,
}

impl BlobError {
    /// What to do about it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Missing { .. } | Self::Beacon(_) | Self::WrongBlob { .. } | Self::Cancelled => {
                Severity::Temporary
            }
            Self::Client(_) | Self::Kzg(_) | Self::Damaged { .. } | Self::Store(_) => {
                Severity::Critical
            }
        }
    }
}
