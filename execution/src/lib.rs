#![doc = include_str!("../README.md")]

pub mod block;
mod blockwise;
mod error;
mod evm;
pub mod execute;
mod executor;
mod keccak;
pub mod parallel;
pub mod payload;
mod record;
mod rules;
pub mod state;
pub mod trie;
mod witness;

pub use block::{Executed, Invalid, TxRun};
pub use blockwise::BlockwiseExecutor;
pub use error::{ExecutionError, StateError};
pub use evm::{block_env, cfg_env};
pub use execute::{Claim, ExecuteError, Stateless, TraceShape, execute, replay, stateless};
pub use executor::{NO_ROOT, StateExecutor};
pub use record::{RecordError, Recorded, Recorder};
pub use rules::{BlobRules, RuleSet, Schedule};
pub use state::{
    Account, AccountDiff, AccountPatch, AccountProof, FlatAccount, FlatState, Genesis,
    GenesisAccount, State, StateDiff, StorageProof,
};
pub use witness::Witness;
