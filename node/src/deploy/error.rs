//! Why a rollup could not be deployed.

use alloy::transports::TransportError;
use alloy_primitives::{Address, B256};
use recourse_protocol::{Checkpoint, ConfigError, ContentHash};

/// A rollup could not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A parameter is out of its range.
    #[error("a parameter is wrong")]
    Config(#[from] ConfigError),
    /// A number is larger than the contracts carry.
    #[error("{field}: expected at most {expected} bits, got {got} bits")]
    TooLarge {
        /// The parameter.
        field: &'static str,
        /// Width in the contracts.
        expected: usize,
        /// Width of the value.
        got: usize,
    },
    /// The genesis accounts make no state.
    #[error("the genesis state could not be built")]
    State(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// A committed artifact has no usable bytecode.
    #[error("the artifact of {0} carries no deployable bytecode")]
    Artifact(&'static str),
    /// L1 did not answer, or refused.
    #[error("L1 refused: {action}")]
    Transport {
        /// What was asked.
        action: &'static str,
        /// Its answer.
        #[source]
        source: TransportError,
    },
    /// The deploying transaction did not get a receipt.
    #[error("no receipt of the transaction that deploys {contract}")]
    Receipt {
        /// The contract.
        contract: &'static str,
        /// Why.
        #[source]
        source: Box<alloy::providers::PendingTransactionError>,
    },
    /// The constructor reverted.
    #[error("the constructor of {contract} failed in transaction {transaction}")]
    Reverted {
        /// The contract.
        contract: &'static str,
        /// Its transaction.
        transaction: B256,
    },
    /// A contract answered with something that it can't have said.
    #[error("the contract at {address} answered out of its interface")]
    Answer {
        /// The contract.
        address: Address,
        /// Why.
        #[source]
        source: alloy::sol_types::Error,
    },
    /// L1 and this program disagree about the genesis checkpoint.
    #[error("the StepVerifier's genesis differs: expected {expected:?}, got {got:?}")]
    Genesis {
        /// Computed here.
        expected: Box<Checkpoint>,
        /// Computed on L1.
        got: Box<Checkpoint>,
    },
    /// The Rollup does not start from the genesis checkpoint.
    #[error("the Rollup's first tip differs: expected {expected}, got {got}")]
    Tip {
        /// Content hash of the genesis.
        expected: ContentHash,
        /// The Rollup's tip.
        got: ContentHash,
    },
}
