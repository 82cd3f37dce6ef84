//! Errors of a chain and their JSON-RPC codes.

use alloy_primitives::{Bytes, U256};
use jsonrpsee::types::{
    ErrorObjectOwned,
    error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE, METHOD_NOT_FOUND_CODE},
};

use crate::revert;

/// Code of `execution reverted`, with the revert data in `data`.
const REVERTED_CODE: i32 = 3;
/// Code of a refused transaction and of other failures that the caller can mend.
const SERVER_CODE: i32 = -32000;
/// Code of a block or a state that is not there (EIP-1474).
const NOT_FOUND_CODE: i32 = -32001;
/// Code of history that the node does not keep (EIP-4444; execution-apis' name for it is the message's beginning).
const PRUNED_CODE: i32 = 4444;

/// Why a chain could not answer.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The transaction is not wanted.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A call reverted.
    #[error("execution reverted{}", revert::reason(.0))]
    Reverted(Bytes),
    /// A call failed otherwise, for instance out of gas.
    #[error("execution failed: {0}")]
    Halted(String),
    /// The caller's parameters make no sense.
    #[error("invalid params: {0}")]
    InvalidParams(String),
    /// There is no such block or state.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The chain cannot do this at all.
    #[error("{0} is not supported by this chain")]
    Unsupported(&'static str),
    /// The node had it, and keeps it no more.
    #[error("pruned history unavailable: block {wanted}; the oldest one kept is {oldest}")]
    Pruned {
        /// Number of the block asked for.
        wanted: u64,
        /// Number of the oldest block that is kept, beside the first one of the chain.
        oldest: u64,
    },
    /// The caller asked for something that this node refuses, for instance too long a range.
    #[error("{0}")]
    Refused(String),
    /// Another node, on which this one builds, does not give what is needed.
    #[error("{0}")]
    Upstream(String),
    /// A failure with a code of its own, as `eth_simulateV1` has them.
    #[error("{message}")]
    Coded {
        /// The JSON-RPC error code.
        code: i32,
        /// What is told.
        message: String,
    },
    /// The node's own failure.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ChainError {
    /// Wraps a failure of the node itself.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The JSON-RPC error code.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Rejected(_) | Self::Halted(_) | Self::Refused(_) | Self::Upstream(_) => {
                SERVER_CODE
            }
            Self::Reverted(_) => REVERTED_CODE,
            Self::InvalidParams(_) => INVALID_PARAMS_CODE,
            Self::NotFound(_) => NOT_FOUND_CODE,
            Self::Pruned { .. } => PRUNED_CODE,
            Self::Unsupported(_) => METHOD_NOT_FOUND_CODE,
            Self::Coded { code, .. } => *code,
            Self::Internal(_) => INTERNAL_ERROR_CODE,
        }
    }
}

impl From<ChainError> for ErrorObjectOwned {
    fn from(error: ChainError) -> Self {
        let data = match &error {
            ChainError::Reverted(output) => Some(output.clone()),
            ChainError::Internal(source) => {
                tracing::error!(%source, "JSON-RPC call failed");
                None
            }
            _ => None,
        };
        Self::owned(error.code(), error.to_string(), data)
    }
}

/// Why a transaction is not wanted. The texts are geth's, because wallets and client libraries
/// tell these cases apart by text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The bytes are no EIP-2718 transaction.
    #[error("rlp: {0}")]
    Undecodable(String),
    /// The signature does not recover.
    #[error("invalid sender")]
    InvalidSender,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {got} want {expected}")]
    WrongChain {
        /// This chain's id.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// The type is not known or not allowed here.
    #[error("transaction type not supported")]
    UnsupportedType,
    /// This very transaction is in the pool or mined.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce was used.
    #[error("nonce too low: next nonce {expected}, tx nonce {got}")]
    NonceTooLow {
        /// The account's nonce.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// The nonce leaves a gap where none is allowed.
    #[error("nonce too high: next nonce {expected}, tx nonce {got}")]
    NonceTooHigh {
        /// The account's nonce.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// The balance does not cover the value and the fees.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// The sender's balance in wei.
        balance: U256,
        /// The most that the transaction can cost, in wei.
        cost: U256,
    },
    /// A replacement does not pay enough more than what it replaces.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// The fee cap is below the base fee.
    #[error("max fee per gas less than block base fee")]
    FeeTooLow,
    /// The blob fee cap is below the blob base fee.
    #[error("max fee per blob gas less than block blob gas fee")]
    BlobFeeTooLow,
    /// More gas than a block has.
    #[error("exceeds block gas limit")]
    OverBlockGas,
    /// More gas than a transaction may have (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {got})")]
    OverTxGas {
        /// The cap.
        cap: u64,
        /// The transaction's gas limit.
        got: u64,
    },
    /// The sidecar of a blob transaction is absent or wrong.
    #[error("invalid blob sidecar: {0}")]
    Sidecar(String),
    /// The pool holds too much.
    #[error("txpool is full")]
    PoolFull,
    /// Any other rule of the EVM.
    #[error("{0}")]
    Invalid(String),
}
