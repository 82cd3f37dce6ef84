use alloy_primitives::B256;

use super::{Malformed, ProtocolFork};
use crate::{block::Invalid, error::ExecutionError, execute::ExecuteError};

/// Why a whole block is invalid, apart from its transactions: what a client checks that follows Ethereum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlock {
    /// EIP-7934.
    #[error("RLP of {0} bytes")]
    TooLarge(usize),
    /// The parent has another hash.
    #[error("another parent")]
    Parent,
    /// Not the number after the parent's.
    #[error("block number")]
    Number,
    /// Not later than the parent.
    #[error("timestamp is not above the parent's")]
    Timestamp,
    /// Too far from the parent's, or too small.
    #[error("gas limit")]
    GasLimit,
    /// More gas used than the limit.
    #[error("gas used is over the gas limit")]
    GasUsedOverLimit,
    /// Not what follows from the parent (EIP-1559).
    #[error("base fee")]
    BaseFee,
    /// More than 32 bytes.
    #[error("extra data")]
    ExtraData,
    /// Not zero (EIP-3675).
    #[error("difficulty")]
    Difficulty,
    /// Not zero (EIP-3675).
    #[error("nonce")]
    Nonce,
    /// There are ommers (EIP-3675).
    #[error("ommers")]
    Ommers,
    /// Not what follows from the parent (EIP-4844).
    #[error("excess blob gas")]
    ExcessBlobGas,
    /// A field is missing that its fork has, or there that it does not have.
    #[error("the header has not the fields of its fork")]
    Format,
    /// Not what the block asks of the consensus layer (EIP-7685).
    #[error("requests")]
    Requests,
    /// More blob gas than a block may have.
    #[error("{0} blob gas")]
    TooManyBlobs(u64),
    /// Not what its transactions carry (EIP-4844).
    #[error("blob gas used")]
    BlobGasUsed,
    /// Another root of transactions.
    #[error("transactions root")]
    TransactionsRoot,
    /// Another root of withdrawals (EIP-4895).
    #[error("withdrawals root")]
    WithdrawalsRoot,
    /// Another amount of gas than this was used.
    #[error("gas used is {0}")]
    GasUsed(u64),
    /// Another root of receipts.
    #[error("receipts root")]
    ReceiptsRoot,
    /// Another bloom.
    #[error("logs bloom")]
    LogsBloom,
    /// Another state root than this comes out.
    #[error("state root is {0}")]
    StateRoot(B256),
}

/// What L2 does not have, and a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOnL2 {
    /// Blob gas, excess of blob gas, or versioned hashes.
    #[error("blobs")]
    Blobs,
    /// Withdrawals.
    #[error("withdrawals")]
    Withdrawals,
    /// Execution requests.
    #[error("execution requests")]
    Requests,
}

/// Why a validation was not successful.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The input can't be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The schema is of another fork than the one in force at the payload's timestamp.
    #[error("schema of {got:?}, in force is {expected:?}")]
    Fork {
        /// In force.
        expected: ProtocolFork,
        /// Of the schema.
        got: ProtocolFork,
    },
    /// The payload has what L2 has not.
    #[error("L2 has no {0}")]
    NotOnL2(#[from] NotOnL2),
    /// More items in the witness than one for every 32 of its bytes.
    #[error("more items than a witness can need")]
    WitnessItems,
    /// The headers of the witness are no chain, or not RLP, or there is none.
    #[error("the headers of the witness are no chain")]
    Headers,
    /// The header that the payload makes has another hash.
    #[error("block hash is {got}, expected {expected}")]
    BlockHash {
        /// The payload's.
        expected: B256,
        /// Of the header.
        got: B256,
    },
    /// The versioned hashes are not those of the transactions.
    #[error("versioned hashes")]
    VersionedHashes,
    /// Not one key a transaction, or not its sender's.
    #[error("public keys")]
    PublicKeys,
    /// The block is invalid.
    #[error(transparent)]
    Block(#[from] InvalidBlock),
    /// A transaction is invalid.
    #[error("a transaction is invalid: {0}")]
    Transaction(#[from] Invalid),
    /// Execution was not possible, above all when the witness does not prove what it needs.
    #[error(transparent)]
    Execution(#[from] ExecuteError),
    /// A panic: a bug.
    #[error("panicked")]
    Panic,
}

impl From<ExecutionError> for PayloadError {
    fn from(error: ExecutionError) -> Self {
        Self::Execution(error.into())
    }
}
