//! Why a chain cannot be taken up from its file.

use std::path::PathBuf;

use alloy_primitives::B256;

/// Why a chain cannot be taken up from its file, or kept in it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Another node is using the file.
    #[error("{0} is in use by another node")]
    InUse(PathBuf),
    /// A line is no record. A last one that was cut is none of these: it is dropped.
    #[error("line {line} is damaged")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file does not begin with its genesis, or has another one later.
    #[error("line {0} is not where it should be")]
    OutOfPlace(usize),
    /// The file is another chain's: the node was started with other accounts, gas limit or the like.
    #[error("the file's first block is {got}, this configuration's is {expected}")]
    OtherChain {
        /// Hash of the first block by the configuration.
        expected: B256,
        /// Hash of the first block in the file.
        got: B256,
    },
    /// The file is a chain's with another id.
    #[error("the file's chain id is {got}, this configuration's is {expected}")]
    OtherChainId {
        /// By the configuration.
        expected: u64,
        /// In the file.
        got: u64,
    },
    /// The file's chain begins with a genesis block, and a fork was asked for.
    #[error("the file's chain begins with a genesis block and is no fork")]
    NoFork,
    /// The file's chain is a fork, and none was asked for.
    #[error("the file's chain is a fork of block {0} of another chain: name that with --fork-url")]
    Fork(u64),
    /// The file's chain is a fork of another block.
    #[error("the file's chain is a fork of block {got}, not of block {expected}")]
    OtherFork {
        /// By the configuration.
        expected: u64,
        /// In the file.
        got: u64,
    },
    /// A block comes out otherwise than it did.
    #[error("block {number} was {expected}, and is {got} when it is executed again")]
    OtherBlock {
        /// The block's number.
        number: u64,
        /// Its hash in the file.
        expected: B256,
        /// Its hash now.
        got: B256,
    },
    /// What the file tells cannot happen.
    #[error("line {line} cannot happen")]
    Impossible {
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
