//! Blocks, their indices and the states after the newest ones.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use alloy_primitives::B256;
use recourse_rpc::{MinedBlock, TxLocation};

use crate::state::State;

/// The canonical blocks from this chain's first, 0 unless it is a fork, to the head.
#[derive(Debug, Clone)]
pub(crate) struct History {
    first: u64,
    blocks: Vec<Arc<MinedBlock>>,
    numbers: HashMap<B256, u64>,
    transactions: HashMap<B256, TxLocation>,
    states: BTreeMap<u64, State>,
    keep: usize,
}

impl History {
    /// A history that starts with this block and keeps the states of `keep` newest blocks.
    pub(crate) fn new(genesis: Arc<MinedBlock>, state: State, keep: usize) -> Self {
        let mut history = Self {
            first: genesis.number(),
            blocks: Vec::new(),
            numbers: HashMap::new(),
            transactions: HashMap::new(),
            states: BTreeMap::new(),
            keep: keep.max(1),
        };
        history.push(genesis, state);
        history
    }

    /// Adds a block on top of the head.
    pub(crate) fn push(&mut self, block: Arc<MinedBlock>, state: State) {
        let number = block.number();
        self.numbers.insert(block.hash(), number);
        for (index, tx) in block.transactions().iter().enumerate() {
            self.transactions.insert(*tx.tx_hash(), TxLocation { block: number, index });
        }
        self.blocks.push(block);
        self.states.insert(number, state);
        while self.states.len() > self.keep {
            self.states.pop_first();
        }
    }

    /// Removes all blocks above `number` and returns them, newest first.
    pub(crate) fn truncate(&mut self, number: u64) -> Vec<Arc<MinedBlock>> {
        let keep = self.index(number).map_or(0, |index| index.saturating_add(1));
        let mut removed = self.blocks.split_off(keep.min(self.blocks.len()));
        removed.reverse();
        for block in &removed {
            self.numbers.remove(&block.hash());
            self.states.remove(&block.number());
            for tx in block.transactions() {
                self.transactions.remove(tx.tx_hash());
            }
        }
        removed
    }

    /// Number of the newest block.
    pub(crate) fn head_number(&self) -> u64 {
        let after = u64::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u64::MAX);
        self.first.saturating_add(after)
    }

    /// Number of this chain's first block.
    pub(crate) const fn first_number(&self) -> u64 {
        self.first
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// The canonical block of this number.
    pub(crate) fn block(&self, number: u64) -> Option<&Arc<MinedBlock>> {
        self.blocks.get(self.index(number)?)
    }

    /// The number of the canonical block of this hash.
    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.numbers.get(hash).copied()
    }

    /// Where a mined transaction stands.
    pub(crate) fn locate(&self, transaction: &B256) -> Option<TxLocation> {
        self.transactions.get(transaction).copied()
    }

    /// The state after a block, while it is kept.
    pub(crate) fn state(&self, number: u64) -> Option<&State> {
        self.states.get(&number)
    }

    /// The oldest block whose state is kept.
    pub(crate) fn oldest_state(&self) -> u64 {
        self.states.first_key_value().map_or(0, |(number, _)| *number)
    }

    /// Replaces the state after a block, for dev methods.
    pub(crate) fn set_state(&mut self, number: u64, state: State) {
        self.states.insert(number, state);
    }

    /// All blocks, oldest first.
    pub(crate) fn blocks(&self) -> &[Arc<MinedBlock>] {
        &self.blocks
    }
}
