//! L1 as far as this crate needs it.

use alloy_primitives::{B256, Bloom, U64};
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

/// A block with what its header says about the receipts in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) block: BlockRef,
    /// Of all events; none where the endpoint leaves it out.
    pub(crate) logs_bloom: Option<Bloom>,
    pub(crate) receipts_root: Option<B256>,
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
    logs_bloom: Option<Bloom>,
    receipts_root: Option<B256>,
}

impl From<WireBlock> for Header {
    fn from(block: WireBlock) -> Self {
        Self {
            block: BlockRef {
                number: block.number.to(),
                hash: block.hash,
                parent_hash: block.parent_hash,
                timestamp: block.timestamp.to(),
            },
            logs_bloom: block.logs_bloom,
            receipts_root: block.receipts_root,
        }
    }
}
