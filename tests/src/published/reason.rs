use recourse_execution::{ExecuteError, ExecutionError, StateError, trie::TrieError};
use serde::{Deserialize, Serialize};

/// Why a call fails or is false: the identifiers of `docs/execute.md`. The first three are failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is described in docs/execute.md")]
pub enum Reason {
    OutOfGas,
    EnvelopeEncoding,
    BlockLimit,
    TraceEncoding,
    CreditsWithoutSeal,
    PointerCode,
    WitnessEncoding,
    BaseFeeRange,
    PredeployCode,
    MissingNode,
    MissingCode,
    MalformedNode,
    CreditOverflow,
    GasBound,
    GasUsed,
    ReceiptDigest,
    StateRoot,
    /// Not reachable, as far as is known.
    Internal,
}

impl From<&ExecuteError> for Reason {
    fn from(error: &ExecuteError) -> Self {
        match error {
            ExecuteError::Trace => Self::TraceEncoding,
            ExecuteError::CreditsWithoutSeal => Self::CreditsWithoutSeal,
            ExecuteError::Pointer(_) => Self::PointerCode,
            ExecuteError::Witness(_) => Self::WitnessEncoding,
            ExecuteError::Predeploy(_) => Self::PredeployCode,
            ExecuteError::Execution(error) => error.into(),
            ExecuteError::GasUsed { .. } => Self::GasUsed,
            ExecuteError::Differs { what: "receipt digest", .. } => Self::ReceiptDigest,
            ExecuteError::Differs { .. } => Self::StateRoot,
        }
    }
}

impl From<&ExecutionError> for Reason {
    fn from(error: &ExecutionError) -> Self {
        match error {
            ExecutionError::State(StateError::Trie(TrieError::Missing(_))) => Self::MissingNode,
            ExecutionError::State(StateError::Trie(TrieError::Malformed(_))) => Self::MalformedNode,
            ExecutionError::State(StateError::MissingCode(_)) => Self::MissingCode,
            ExecutionError::State(StateError::GasBound { .. }) => Self::GasBound,
            ExecutionError::BaseFee(_) => Self::BaseFeeRange,
            ExecutionError::CreditOverflow => Self::CreditOverflow,
            _ => Self::Internal,
        }
    }
}
