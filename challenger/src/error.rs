//! What can go wrong. Nothing here decides on an error's text.

use std::{net::SocketAddr, path::PathBuf};

use alloy_primitives::B256;
use recourse_bisection::ClaimRange;
use recourse_node::{
    NodeError, Severity, blobs::BlobError, inbox, l1::L1Error, states::StatesError,
    store::StoreError, tx::TxError,
};
use recourse_protocol::{AttemptId, BatchIndex, CheckpointHash, EXECUTE_ADDRESS, StepIndex};
use recourse_trace_builder::HistoryError;

/// The command line or a file that it names is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{path} can't be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The rollup's configuration is wrong.
    #[error("the rollup's configuration is wrong")]
    Rollup(#[from] recourse_protocol::ConfigError),
    /// No key was named.
    #[error("one of --key-file and --key-env is needed")]
    NoKey,
    /// The key can't be read.
    #[error("the private key can't be read")]
    Key(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// The key is none. Its text is not repeated.
    #[error("the private key is not 32 bytes of hex on the curve")]
    BadKey,
    /// A number is too small.
    #[error("{flag}: expected at least {expected}, got {got}")]
    TooSmall {
        /// The flag.
        flag: &'static str,
        /// The least.
        expected: u64,
        /// As given.
        got: u64,
    },
}

/// The watchtower can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Bad configuration.
    #[error("bad configuration")]
    Config(#[from] ConfigError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Following L1 or deriving L2 failed for good.
    #[error("following L1 failed")]
    Node(#[from] NodeError),
    /// L1 can't be used.
    #[error("L1 can't be used")]
    L1(#[from] L1Error),
    /// The transaction manager can't start.
    #[error("the transaction manager failed")]
    Tx(#[from] TxError),
    /// The HTTP address can't be served.
    #[error("{address} can't be served")]
    Http {
        /// As configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Standard output can't be written.
    #[error("standard output can't be written")]
    Stdout(#[source] std::io::Error),
    /// Following L1 ended although nobody asked for it.
    #[error("following L1 ended unasked")]
    NodeEnded,
}

impl ServiceError {
    /// What to do about it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Store(error) => error.severity(),
            Self::Node(error) => error.severity(),
            Self::L1(error) => error.severity(),
            Self::Tx(error) => error.severity(),
            Self::Config(_) | Self::Http { .. } | Self::Stdout(_) | Self::NodeEnded => {
                Severity::Critical
            }
        }
    }
}

/// Inputs that L1 does not confirm; nothing may be bonded on them.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// L1 could not be asked.
    #[error("L1 could not be asked")]
    L1(#[from] L1Error),
    /// A batch is not on L1 (any more).
    #[error("batch {0} is not on L1")]
    Missing(BatchIndex),
    /// The game has no such attempt (any more).
    #[error("attempt {0} is unknown")]
    UnknownAttempt(AttemptId),
    /// An input is not at hand.
    #[error("an input is not at hand")]
    NotAtHand(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// An endpoint does not say what the derivation used.
    #[error("derived from {expected}, L1 says {got}")]
    Disputed {
        /// As derived.
        expected: String,
        /// As L1 says.
        got: String,
    },
}

impl InputError {
    pub(crate) fn not_at_hand(source: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::NotAtHand(Box::new(source))
    }
}

/// A move was not made.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The inputs behind its bond are not confirmed.
    #[error("the inputs are not confirmed")]
    Inputs(#[from] InputError),
    /// The history that it needs is being made.
    #[error("the history of {0:?} is not at hand yet")]
    NoHistoryYet(ClaimRange),
    /// The call could not be built.
    #[error("the call could not be built")]
    Build(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// It was refused in simulation, or failed on L1.
    #[error("the transaction failed")]
    Transaction(#[from] TxError),
    /// L1 can't be asked about a step.
    #[error("this L1 has no EXECUTE at {EXECUTE_ADDRESS}: the step can't be proven here")]
    NoExecute,
    /// The batch of the step could not be run again.
    #[error("the batch of the step could not be run again")]
    Batch(#[from] ErrandError),
    /// The watchtower is stopping.
    #[error("stopping")]
    Stopping(#[from] tokio::sync::AcquireError),
    /// The game ended while its proof was being staged.
    #[error("attempt {0} has its fate already")]
    Over(AttemptId),
    /// A task panicked or was aborted.
    #[error("a task ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl MoveError {
    /// Whether L1 has moved on since the move was planned, by all appearance.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        match self {
            Self::Transaction(error) => error.severity() == Severity::Reset,
            Self::Over(_) => true,
            _ => false,
        }
    }
}

/// Something that the planner wished for could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// A blob could not be had.
    #[error("a revealed blob could not be had")]
    Blob(#[from] BlobError),
    /// No segment was revealed with this blob (any more).
    #[error("nothing was revealed with blob {0}")]
    NotRevealed(B256),
    /// A batch is not derived (any more).
    #[error("batch {0} is not derived")]
    NotDerived(BatchIndex),
    /// The state before a batch could not be had.
    #[error("the state before a batch could not be had")]
    State(#[from] StatesError),
    /// A claim has no such step.
    #[error("there is no step at {at} of {range:?}")]
    NoStep {
        /// The claim's batches.
        range: ClaimRange,
        /// Where the step should be.
        at: StepIndex,
    },
    /// A history could not be made.
    #[error("a history could not be made")]
    History(#[from] Box<HistoryError<inbox::InputError>>),
    /// Two derivations of the same batches differ: there is a bug, or the inputs changed in between.
    #[error("the history ends at {got:?}, the derivation at {expected}")]
    Diverges {
        /// Of the node.
        expected: CheckpointHash,
        /// Of the history.
        got: Option<CheckpointHash>,
    },
    /// A task panicked or was aborted.
    #[error("a task ended early")]
    Task(#[from] tokio::task::JoinError),
}
