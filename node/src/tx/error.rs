//! Why a transaction did not do what it should.

use std::{fmt, sync::Arc};

use alloy::{
    rpc::types::TransactionReceipt,
    sol_types::{GenericContractError, SolInterface},
};
use alloy_primitives::{Bytes, FixedBytes};

use crate::{Severity, blobs::BlobError, l1::L1Error, store::StoreError};

/// What a contract said when it reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// ABI-encoded error; empty when the contract gave no reason.
    pub data: Bytes,
}

/// Why a transaction did not do what it should.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TxError {
    /// It would revert now; it was not sent.
    #[error("would revert: {0}")]
    WouldRevert(Revert),
    /// It was mined and reverted. Boxed for its size.
    #[error("transaction {} reverted in block {:?}", .receipt.transaction_hash, .receipt.block_number)]
    Reverted {
        /// Its receipt.
        receipt: Box<TransactionReceipt>,
    },
    /// L1 did not take it; it was not sent.
    #[error("L1 refused it")]
    Refused(#[source] Arc<L1Error>),
    /// L1 could not be read; it was not sent.
    #[error("L1 could not be read")]
    L1(#[source] Arc<L1Error>),
    /// A transaction that this manager does not know took its nonce: somebody else uses the key.
    #[error("another transaction took nonce {nonce}")]
    NonceTaken {
        /// The nonce.
        nonce: u64,
    },
    /// L1 refused it until its nonce went to a transaction that does nothing: it can't be mined any more.
    #[error("L1 kept refusing it, and nonce {nonce} was filled")]
    GivenUp {
        /// The nonce.
        nonce: u64,
    },
    /// It was not mined in time. It is still in flight, and sending the same key joins it.
    #[error("not mined in time")]
    Timeout,
    /// The manager stopped. What was in flight still is, and is taken up at the next start.
    #[error("the transaction manager stopped")]
    Stopped,
    /// A blob is none.
    #[error("a blob can't be sent")]
    Blob(#[source] Arc<BlobError>),
    /// The journal failed.
    #[error("the journal failed")]
    Store(#[source] Arc<StoreError>),
    /// The key could not sign.
    #[error("the key can't sign")]
    Signer(#[source] Arc<alloy::signers::Error>),
}

impl TxError {
    /// What to do about it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::WouldRevert(_) | Self::Reverted { .. } | Self::NonceTaken { .. } => {
                Severity::Reset
            }
            Self::Refused(_) | Self::GivenUp { .. } | Self::Timeout | Self::Stopped => {
                Severity::Temporary
            }
            Self::L1(error) => error.severity(),
            Self::Blob(error) => error.severity(),
            Self::Store(_) | Self::Signer(_) => Severity::Critical,
        }
    }
}

impl Revert {
    /// Selector of the contract's error, if it gave one.
    #[must_use]
    pub fn selector(&self) -> Option<FixedBytes<4>> {
        self.data.first_chunk::<4>().copied().map(FixedBytes)
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match GenericContractError::abi_decode(&self.data) {
            Ok(GenericContractError::Revert(revert)) => write!(f, "{:?}", revert.reason),
            Ok(GenericContractError::Panic(panic)) => write!(f, "{panic}"),
            Err(_) if self.data.is_empty() => f.write_str("no reason given"),
            Err(_) => write!(f, "{}", self.data),
        }
    }
}

impl From<StoreError> for TxError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<L1Error> for TxError {
    fn from(error: L1Error) -> Self {
        match error {
            L1Error::Reverted { data, .. } => Self::WouldRevert(Revert { data }),
            error => Self::L1(Arc::new(error)),
        }
    }
}

impl From<BlobError> for TxError {
    fn from(error: BlobError) -> Self {
        Self::Blob(Arc::new(error))
    }
}
