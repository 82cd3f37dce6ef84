//! Blocks, their indices and the states after the newest ones.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::B256;
use recourse_rpc::{ChainError, MinedBlock, TxLocation};

use crate::{Config, state::State};

/// `BLOCKHASH` and EIP-2935 name so many blocks.
const LEAST: usize = 256;

/// How much is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    states: usize,
    blocks: usize,
}

impl Keep {
    pub(crate) fn of(config: &Config) -> Self {
        // The finalized block is asked for again and again.
        let lag = usize::try_from(config.finality_lag()).unwrap_or(usize::MAX);
        let least = LEAST.max(lag.saturating_add(1));
        let blocks = config.block_history.map_or(usize::MAX, |blocks| blocks.max(least));
        // A state without its block can't be called.
        Self { states: config.state_history.clamp(1, blocks), blocks }
    }
}

/// The canonical blocks from this chain's first, 0 unless it is a fork, to the head. Old ones between may be forgotten.
#[derive(Debug, Clone)]
pub(crate) struct History {
    first: Arc<MinedBlock>,
    /// Number of the first of these.
    oldest: u64,
    blocks: VecDeque<Arc<MinedBlock>>,
    numbers: HashMap<B256, u64>,
    transactions: HashMap<B256, TxLocation>,
    states: BTreeMap<u64, State>,
    keep: Keep,
}

impl History {
    /// A history that starts with this block.
    pub(crate) fn new(genesis: Arc<MinedBlock>, state: State, keep: Keep) -> Self {
        let mut history = Self {
            oldest: genesis.number(),
            first: Arc::clone(&genesis),
            blocks: VecDeque::new(),
            numbers: HashMap::new(),
            transactions: HashMap::new(),
            states: BTreeMap::new(),
            keep,
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
        self.blocks.push_back(block);
        self.states.insert(number, state);
        while self.states.len() > self.keep.states {
            self.states.pop_first();
        }
        while self.blocks.len() > self.keep.blocks {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(block) = self.blocks.pop_front() else { return };
        self.oldest = block.number().saturating_add(1);
        if block.number() != self.first.number() {
            self.unlist(&block);
        }
    }

    fn unlist(&mut self, block: &MinedBlock) {
        self.numbers.remove(&block.hash());
        for tx in block.transactions() {
            self.transactions.remove(tx.tx_hash());
        }
    }

    /// Removes all blocks above `number` and returns them, newest first.
    pub(crate) fn truncate(&mut self, number: u64) -> Vec<Arc<MinedBlock>> {
        let keep = self.index(number).map_or(0, |index| index.saturating_add(1));
        let mut removed = Vec::from(self.blocks.split_off(keep.min(self.blocks.len())));
        removed.reverse();
        for block in &removed {
            self.unlist(block);
            self.states.remove(&block.number());
        }
        removed
    }

    /// Number of the newest block.
    pub(crate) fn head_number(&self) -> u64 {
        let after = u64::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u64::MAX);
        self.oldest.saturating_add(after)
    }

    /// This chain's first block.
    pub(crate) const fn first(&self) -> &Arc<MinedBlock> {
        &self.first
    }

    /// Number of this chain's first block.
    pub(crate) fn first_number(&self) -> u64 {
        self.first.number()
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.oldest)?).ok()
    }

    /// The canonical block of this number, while it is kept.
    pub(crate) fn block(&self, number: u64) -> Option<&Arc<MinedBlock>> {
        if number == self.first.number() {
            return Some(&self.first);
        }
        self.blocks.get(self.index(number)?)
    }

    /// Number of the oldest block that is kept, not counting the first if others after it were forgotten.
    pub(crate) const fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The canonical block of this number, none beyond the head.
    ///
    /// # Errors
    /// When it is not kept any more.
    pub(crate) fn kept(&self, number: u64) -> Result<Option<&Arc<MinedBlock>>, ChainError> {
        if number > self.first.number() && number < self.oldest {
            return Err(ChainError::Pruned { wanted: number, oldest: self.oldest });
        }
        Ok(self.block(number))
    }

    /// The number of the canonical block of this hash, while that is kept.
    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.numbers.get(hash).copied()
    }

    /// Where a mined transaction stands, while its block is kept.
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

    /// All blocks that are kept, oldest first; the chain's first only if none was forgotten.
    pub(crate) const fn blocks(&self) -> &VecDeque<Arc<MinedBlock>> {
        &self.blocks
    }
}
