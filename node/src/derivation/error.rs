//! Why L2 could not be derived.

use alloy_primitives::B256;
use recourse_execution::{ExecutionError, StateError};
use recourse_protocol::StepError;

use crate::{Severity, inbox::InputError, states::StatesError};

/// Why L2 could not be derived.
#[derive(Debug, thiserror::Error)]
pub enum DerivationError {
    /// The genesis state could not be made.
    #[error("no genesis state can be made")]
    Genesis(#[from] StateError),
    /// The configured accounts are not those of the configured checkpoint.
    #[error("genesis state root: expected {expected}, got {got}")]
    GenesisRoot {
        /// Of the checkpoint.
        expected: B256,
        /// Of the accounts.
        got: B256,
    },
    /// A step could not be taken. Boxed for its size.
    #[error("no step can be taken")]
    Step(#[from] Box<StepError<InputError, ExecutionError>>),
    /// The state on disk.
    #[error("the L2 state on disk")]
    States(#[from] StatesError),
    /// The node is stopping.
    #[error("stopped")]
    Cancelled,
}

impl DerivationError {
    /// What to do about it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Cancelled => Severity::Temporary,
            Self::Step(error) => match error.as_ref() {
                StepError::Input(error) => error.severity(),
                StepError::NoBatch(_) => Severity::Reset,
                StepError::Unreachable(_) | StepError::Execution(_) => Severity::Critical,
            },
            Self::States(error) => error.severity(),
            Self::Genesis(_) | Self::GenesisRoot { .. } => Severity::Critical,
        }
    }
}
