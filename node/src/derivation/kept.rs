//! States in memory.

use recourse_execution::State;
use recourse_protocol::BatchIndex;
use rpds::RedBlackTreeMapSync;

/// Blocks whose states are kept in memory, the newest ones: each holds the nodes that its changes made, some kilobytes for
/// each account or slot.
pub(super) const BLOCKS: usize = 256;
/// Batches whose ends are kept in memory, the newest ones. What lies further back is computed from the changes on disk.
const BATCHES: usize = 64;

/// The states that are kept in memory. A clone is cheap.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// After blocks, by number.
    blocks: RedBlackTreeMapSync<u64, State>,
    /// After batches; after 0 comes the genesis.
    ends: RedBlackTreeMapSync<u64, State>,
    /// After the newest batch whose claim was confirmed: withdrawals are proven under it.
    confirmed: Option<(BatchIndex, State)>,
}

impl Kept {
    pub(super) fn new(at: BatchIndex, block: u64, state: State) -> Self {
        Self {
            blocks: RedBlackTreeMapSync::new_sync().insert(block, state.clone()),
            ends: RedBlackTreeMapSync::new_sync().insert(at.0, state),
            confirmed: None,
        }
    }

    pub(super) fn block(&self, number: u64) -> Option<&State> {
        self.blocks.get(&number)
    }

    pub(super) fn end(&self, batch: BatchIndex) -> Option<&State> {
        self.ends.get(&batch.0)
    }

    /// The oldest end that is not before a batch's.
    pub(super) fn end_from(&self, batch: BatchIndex) -> Option<(BatchIndex, &State)> {
        self.ends.range(batch.0..).next().map(|(index, state)| (BatchIndex(*index), state))
    }

    /// The newest batch whose claim was confirmed, and the state after it.
    pub(super) const fn confirmed(&self) -> Option<&(BatchIndex, State)> {
        self.confirmed.as_ref()
    }

    pub(super) fn set_confirmed(&mut self, batch: BatchIndex, state: State) {
        self.confirmed = Some((batch, state));
    }

    /// Adds the newest batch, and lets go of what is too old.
    pub(super) fn add(
        &mut self,
        batch: BatchIndex,
        end: State,
        blocks: impl IntoIterator<Item = (u64, State)>,
    ) {
        for (number, state) in blocks {
            self.blocks.insert_mut(number, state);
        }
        self.ends.insert_mut(batch.0, end);
        while self.blocks.size() > BLOCKS {
            drop_first(&mut self.blocks);
        }
        while self.ends.size() > BATCHES {
            drop_first(&mut self.ends);
        }
    }

    /// Goes back: nothing after this batch and this block is known any more.
    pub(super) fn truncate(&mut self, batch: BatchIndex, block: u64) {
        cut(&mut self.ends, batch.0);
        cut(&mut self.blocks, block);
        if self.confirmed.as_ref().is_some_and(|(confirmed, ..)| *confirmed > batch) {
            self.confirmed = None;
        }
    }
}

fn drop_first(states: &mut RedBlackTreeMapSync<u64, State>) {
    if let Some((oldest, _)) = states.first() {
        let oldest = *oldest;
        states.remove_mut(&oldest);
    }
}

fn cut(states: &mut RedBlackTreeMapSync<u64, State>, last: u64) {
    while let Some((newest, _)) = states.last()
        && *newest > last
    {
        let newest = *newest;
        states.remove_mut(&newest);
    }
}
