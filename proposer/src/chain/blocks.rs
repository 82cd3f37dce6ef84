//! All blocks by number, hash and transaction.

use std::collections::HashMap;

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_rpc::{Finality, TxLocation};

use crate::sequence::L2Block;

/// Blocks whose states are kept, the newest ones: what a full node of Ethereum keeps, and as much again.
const STATES: usize = 256;

/// All blocks from 0 on. States are kept of the newest ones, which share what did not change between them, and of a few more.
#[derive(Debug)]
pub(super) struct Blocks {
    genesis: L2Block,
    /// The state after the newest block.
    state: State,
    /// A block whose state is kept longer: the end of the newest confirmed claim, for withdrawals are proven under it.
    pinned: Option<(u64, State)>,
    /// From block 1 on.
    later: Vec<L2Block>,
    by_hash: HashMap<B256, u64>,
    by_transaction: HashMap<B256, TxLocation>,
    pub(super) finality: Finality,
}

impl Blocks {
    pub(super) fn new(genesis: L2Block, state: State) -> Self {
        Self {
            state,
            pinned: None,
            by_hash: HashMap::from([(genesis.hash(), genesis.number())]),
            genesis,
            later: Vec::new(),
            by_transaction: HashMap::new(),
            finality: Finality { safe: 0, finalized: 0 },
        }
    }

    pub(super) fn head(&self) -> &L2Block {
        self.later.last().unwrap_or(&self.genesis)
    }

    /// The state after the newest block.
    pub(super) const fn head_state(&self) -> &State {
        &self.state
    }

    /// The state after a block, if it is kept.
    pub(super) fn state(&self, number: u64) -> Option<&State> {
        if number == self.head().number() {
            return Some(&self.state);
        }
        let pinned = self.pinned.as_ref().filter(|(block, _)| *block == number);
        let kept = self.get(number).and_then(|block| block.state.as_ref());
        kept.or_else(|| pinned.map(|(_, state)| state))
    }

    /// Keeps the state after a block until another is pinned.
    pub(super) fn pin(&mut self, number: u64, state: State) {
        self.pinned = Some((number, state));
    }

    pub(super) fn get(&self, number: u64) -> Option<&L2Block> {
        match number.checked_sub(1) {
            None => Some(&self.genesis),
            Some(at) => self.later.get(usize::try_from(at).ok()?),
        }
    }

    pub(super) fn number_of(&self, hash: B256) -> Option<u64> {
        self.by_hash.get(&hash).copied()
    }

    pub(super) fn locate(&self, transaction: B256) -> Option<TxLocation> {
        self.by_transaction.get(&transaction).copied()
    }

    pub(super) fn push(&mut self, block: L2Block) {
        let number = block.number();
        self.by_hash.insert(block.hash(), number);
        for (index, tx) in block.mined.transactions().iter().enumerate() {
            self.by_transaction.insert(*tx.tx_hash(), TxLocation { block: number, index });
        }
        if let Some(state) = &block.state {
            self.state = state.clone();
        }
        self.later.push(block);
        let old = self.later.len().checked_sub(STATES.saturating_add(1));
        if let Some(old) = old.and_then(|at| self.later.get_mut(at)) {
            old.state = None;
        }
    }

    /// Removes all blocks after this one, which had this state; gives them oldest first.
    pub(super) fn truncate(&mut self, number: u64, state: State) -> Vec<L2Block> {
        self.state = state;
        self.pinned = self.pinned.take().filter(|(block, _)| *block <= number);
        let keep = usize::try_from(number).unwrap_or(usize::MAX).min(self.later.len());
        let removed = self.later.split_off(keep);
        for block in &removed {
            self.by_hash.remove(&block.hash());
            for tx in block.mined.transactions() {
                self.by_transaction.remove(tx.tx_hash());
            }
        }
        self.finality.safe = self.finality.safe.min(number);
        self.finality.finalized = self.finality.finalized.min(number);
        removed
    }
}
