//! What was derived.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_protocol::{BatchIndex, Checkpoint};
use rpds::VectorSync;

use super::{DerivedBatch, DerivedBlock, kept::Kept, recalled::Recalled};
use crate::{
    inbox::InboxSnapshot,
    states::{Place, StateStore, StatesError, Stored},
};

/// L2 as far as it was derived. Immutable and cheap to clone. What is known of a batch is in memory, and the states after the
/// newest ones. Older states, as long as they may be disputed, are computed from the changes on disk; blocks are read there.
#[derive(Debug, Clone)]
pub struct Chain {
    genesis: Checkpoint,
    genesis_state: State,
    batches: VectorSync<DerivedBatch>,
    kept: Kept,
    recalled: Recalled,
    store: StateStore,
}

impl Chain {
    pub(super) fn new(genesis: Checkpoint, genesis_state: State, store: StateStore) -> Self {
        let (batches, recalled) = (VectorSync::new_sync(), Recalled::default());
        let kept = Kept::new(BatchIndex(0), genesis.number, genesis_state.clone());
        Self { genesis, genesis_state, batches, kept, recalled, store }
    }

    /// As it was stored.
    pub(super) fn resume(mut self, stored: Stored) -> Self {
        for batch in stored.batches {
            self.batches.push_back_mut(batch);
        }
        self.kept = Kept::new(self.tip(), self.head(), stored.state);
        self
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
    pub fn batch(&self, index: BatchIndex) -> Option<&DerivedBatch> {
        self.batches.get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    /// A derived block, from disk unless it was asked for lately; none for the genesis, which has no transactions.
    ///
    /// # Errors
    /// [`StatesError`], also when an L1 reorg took its batch back meanwhile.
    pub fn block(&self, number: u64) -> Result<Option<Arc<DerivedBlock>>, StatesError> {
        let Some(batch) = self.batch_of(number) else { return Ok(None) };
        self.store.block(batch, number).map(Some)
    }

    /// The blocks of a batch; none if it is not derived.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub fn blocks_of(
        &self,
        index: BatchIndex,
    ) -> Result<Option<Vec<Arc<DerivedBlock>>>, StatesError> {
        self.batch(index).map(|batch| self.store.blocks(batch)).transpose()
    }

    /// The number of the derived block with this hash.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub fn number_of(&self, hash: B256) -> Result<Option<u64>, StatesError> {
        let Some(Place::Block(number)) = self.store.find(hash)? else { return Ok(None) };
        let block = self.block(number)?;
        Ok(block.filter(|block| block.hash == hash).map(|_| number))
    }

