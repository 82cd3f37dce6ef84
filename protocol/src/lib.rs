#![doc = include_str!("../README.md")]

pub mod bindings;
mod block;
mod bonds;
mod checkpoint;
mod config;
mod game;
mod hashes;
mod ids;
mod inline;
mod inputs;
mod memory;
mod payload;
mod predeploys;
mod step;
mod tape;

pub use block::{base_fee_of_child, header_hash, l2_header};
pub use bonds::{
    BLOB_FEE_CAP, DEFAULT_CHALLENGE_BOND, DEFAULT_CHUNK_REWARD, DEFAULT_CLAIM_BOND, FEE_CAP,
};
pub use checkpoint::Checkpoint;
pub use config::{
    ConfigError, Contracts, DEFAULT_WITNESS_BYTES, DeploymentConfig, GenesisAccount, GenesisConfig,
    L2Config, LEAST_WITNESS_BYTES, Limits, Periods, RollupConfig,
};
pub use game::{Attempt, AttemptStatus, Challenge, Content, Game, RevealState, SegmentState};
pub use hashes::{attempt_id, content_hash, fold_digest, genesis_content, segment_id};
pub use ids::{
    AttemptId, BatchIndex, CheckpointHash, ContentHash, SegmentId, StepIndex, ViewIndex,
};
pub use inline::{MAX_INLINE_BYTES, inline_bytes};
pub use inputs::{Batch, Inputs, View};
pub use memory::{MemoryInputs, MissingInput};
pub use payload::{BYTES_PER_ELEMENT, ELEMENTS, PAYLOAD_BYTES, Payload, PayloadError};
pub use predeploys::{L2_WITHDRAWALS, predeploys};
pub use step::{
    Executor, Open, Plan, Rule, Seal, Step, StepError, Transact, TransactionSource, TxOutcome,
    TxPosition, plan, step,
};
pub use tape::{
    Item, OPEN_BYTES, TX_HEADER_BYTES, TapeError, TapeWriter, read_item, transactions,
    transactions_at,
};

/// Gas that a forced transaction may need, and the most that any transaction may use (EIP-7825).
pub const MAX_TX_GAS: u64 = 1 << 24;
/// Deposits that one block credits at most.
pub const CREDITS_PER_BLOCK: u64 = 16;
/// The base fee of the first L2 block's parent, in wei.
pub const GENESIS_BASE_FEE: u64 = 1_000_000_000;
/// The address of the `EXECUTE` precompile on L1; an empty account on L2.
pub const EXECUTE_ADDRESS: alloy_primitives::Address =
    alloy_primitives::address!("0000000000000000000000000000000000000101");
