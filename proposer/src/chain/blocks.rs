//! All blocks by number, hash and transaction.

use std::collections::HashMap;

use alloy_primitives::B256;
use recourse_rpc::{Finality, TxLocation};

use crate::sequence::L2Block;

/// All blocks from 0 on. Their states share what did not change between them.
#[derive(Debug)]
pub(super) struct Blocks {
    genesis: L2Block,
    /// From block 1 on.
    later: Vec<L2Block>,
    by_hash: HashMap<B256, u64>,
    by_transaction: HashMap<B256, TxLocation>,
    pub(super) finality: Finality,
}

impl Blocks {
    pub(super) fn new(genesis: L2Block) -> Self {
        Self {
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
        self.later.push(block);
    }

    /// Removes all blocks after this one; gives them oldest first.
    pub(super) fn truncate(&mut self, number: u64) -> Vec<L2Block> {
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
