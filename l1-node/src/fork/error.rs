//! Why the forked chain cannot be read.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};

/// Why the forked chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// No endpoint was given.
    #[error("a fork needs at least one --fork-url")]
    NoUrl,
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// No endpoint gave what was asked for.
    #[error("no endpoint of the forked chain answered {method}: {}", .problems.join("; "))]
    Unanswered {
        /// The JSON-RPC method.
        method: &'static str,
        /// Whether all of them said no; otherwise asking later may help.
        refused: bool,
        /// What each endpoint said or did, the last time it was asked.
        problems: Vec<String>,
    },
    /// The state of a block cannot be had.
    #[error(
        "the state of block {number} ({hash}) of the forked chain cannot be read: an endpoint that is no archive has only its newest blocks' states, so fork a newer block or name an archive"
    )]
    State {
        /// The block's number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// What the endpoints said.
        #[source]
        source: Box<ForkError>,
    },
    /// The upstream has no such block.
    #[error("the forked chain has no block {0}")]
    NoBlock(u64),
    /// Two endpoints are of different chains.
    #[error("{url} is of chain {got}, {first_url} of chain {expected}")]
    OtherChain {
        /// The first endpoint.
        first_url: String,
        /// Its chain id.
        expected: u64,
        /// Another endpoint.
        url: String,
        /// Its chain id.
        got: u64,
    },
    /// Two endpoints have different blocks at the height of the fork.
    #[error(
        "the endpoints disagree on block {number}: {first_url} has {expected}, {url} has {got}"
    )]
    OtherBlock {
        /// The height.
        number: u64,
        /// The first endpoint.
        first_url: String,
        /// Its block.
        expected: B256,
        /// Another endpoint.
        url: String,
        /// Its block.
        got: B256,
    },
    /// The state file goes on from another block than the command line names.
    #[error("the state file goes on from block {recorded}, not from block {asked}")]
    OtherStart {
        /// The block in the file.
        recorded: u64,
        /// The block on the command line.
        asked: u64,
    },
    /// The block that was forked is not in the upstream's chain any more.
    #[error(
        "the forked chain has reorganised: its block {number} is {got}, and was {expected} when it was forked"
    )]
    Reorganised {
        /// Its number.
        number: u64,
        /// Its hash.
        expected: B256,
        /// What is there now.
        got: B256,
    },
    /// A block is not what its hash says.
    #[error("{what} of block {number} of the forked chain is {got}, its header says {expected}")]
    Forged {
        /// What was checked.
        what: &'static str,
        /// The block.
        number: u64,
        /// What it must be.
        expected: B256,
        /// What it is.
        got: B256,
    },
    /// A block holds what this node does not know, or is not whole.
    #[error("block {0} of the forked chain is not one that this node can read: {1}")]
    Unreadable(u64, &'static str),
    /// A nonce of more than 64 bits.
    #[error("the forked chain's nonce of {0} is no nonce: it has more than 64 bits")]
    WideNonce(Address),
    /// A code without its account.
    #[error("the code {0} was not read with any account")]
    UnknownCode(B256),
    /// The cache's folder cannot be used.
    #[error("cannot use the fork cache {path}")]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

/// An error and its causes in one line.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
