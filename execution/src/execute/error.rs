use alloy_primitives::{Address, B256};

use crate::error::{ExecutionError, StateError};

/// Why a claim is false.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The trace is not the canonical ABI encoding of a `Trace`.
    #[error("the trace is not the canonical encoding of a Trace")]
    Trace,
    /// The trace carries credits but does not seal its block.
    #[error("credits without a seal")]
    CreditsWithoutSeal,
    /// An address pointed to has no code behind a leading zero byte.
    #[error("{0} holds no part of a witness")]
    Pointer(Address),
    /// The witness is not `rlp([[node...],[code...]])`.
    #[error("the witness is malformed: {0}")]
    Witness(alloy_rlp::Error),
    /// The block opens, but this predeploy does not hold its standard code.
    #[error("{0} does not hold its standard code")]
    Predeploy(Address),
    /// Execution was not possible, above all when the witness does not prove what it needs.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The gas used differs.
    #[error("gas used is {got}, claimed {expected}")]
    GasUsed {
        /// As claimed.
        expected: u64,
        /// As executed.
        got: u64,
    },
    /// A hash differs.
    #[error("{what} is {got}, claimed {expected}")]
    Differs {
        /// Which one.
        what: &'static str,
        /// As claimed.
        expected: B256,
        /// As executed.
        got: B256,
    },
}

impl From<StateError> for ExecuteError {
    fn from(error: StateError) -> Self {
        Self::Execution(error.into())
    }
}
