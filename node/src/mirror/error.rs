//! Why the mirror could not follow.

use crate::{Severity, l1::L1Error, store::StoreError};

/// Why the mirror could not follow L1.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// L1 could not be read.
    #[error("L1 could not be read")]
    L1(#[from] L1Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// L1 has another history than the mirror: read again.
    #[error("L1 block {number} was reorganised away")]
    Reorged {
        /// The newest block that is not canonical any more.
        number: u64,
    },
    /// The endpoint contradicts itself: an incomplete node behind a load balancer, or a lying one.
    #[error("L1 contradicts itself about {what}: expected {expected}, got {got}")]
    Inconsistent {
        /// About what.
        what: &'static str,
        /// By what was read before.
        expected: String,
        /// As read now.
        got: String,
    },
    /// The endpoint has a block, but did not give all events in it: it may not have indexed them yet.
    #[error("not all events of L1 block {number} came")]
    Incomplete {
        /// The block. It is asked for again until they come.
        number: u64,
    },
    /// An event that the interface does not have.
    #[error("an event of {address} does not decode")]
    Undecodable {
        /// The contract.
        address: alloy_primitives::Address,
        /// Why.
        #[source]
        source: alloy::sol_types::Error,
    },
}

impl MirrorError {
    /// What to do about it.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::L1(error) => error.severity(),
            Self::Store(error) => error.severity(),
            Self::Reorged { .. } | Self::Inconsistent { .. } | Self::Incomplete { .. } => {
                Severity::Reset
            }
            Self::Undecodable { .. } => Severity::Critical,
        }
    }

    pub(super) fn inconsistent(
        what: &'static str,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        Self::Inconsistent { what, expected: expected.to_string(), got: got.to_string() }
    }
}

/// Requires two readings of L1 to be equal.
pub(super) fn same<T: PartialEq + ToString>(
    what: &'static str,
    expected: T,
    got: T,
) -> Result<(), MirrorError> {
    if expected == got { Ok(()) } else { Err(MirrorError::inconsistent(what, expected, got)) }
}
