//! What is to be sent, and how hard to try.

use std::{sync::Arc, time::Duration};

use alloy::sol_types::SolCall;
use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, Bytes, U256};
use recourse_protocol::BLOB_FEE_CAP;

use super::price::Price;

/// A transaction that somebody wants to be mined.
#[derive(Debug, Clone)]
pub struct TxRequest {
    /// Names the intent, e.g. "confirm:0x.."; two requests of one key are one transaction.
    pub key: String,
    /// The contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// In wei.
    pub value: U256,
    /// Blobs; none for an EIP-1559 transaction.
    pub blobs: Vec<Arc<Blob>>,
    /// Gas limit; estimated if none.
    pub gas_limit: Option<u64>,
    /// The least gas limit, whatever the estimate says: a node that estimates on its newest block shows what costs less
    /// the second time in a block as cheaper than it is in the next one.
    pub gas_at_least: u64,
}

impl TxRequest {
    /// A call of a contract.
    pub fn call(key: impl Into<String>, to: Address, call: &impl SolCall) -> Self {
        Self {
            key: key.into(),
            to,
            data: call.abi_encode().into(),
            value: U256::ZERO,
            blobs: Vec::new(),
            gas_limit: None,
            gas_at_least: 0,
        }
    }

    /// With wei.
    #[must_use]
    pub const fn with_value(mut self, value: U256) -> Self {
        self.value = value;
        self
    }

    /// With blobs.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Vec<Arc<Blob>>) -> Self {
        self.blobs = blobs;
        self
    }

    /// With a gas limit of at least so much. The estimate is still made: it tells whether the transaction would revert.
    #[must_use]
    pub const fn with_gas_at_least(mut self, gas: u64) -> Self {
        self.gas_at_least = gas;
        self
    }

    /// With a gas limit instead of an estimate.
    #[must_use]
    pub const fn with_gas_limit(mut self, gas: u64) -> Self {
        self.gas_limit = Some(gas);
        self
    }
}

/// How hard to try. `docs/operations.md` tells what each knob is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxPolicy {
    /// Blocks that must hold a transaction before it counts as mined, its own included; 1 by default.
    pub confirmations: u64,
    /// Blocks after which no reorg is expected any more; 64 by default.
    pub settle_depth: u64,
    /// Between two looks at L1; 4 s by default.
    pub poll_interval: Duration,
    /// Time without being mined after which a transaction is replaced at a higher price; 36 s by default.
    pub bump_after: Duration,
    /// How long a caller waits at most; 10 min by default. The transaction is not given up then.
    pub timeout: Duration,
    /// Most that is paid, in wei per gas; 500 gwei by default.
    pub max_fee_per_gas: u128,
    /// Most that is paid, in wei per blob gas; by default the 1,000 gwei that a challenge bond is made for.
    pub max_fee_per_blob_gas: u128,
    /// Transactions in flight at most; 16 by default.
    pub max_pending: usize,
    /// Added to gas estimates, in percent; 25 by default.
    pub gas_margin: u64,
}

impl TxPolicy {
    /// The most that is paid for a transaction of so much gas with so many blobs, in wei.
    #[must_use]
    pub fn most(&self, gas: u64, blobs: usize) -> U256 {
        let (max_fee, max_blob_fee) = (self.max_fee_per_gas, self.max_fee_per_blob_gas);
        Price { max_fee, tip: 0, max_blob_fee }.most(gas, blobs)
    }
}

impl Default for TxPolicy {
    fn default() -> Self {
        const GWEI: u128 = 1_000_000_000;
        Self {
            confirmations: 1,
            settle_depth: 64,
            poll_interval: Duration::from_secs(4),
            bump_after: Duration::from_secs(36),
            timeout: Duration::from_secs(600),
            max_fee_per_gas: 500 * GWEI,
            max_fee_per_blob_gas: BLOB_FEE_CAP,
            max_pending: 16,
            gas_margin: 25,
        }
    }
}
