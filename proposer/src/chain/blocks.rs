//! Blocks by number, hash and transaction.

use std::collections::{BTreeMap, HashMap, VecDeque};

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_rpc::{Finality, TxLocation};

use crate::sequence::L2Block;

/// Blocks whose states are kept, the newest ones: what a full node of Ethereum keeps, and as much again.
const STATES: usize = 256;

/// Why the state after a block is kept though it is not one of the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pin {
    /// It ends the newest confirmed claim: withdrawals are proven under it.
    Confirmed,
    /// It is the `safe` one.
    Safe,
    /// It is the `finalized` one.
    Finalized,
}

/// The newest blocks, without gaps: those that are not final, and those whose states are kept. States are kept of the newest ones,
/// which share what did not change between them, and of a few more.
#[derive(Debug)]
pub(super) struct Blocks {
    genesis: L2Block,
    /// The state after the newest block.
    state: State,
    /// Blocks whose states are kept longer.
    pinned: BTreeMap<Pin, (u64, State)>,
    /// The block that the next one stands on.
    base: L2Block,
    /// From the block after that on.
    later: VecDeque<L2Block>,
    /// Those of the genesis and of `later`.
    by_hash: HashMap<B256, u64>,
    by_transaction: HashMap<B256, TxLocation>,
    pub(super) finality: Finality,
}

impl Blocks {
    pub(super) fn new(genesis: L2Block, state: State) -> Self {
        Self {
            state,
            pinned: BTreeMap::new(),
            by_hash: HashMap::from([(genesis.hash(), genesis.number())]),
            base: genesis.clone(),
            genesis,
            later: VecDeque::new(),
            by_transaction: HashMap::new(),
            finality: Finality { safe: 0, finalized: 0 },
        }
    }

    pub(super) fn head(&self) -> &L2Block {
        self.later.back().unwrap_or(&self.base)
    }

    /// The state after the newest block.
    pub(super) const fn head_state(&self) -> &State {
        &self.state
    }

    /// The newest block that later ones can't be taken back from without another in its place.
    pub(super) fn base_number(&self) -> u64 {
        self.base.number()
    }

    /// The state after a block, if it is kept.
    pub(super) fn state(&self, number: u64) -> Option<&State> {
        if number == self.head().number() {
            return Some(&self.state);
        }
        let kept = self.get(number).and_then(|block| block.state.as_ref());
        let pinned = || self.pinned.values().find(|(block, _)| *block == number);
        kept.or_else(|| pinned().map(|(_, state)| state))
    }

    /// Keeps the state after a block until another is pinned for the same reason.
    pub(super) fn pin(&mut self, why: Pin, number: u64, state: State) {
        self.pinned.insert(why, (number, state));
    }

    /// The block that is pinned for this reason.
    pub(super) fn pinned(&self, why: Pin) -> Option<u64> {
        self.pinned.get(&why).map(|(number, _)| *number)
    }

    /// A block, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<&L2Block> {
        if number == self.genesis.number() {
            return Some(&self.genesis);
        }
        match number.checked_sub(self.base.number())?.checked_sub(1) {
            None => Some(&self.base),
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
        self.later.push_back(block);
        let old = self.later.len().checked_sub(STATES.saturating_add(1));
        if let Some(old) = old.and_then(|at| self.later.get_mut(at)) {
            old.state = None;
        }
    }

    /// Removes all blocks after this one, which had this state; gives those that were kept, oldest first. `base` is that block:
    /// it is needed where it is not kept.
    pub(super) fn truncate(
        &mut self,
        number: u64,
        state: State,
        base: Option<L2Block>,
    ) -> Vec<L2Block> {
        self.state = state;
        self.pinned.retain(|_, (block, _)| *block <= number);
        let keep = usize::try_from(number.saturating_sub(self.base.number()));
        let keep = keep.unwrap_or(usize::MAX).min(self.later.len());
        let removed: Vec<_> = self.later.split_off(keep).into();
        removed.iter().for_each(|block| self.forget(block));
        if number < self.base.number() {
            self.base = base.unwrap_or_else(|| self.genesis.clone());
        }
        self.finality.safe = self.finality.safe.min(number);
        self.finality.finalized = self.finality.finalized.min(number);
        removed
    }

