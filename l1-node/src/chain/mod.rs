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
mod import;
mod mining;
mod pool;
mod reorg;
mod restore;
mod rewards;
mod rules;
mod scratch;
mod simulate;
mod snapshot;
mod start;
mod transaction;

use alloy_primitives::{Address, address};

pub(crate) use self::core::Core;
pub use import::ImportError;
pub(crate) use restore::OpenError;
pub(crate) use rules::Rules;
pub(crate) use scratch::Scratchpad;
pub(crate) use simulate::Simulation;
pub(crate) use transaction::{PoolTx, StoredBlob};

/// Where EXECUTE lives.
pub(crate) const EXECUTE_ADDRESS: Address = address!("0x0000000000000000000000000000000000000101");
/// Where EXECUTE of whole blocks lives (EIP-8079).
pub(crate) const PAYLOAD_ADDRESS: Address = address!("0x0000000000000000000000000000000000000102");
