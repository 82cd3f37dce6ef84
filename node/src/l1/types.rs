//! L1 as far as this crate needs it.

use alloy_primitives::{B256, U64};
use serde::{Deserialize, Serialize};

/// An L1 block's place in its chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockRef {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the block before it.
    pub parent_hash: B256,
    /// In seconds.
    pub timestamp: u64,
}

/// Prices of the next L1 block, in wei.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fees {
    /// Base fee per gas.
    pub base_fee: u128,
    /// Tip per gas that recent blocks took.
    pub priority_fee: u128,
    /// Base fee per blob gas.
    pub blob_base_fee: u128,
}

/// The part of `eth_getBlockBy*` that matters: whatever else a client sends may change.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireBlock {
    number: U64,
    hash: B256,
    parent_hash: B256,
    timestamp: U64,
}

impl From<WireBlock> for BlockRef {
    fn from(block: WireBlock) -> Self {
        Self {
            number: block.number.to(),
            hash: block.hash,
            parent_hash: block.parent_hash,
            timestamp: block.timestamp.to(),
        }
    }
}