    /// Stands on this block, which is final, and nothing before it is kept.
    pub(super) fn start_at(&mut self, block: L2Block, state: State) {
        let removed = std::mem::take(&mut self.later);
        removed.iter().for_each(|block| self.forget(block));
        self.base = block;
        self.state = state;
    }

    /// Lets go of final blocks whose states are not kept any more.
    pub(super) fn let_go(&mut self) {
        while self.later.len() > STATES
            && self.later.front().is_some_and(|old| old.number() <= self.finality.finalized)
            && let Some(old) = self.later.pop_front()
        {
            self.forget(&old);
            self.base = old;
        }
    }

    fn forget(&mut self, block: &L2Block) {
        self.by_hash.remove(&block.hash());
        for tx in block.mined.transactions() {
            self.by_transaction.remove(tx.tx_hash());
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::Header;
    use recourse_protocol::BatchIndex;

    use super::*;

    fn block(number: u64) -> L2Block {
        let header = Header { number, ..Header::default() };
        let state = Some(State::default());
        L2Block::new(header, Vec::new(), &[], 0, state, BatchIndex(number))
    }

    fn chain(blocks: u64, finalized: u64) -> Blocks {
        let mut chain = Blocks::new(block(0), State::default());
        (1..=blocks).for_each(|number| chain.push(block(number)));
        chain.finality.finalized = finalized;
        chain.let_go();
        chain
    }

    #[test]
    fn what_is_final_and_old_is_let_go() {
        let mut chain = chain(600, 400);
        assert_eq!((chain.base_number(), chain.head().number()), (344, 600));
        for number in 0..=601 {
            let is_kept = number == 0 || (344..=600).contains(&number);
            assert_eq!(chain.get(number).map(L2Block::number), is_kept.then_some(number));
            let is_named = number == 0 || (345..=600).contains(&number);
            assert_eq!(chain.number_of(block(number).hash()), is_named.then_some(number));
            assert_eq!(chain.state(number).is_some(), is_named);
        }
        let removed = chain.truncate(500, State::default(), None);
        assert!(removed.iter().map(L2Block::number).eq(501..=600));
        assert_eq!((chain.base_number(), chain.head().number()), (344, 500));
        chain.push(block(501));
        let removed = chain.truncate(100, State::default(), Some(block(100)));
        assert!(removed.iter().map(L2Block::number).eq(345..=501));
        assert_eq!((chain.base_number(), chain.head().number()), (100, 100));
        chain.push(block(101));
        assert_eq!(chain.get(101).map(L2Block::number), Some(101));
        chain.truncate(0, State::default(), None);
        assert_eq!((chain.base_number(), chain.head().number()), (0, 0));
    }

    #[test]
    fn pinned_states_outlive_the_newest_ones() {
        let mut chain = chain(300, 10);
        assert!(chain.state(20).is_none() && chain.state(40).is_none());
        chain.pin(Pin::Finalized, 20, State::default());
        chain.pin(Pin::Safe, 40, State::default());
        assert!(chain.state(20).is_some() && chain.state(40).is_some());
        chain.pin(Pin::Finalized, 30, State::default());
        assert!(chain.state(20).is_none() && chain.state(30).is_some());
        chain.truncate(35, State::default(), None);
        assert_eq!((chain.pinned(Pin::Finalized), chain.pinned(Pin::Safe)), (Some(30), None));
    }

    #[test]
    fn what_is_not_final_stays() {
        let chain = chain(600, 10);
        assert_eq!(chain.base_number(), 10);
        assert_eq!(chain.number_of(block(11).hash()), Some(11));
    }
}
