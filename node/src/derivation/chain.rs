//! What was derived.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::B256;
use recourse_execution::{Executed, State};
use recourse_protocol::{BatchIndex, Checkpoint, bindings::Credit};
use rpds::VectorSync;

use crate::inbox::InboxSnapshot;

/// L2 as far as it was derived. Immutable and cheap to clone. Nothing is pruned: the state at each block's end shares
/// all that did not change, and claims may be disputed for as long as they are open.
#[derive(Debug, Clone)]
pub struct Chain {
    genesis: Checkpoint,
    genesis_state: State,
    batches: VectorSync<Arc<DerivedBatch>>,
    blocks: VectorSync<Arc<DerivedBlock>>,
}

/// A batch and what it did to L2.
#[derive(Debug)]
pub struct DerivedBatch {
    /// Its index.
    pub index: BatchIndex,
    /// Its hash.
    pub hash: B256,
    /// The checkpoint before its first step.
    pub pre: Checkpoint,
    /// The state before its first step.
    pub pre_state: State,
    /// The checkpoint after its close.
    pub post: Checkpoint,
    /// The state after its close.
    pub post_state: State,
    /// Steps, its close included.
    pub steps: u64,
    /// The blocks that it holds: a block never crosses a batch.
    pub blocks: Vec<Arc<DerivedBlock>>,
    /// Hash of all L1 inputs that its steps may read and no earlier batch's could.
    pub(super) inputs: B256,
}

/// A sealed L2 block.
#[derive(Debug)]
pub struct DerivedBlock {
    /// Its header; see `protocol::l2_header` for what its roots mean.
    pub header: Header,
    /// Hash of the header.
    pub hash: B256,
    /// The transactions that were valid, in order, with their receipts.
    pub transactions: Vec<Executed>,
    /// Deposits credited at its end.
    pub credits: Vec<Credit>,
    /// The state at its end.
    pub state: State,
    /// The batch that holds it.
    pub batch: BatchIndex,
}

impl Chain {
    pub(super) fn new(genesis: Checkpoint, genesis_state: State) -> Self {
        let (batches, blocks) = (VectorSync::new_sync(), VectorSync::new_sync());
        Self { genesis, genesis_state, batches, blocks }
    }

    /// The checkpoint that every claim descends from.
    #[must_use]
    pub const fn genesis(&self) -> &Checkpoint {
        &self.genesis
    }

    /// The state that L2 starts with.
    #[must_use]
    pub const fn genesis_state(&self) -> &State {
        &self.genesis_state
    }

    /// The newest batch derived; 0 before the first.
    #[must_use]
    pub fn tip(&self) -> BatchIndex {
        self.batches.last().map_or(BatchIndex(0), |batch| batch.index)
    }

    /// A derived batch.
    #[must_use]
    pub fn batch(&self, index: BatchIndex) -> Option<&Arc<DerivedBatch>> {
        self.batches.get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    /// A derived block; none for the genesis, which has no transactions.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Arc<DerivedBlock>> {
        let first = self.genesis.number.checked_add(1)?;
        self.blocks.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// Number of the newest block.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.blocks.last().map_or(self.genesis.number, |block| block.header.number)
    }

    /// The hash of a derived batch; zero for 0.
    #[must_use]
    pub fn batch_hash(&self, index: BatchIndex) -> Option<B256> {
        if index.0 == 0 { Some(B256::ZERO) } else { self.batch(index).map(|batch| batch.hash) }
    }

    /// The checkpoint after this batch; the genesis for 0.
    #[must_use]
    pub fn checkpoint_after(&self, index: BatchIndex) -> Option<&Checkpoint> {
        if index.0 == 0 { Some(&self.genesis) } else { self.batch(index).map(|batch| &batch.post) }
    }

    /// The state after this batch; the genesis for 0.
    #[must_use]
    pub fn state_after(&self, index: BatchIndex) -> Option<&State> {
        if index.0 == 0 {
            return Some(&self.genesis_state);
        }
        self.batch(index).map(|batch| &batch.post_state)
    }

    /// Steps from the end of batch `after` to the end of batch `to`; none if not all of them are derived, or their
    /// order is wrong.
    #[must_use]
    pub fn steps(&self, after: BatchIndex, to: BatchIndex) -> Option<u64> {
        if after > to || to > self.tip() {
            return None;
        }
        let batches = (after.0.checked_add(1)?..=to.0).map(|index| self.batch(BatchIndex(index)));
        batches
            .map(|batch| batch.map(|batch| batch.steps))
            .try_fold(0, |sum: u64, steps| sum.checked_add(steps?))
    }

    /// Whether every batch of this Inbox is derived, and nothing else is.
    #[must_use]
    pub fn covers(&self, inbox: &InboxSnapshot) -> bool {
        self.tip() == inbox.batch_count() && self.stands(inbox)
    }

    /// This chain without the batches that `inbox` does not have.
    #[must_use]
    pub fn matching(&self, inbox: &InboxSnapshot) -> Self {
        let mut chain = self.clone();
        while !chain.stands(inbox) {
            chain.pop();
        }
        chain
    }

    /// Hash of the L1 inputs of batch `index` that no earlier batch could read: its own hash names the chain before
    /// it, the views give the rest. None if the Inbox does not have them.
    pub(super) fn inputs_of(inbox: &InboxSnapshot, index: BatchIndex) -> Option<B256> {
        let record = inbox.batch_at(index)?;
        let before = index.0.checked_sub(1).and_then(|before| inbox.batch_at(BatchIndex(before)));
        let first = before.map_or(0, |record| record.batch.view_count);
        let mut bytes = record.hash.to_vec();
        for view in first..record.batch.view_count {
            let view = inbox.views.get(usize::try_from(view).ok()?)?;
            bytes.extend(alloy::sol_types::SolValue::abi_encode(
                &recourse_protocol::bindings::View::from(*view),
            ));
        }
        Some(alloy_primitives::keccak256(bytes))
    }

    pub(super) fn push(&mut self, batch: Arc<DerivedBatch>) {
        for block in &batch.blocks {
            self.blocks.push_back_mut(block.clone());
        }
        self.batches.push_back_mut(batch);
    }

    fn pop(&mut self) {
        let blocks = self.batches.last().map_or(0, |batch| batch.blocks.len());
        for _ in 0..blocks {
            self.blocks.drop_last_mut();
        }
        self.batches.drop_last_mut();
    }

    /// Whether the newest batch, and so each before it, is on L1 as it was when it was derived.
    fn stands(&self, inbox: &InboxSnapshot) -> bool {
        let newest = self.batches.last();
        newest.is_none_or(|batch| Self::inputs_of(inbox, batch.index) == Some(batch.inputs))
    }
}
