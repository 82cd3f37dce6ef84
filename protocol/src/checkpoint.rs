//! The state of the L2 between two steps.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::{BatchIndex, CheckpointHash, ViewIndex, bindings};

/// The state of the L2 between two steps: all that the next step depends on besides L1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Root of the L2 state trie.
    pub state_root: B256,
    /// Hash of the last sealed block's header.
    pub parent_hash: B256,
    /// Running digest of the transactions of the current (or last) block.
    pub tx_digest: B256,
    /// Running digest of the receipts of the current (or last) block.
    pub receipt_digest: B256,
    /// Number of the current (or last) block.
    pub number: u64,
    /// Timestamp of the current (or last) block, in seconds.
    pub timestamp: u64,
    /// Gas used so far in the current (or last) block.
    pub gas_used: u64,
    /// Base fee of the current (or last) block, in wei per gas.
    pub base_fee: U256,
    /// The view of L1 that the current (or last) block sees.
    pub view: ViewIndex,
    /// Forced transactions executed since genesis.
    pub forced_done: u64,
    /// Deposits credited since genesis.
    pub deposits_done: u64,
    /// The batch that the cursor stands in.
    pub batch: BatchIndex,
    /// The blob of the batch that the cursor stands in.
    pub blob: u32,
    /// The byte of the blob's payload that the cursor stands at.
    pub offset: u32,
    /// Whether a block is open.
    pub open: bool,
}

impl Checkpoint {
    /// The hash that claims and dissections use: `keccak256(abi.encode(self))` with the first byte
    /// zeroed, so that it is a canonical BLS12-381 field element.
    #[must_use]
    pub fn h248(&self) -> CheckpointHash {
        let mut hash = keccak256(bindings::Checkpoint::from(*self).abi_encode());
        if let Some(first) = hash.0.first_mut() {
            *first = 0;
        }
        CheckpointHash(hash)
    }

    /// Whether a claim about all batches up to `batch` may end here: at the start of the next batch,
    /// with no block open.
    #[must_use]
    pub const fn ends_batch(&self, batch: BatchIndex) -> bool {
        match batch.0.checked_add(1) {
            Some(next) => self.batch.0 == next && self.blob == 0 && self.offset == 0 && !self.open,
            None => false,
        }
    }
}

impl From<Checkpoint> for bindings::Checkpoint {
    fn from(c: Checkpoint) -> Self {
        Self {
            stateRoot: c.state_root,
            parentHash: c.parent_hash,
            txDigest: c.tx_digest,
            receiptDigest: c.receipt_digest,
            number: c.number,
            timestamp: c.timestamp,
            gasUsed: c.gas_used,
            baseFee: c.base_fee,
            viewIndex: c.view.0,
            forcedDone: c.forced_done,
            depositsDone: c.deposits_done,
            batch: c.batch.0,
            blob: c.blob,
            offset: c.offset,
            open: c.open,
        }
    }
}

impl From<bindings::Checkpoint> for Checkpoint {
    fn from(c: bindings::Checkpoint) -> Self {
        Self {
            state_root: c.stateRoot,
            parent_hash: c.parentHash,
            tx_digest: c.txDigest,
            receipt_digest: c.receiptDigest,
            number: c.number,
            timestamp: c.timestamp,
            gas_used: c.gasUsed,
            base_fee: c.baseFee,
            view: ViewIndex(c.viewIndex),
            forced_done: c.forcedDone,
            deposits_done: c.depositsDone,
            batch: BatchIndex(c.batch),
            blob: c.blob,
            offset: c.offset,
            open: c.open,
        }
    }
}
