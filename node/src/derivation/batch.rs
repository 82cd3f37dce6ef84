//! Batches and blocks as derived.

use std::ops::RangeInclusive;

use alloy_consensus::{Header, ReceiptEnvelope, TxEnvelope, transaction::Recovered};
use alloy_primitives::B256;
use recourse_execution::Executed;
use recourse_protocol::{BatchIndex, Checkpoint, bindings::Credit};

/// A batch and what it did to L2. Its blocks are read from the store when somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedBatch {
    /// Its index.
    pub index: BatchIndex,
    /// Its hash.
    pub hash: B256,
    /// The checkpoint before its first step.
    pub pre: Checkpoint,
    /// The checkpoint after its close.
    pub post: Checkpoint,
    /// Steps, its close included.
    pub steps: u64,
    /// Hash of all L1 inputs that its steps may read and batches of earlier L1 blocks could not.
    pub inputs: B256,
}

impl DerivedBatch {
    /// Numbers of its blocks: a block never crosses a batch.
    #[must_use]
    pub const fn numbers(&self) -> RangeInclusive<u64> {
        self.pre.number.saturating_add(1)..=self.post.number
    }
}

/// A sealed L2 block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedBlock {
    /// Its header; see `protocol::l2_header` for what its roots mean.
    pub header: Header,
    /// Hash of the header.
    pub hash: B256,
    /// The transactions that were valid, in order.
    pub transactions: Vec<Included>,
    /// Deposits credited at its end.
    pub credits: Vec<Credit>,
    /// Place of the first of them in the Inbox's queue.
    pub first_deposit: u64,
    /// The batch that holds it.
    pub batch: BatchIndex,
}

/// A transaction of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// The transaction, with its sender.
    pub transaction: Recovered<TxEnvelope>,
    /// Its receipt.
    pub receipt: ReceiptEnvelope,
}

impl Included {
    /// The transaction's hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        *self.transaction.tx_hash()
    }
}

impl From<Executed> for Included {
    fn from(executed: Executed) -> Self {
        let Executed { transaction, sender, receipt, .. } = executed;
        Self { transaction: Recovered::new_unchecked(transaction, sender), receipt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of them stay in memory: docs/engine.md says what they take.
    #[test]
    fn what_is_known_of_a_batch_is_small() {
        assert!(size_of::<DerivedBatch>() <= 528, "{}", size_of::<DerivedBatch>());
    }
}
