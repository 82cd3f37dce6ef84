//! Why the daemon does not start, or stops.

use std::{io, path::PathBuf};

use recourse_execution::StateError;
use recourse_node::{
    NodeError, blobs::BlobError, l1::L1Error, lifecycle::SecretError, store::StoreError,
    tx::TxError,
};
use recourse_protocol::ConfigError as RollupConfigError;

use crate::{journal::JournalError, producer::ProducerError};

/// The command line is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration can't be read.
    #[error("{path} can't be read")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Rollup(#[from] RollupConfigError),
    /// No key is given.
    #[error("--key-file or --key-env is needed")]
    NoKey,
    /// The key can't be read.
    #[error("the key can't be read")]
    Key(#[source] Box<SecretError>),
    /// The key is no private key.
    #[error("the key is not 32 bytes of hex, or no secp256k1 key")]
    BadKey,
    /// A flag is out of its range.
    #[error("{flag}: expected {expected}, got {got}")]
    OutOfRange {
        /// The flag.
        flag: &'static str,
        /// Its range.
        expected: &'static str,
        /// The value.
        got: u64,
    },
}

/// The daemon stops.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The command line is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// L1 can't be followed.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Transactions can't be sent.
    #[error(transparent)]
    Transactions(#[from] TxError),
    /// The transaction manager can't go on; its log says why.
    #[error("no more transactions can be sent to L1")]
    SendingStopped,
    /// L1 can't be asked.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Own blobs can't be archived.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The L2 head can't move on.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The genesis of the configuration is not the one of the contracts.
    #[error("block 0 has the hash {got}, the genesis checkpoint says {expected}")]
    OtherGenesis {
        /// Of the checkpoint.
        expected: alloy_primitives::B256,
        /// Of the block made of the configuration and view 0.
        got: alloy_primitives::B256,
    },
    /// L1 does not show the Inbox's first view.
    #[error("L1 does not show the Inbox's first view")]
    NoGenesis,
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// JSON-RPC can't be served.
    #[error("JSON-RPC can't be served on {address}")]
    Rpc {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Two JSON-RPC methods have one name.
    #[error("the JSON-RPC methods can't be registered")]
    Methods,
    /// A task ended that never should.
    #[error("a task of the daemon panicked or was dropped")]
    Task(#[from] tokio::task::JoinError),
}