    /// The number of the block that holds the transaction with this hash, and its place there.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub fn locate(&self, transaction: B256) -> Result<Option<(u64, usize)>, StatesError> {
        let Some(Place::Transaction { block: number, index }) = self.store.find(transaction)?
        else {
            return Ok(None);
        };
        let Ok(index) = usize::try_from(index) else { return Ok(None) };
        let is_it = |block: &Arc<DerivedBlock>| {
            block.transactions.get(index).is_some_and(|included| included.hash() == transaction)
        };
        Ok(self.block(number)?.filter(is_it).map(|_| (number, index)))
    }

    /// The batch that holds a block.
    fn batch_of(&self, number: u64) -> Option<&DerivedBatch> {
        // Those that end before the block, by halving: blocks go up with batches.
        let (mut before, mut beyond) = (0, self.tip().0.saturating_add(1));
        while beyond.saturating_sub(before) > 1 {
            let middle = before.midpoint(beyond);
            if self.batch(BatchIndex(middle))?.post.number < number {
                before = middle;
            } else {
                beyond = middle;
            }
        }
        self.batch(BatchIndex(beyond)).filter(|batch| batch.numbers().contains(&number))
    }

    /// Number of the newest block.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.batches.last().map_or(self.genesis.number, |batch| batch.post.number)
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

    /// The state after this batch, if it is in memory, as that after the newest batch always is; the genesis for 0.
    #[must_use]
    pub fn state_after(&self, index: BatchIndex) -> Option<&State> {
        if index.0 == 0 {
            return Some(&self.genesis_state);
        }
        let confirmed = self.kept.confirmed().filter(|(batch, _)| *batch == index);
        self.kept.end(index).or_else(|| confirmed.map(|(_, state)| state))
    }

    /// The state after a block, if it is in memory.
    #[must_use]
    pub fn state_of_block(&self, number: u64) -> Option<&State> {
        self.kept.block(number)
    }

    /// The state after this batch, from memory or computed from the changes on disk: that reads and takes time by what
    /// happened since. Its root is verified. The last few that were computed are kept, as long as somebody asks for them.
    ///
    /// # Errors
    /// [`StatesError::Gone`] when it is not kept any more, or the batch is not derived, or was taken back meanwhile; else as
    /// the store fails.
    pub fn recall(&self, index: BatchIndex) -> Result<State, StatesError> {
        let (state, is_new) = self.had_again(index)?;
        if let Some(end) = self.checkpoint_after(index).filter(|_| is_new) {
            self.recalled.add(index, end.state_root, state.clone(), self.tip());
        }
        Ok(state)
    }

    /// As [`Self::recall`], but keeps nothing. Tells whether the state had to be computed.
    pub(super) fn had_again(&self, index: BatchIndex) -> Result<(State, bool), StatesError> {
        if let Some(state) = self.state_after(index) {
            return Ok((state.clone(), false));
        }
        let gone = || StatesError::Gone(index);
        let expected = self.checkpoint_after(index).ok_or_else(gone)?.state_root;
        if let Some(state) = self.recalled.get(index, expected, self.tip()) {
            return Ok((state, false));
        }
        let from = self.kept.end_from(index).ok_or_else(gone)?;
        let computed = self.store.back(from, index, expected);
        // What an L1 reorg rewrote while it was read is not damaged.
        if let (Err(_), Some(batch)) = (&computed, self.batch(from.0)) {
            self.store.check(batch)?;
        }
        Ok((computed?, true))
    }

    /// How many states are kept that were computed from the changes on disk.
    #[must_use]
    pub fn computed(&self) -> usize {
        self.recalled.len()
    }

    /// Lets go of computed states before this batch's end.
    pub(super) fn forget(&self, before: BatchIndex) {
        self.recalled.forget(before);
    }

    /// The newest batch whose claim was confirmed, if any was seen, and the state after it: withdrawals are proven
    /// under its root.
    #[must_use]
    pub fn confirmed(&self) -> Option<(BatchIndex, &State)> {
        self.kept.confirmed().map(|(batch, state)| (*batch, state))
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

    /// Hash of the L1 inputs of batch `index` that no earlier L1 block had: its own hash names the chain before
    /// it, the views give the rest. None if the Inbox does not have them.
    pub(super) fn inputs_of(inbox: &InboxSnapshot, index: BatchIndex) -> Option<B256> {
        let record = inbox.batch_at(index)?;
        let before = index.0.checked_sub(1).and_then(|before| inbox.batch_at(BatchIndex(before)));
        let first = before.map_or(0, |record| record.batch.view_count);
        // A second batch of one L1 block has no view of its own; what the first one's says is not in its hash.
        let first = first.min(record.batch.view_count.saturating_sub(1));
        let mut bytes = record.hash.to_vec();
        for view in first..record.batch.view_count {
            let view = inbox.views.get(usize::try_from(view).ok()?)?;
            bytes.extend(alloy::sol_types::SolValue::abi_encode(
                &recourse_protocol::bindings::View::from(*view),
            ));
        }
        Some(alloy_primitives::keccak256(bytes))
    }

    /// Adds the batch that comes next, with the state after it and those after its blocks.
    pub(super) fn push(
        &mut self,
        batch: DerivedBatch,
        end: State,
        blocks: impl IntoIterator<Item = (u64, State)>,
    ) {
        self.kept.add(batch.index, end, blocks);
        self.recalled.age(batch.index);
        self.batches.push_back_mut(batch);
    }

    /// This chain, which some batches were taken from, with the state that it ends with now.
    pub(super) fn ending_with(mut self, state: State) -> Self {
        self.kept.add(self.tip(), state.clone(), [(self.head(), state)]);
        self
    }

    pub(super) fn confirm(&mut self, batch: BatchIndex, state: State) {
        self.kept.set_confirmed(batch, state);
    }

    fn pop(&mut self) {
        self.batches.drop_last_mut();
        self.kept.truncate(self.tip(), self.head());
    }

    /// Whether the newest batch, and so each before it, is on L1 as it was when it was derived.
    #[must_use]
    pub fn stands(&self, inbox: &InboxSnapshot) -> bool {
        let newest = self.batches.last();
        newest.is_none_or(|batch| Self::inputs_of(inbox, batch.index) == Some(batch.inputs))
    }
}
