use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

use super::Reason;

/// One call of the precompile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallVector {
    /// Unique among calls.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// What the call meets.
    pub l1: L1,
    /// The whole input.
    pub input: Bytes,
    /// How the call ends.
    pub result: Verdict,
    /// Why it fails or is false.
    pub reason: Option<Reason>,
    /// What it returns.
    pub output: Bytes,
    /// L1 gas that it takes; all that is forwarded when it fails.
    pub gas: u64,
    /// L2 gas that later calls of the L1 block may declare.
    pub gas_left_after: u64,
}

/// What a call meets on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct L1 {
    /// L1 gas that the caller forwards.
    pub gas_forwarded: u64,
    /// Slot 0 of the precompile's account.
    pub excess: u64,
    /// The L1 block's base fee, in wei per gas.
    pub base_fee: u64,
    /// L2 gas that calls of this L1 block may still declare.
    pub gas_left: u64,
    /// Code of L1 accounts that the trace points to.
    pub codes: BTreeMap<Address, Bytes>,
}

impl Default for L1 {
    fn default() -> Self {
        Self {
            gas_forwarded: 1_000_000,
            excess: 0,
            base_fee: 1_000_000_000,
            gas_left: 1 << 25,
            codes: BTreeMap::new(),
        }
    }
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It succeeds and returns 1.
    True,
    /// It succeeds and returns 0.
    False,
    /// It does not succeed.
    Fails,
    /// It was a query: it succeeds and returns two words.
    Query,
}
