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
    /// The L2 would share its chain id with another chain.
    #[error("l2-chain-id: expected {expected}, got {got}")]
    ChainId {
        /// What it may be.
        expected: String,
        /// What it is.
        got: u64,
    },
    /// A parameter is what stands for the address of a part until that is known, and would be taken for it.
    #[error(
        "{field}: expected anything but {got}, which stands for the address of the {part} here"
    )]
    Placeholder {
        /// The parameter.
        field: &'static str,
        /// The part.
        part: &'static str,
        /// What both are.
        got: Address,
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
    /// A transaction did not get a receipt.
    #[error("no receipt of the transaction for {what}")]
    Receipt {
        /// What it was to bring.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<alloy::providers::PendingTransactionError>,
    },
    /// A transaction failed, with its constructor if it has one.
    #[error("the transaction for {what} failed: {transaction}")]
    Reverted {
        /// What it was to bring.
        what: &'static str,
        /// Its hash.
        transaction: B256,
    },
    /// The creating transaction succeeded and created nothing: what stands at the proxy's address is another contract.
    #[error("{contract}: expected code at {address} after its creation, got none")]
    NotThere {
        /// The contract.
        contract: &'static str,
        /// Where it must be.
        address: Address,
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
    #[error("the Rollup's genesis: expected the confirmed content {content}, got another one")]
    Start {
        /// Content hash of the genesis.
        content: ContentHash,
    },
}
