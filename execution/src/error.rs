use alloy_primitives::{Address, B256, U256};
use revm::{context::result::EVMError, database_interface::DBErrorMarker};

use crate::trie::TrieError;

/// Why state could not be read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A trie could not be walked.
    #[error(transparent)]
    Trie(#[from] TrieError),
    /// The code with this hash is not known.
    #[error("code {0} is not known")]
    MissingCode(B256),
    /// The hash of this block is asked for, is not read from the state, and is not known.
    #[error("the hash of block {0} is not known")]
    MissingAncestor(u64),
    /// A genesis account has storage, but neither nonce nor code.
    #[error("{0} has storage, but neither nonce nor code")]
    StorageOnly(Address),
    /// More gas would be spent than the claimed gas allows.
    #[error(
        "the claim allows {allowed} gross gas, {spent} were spent when a transaction was stopped"
    )]
    GasBound {
        /// Gross gas that was left for the transaction.
        allowed: u64,
        /// Gross gas that the transaction had spent. Not more than allowed where the next instruction would have been.
        spent: u64,
    },
}

impl DBErrorMarker for StateError {}

/// Why a piece of a block could not be executed; never the fault of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The state is not the one that was meant.
    #[error("pre state root is {got}, expected {expected}")]
    PreState {
        /// The root asked for.
        expected: B256,
        /// The root of the state at hand.
        got: B256,
    },
    /// Transactions were run ahead, and then not asked for.
    #[error("{left} transactions that were run ahead were not asked for")]
    NotAhead {
        /// How many.
        left: usize,
    },
    /// State could not be read or changed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The base fee does not fit 64 bits.
    #[error("base fee {0} is over 2^64 - 1")]
    BaseFee(U256),
    /// Gas of the block overflows.
    #[error("the block's gas overflows")]
    GasOverflow,
    /// A credit overflows a balance.
    #[error("a credit overflows a balance")]
    CreditOverflow,
    /// The EVM gave up.
    #[error("EVM: {0}")]
    Evm(String),
}

impl From<TrieError> for ExecutionError {
    fn from(error: TrieError) -> Self {
        Self::State(error.into())
    }
}

impl From<EVMError<StateError>> for ExecutionError {
    fn from(error: EVMError<StateError>) -> Self {
        match error {
            EVMError::Database(error) => Self::State(error),
            other => Self::Evm(other.to_string()),
        }
    }
}
