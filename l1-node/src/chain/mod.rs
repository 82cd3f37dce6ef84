//! The chain: state, blocks, pool and clock, owned by one [`Core`].

mod admission;
mod blobs;
mod builder;
mod clock;
mod core;
mod edit;
mod evm;
mod genesis;
mod history;
mod mining;
mod pool;
mod reorg;
mod restore;
mod rules;
mod simulate;
mod snapshot;
mod start;
mod transaction;

use alloy_primitives::{Address, address};

pub(crate) use self::core::Core;
pub(crate) use mining::nonce_in;
pub(crate) use restore::OpenError;
pub(crate) use rules::{blob_params, env};
pub(crate) use simulate::{Replay, Simulation};
pub(crate) use transaction::{PoolTx, StoredBlob};

/// Where EXECUTE lives.
pub(crate) const EXECUTE_ADDRESS: Address = address!("0x0000000000000000000000000000000000000101");
/// Where EXECUTE of whole blocks lives (EIP-8079).
pub(crate) const PAYLOAD_ADDRESS: Address = address!("0x0000000000000000000000000000000000000102");
