//! The order in which waiting transactions go into a block.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use alloy_consensus::Transaction as _;

use super::Pooled;

/// Waiting transactions, best effective tip first (then first come, first served), each sender's in order of
/// nonce. A snapshot: the pool may change meanwhile.
#[derive(Debug)]
pub struct Ready {
    base_fee: u64,
    heads: BinaryHeap<Head>,
}

impl Ready {
    pub(super) fn new(base_fee: u64, runs: impl Iterator<Item = Vec<Arc<Pooled>>>) -> Self {
        let heads = runs.filter_map(|run| Head::of(run.into(), base_fee)).collect();
        Self { base_fee, heads }
    }

    /// Whether no transaction is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The best transaction, without its sender's later ones: give it to [`Ready::taken`] if it went in,
    /// else the sender has no more to offer.
    pub fn best(&mut self) -> Option<Candidate> {
        self.heads.pop().map(Candidate)
    }

    /// The candidate went into the block: the sender's next transaction may follow.
    pub fn taken(&mut self, candidate: Candidate) {
        self.heads.extend(Head::of(candidate.0.later, self.base_fee));
    }
}

/// A transaction offered for the block.
#[derive(Debug)]
pub struct Candidate(Head);

impl Candidate {
    /// The transaction.
    #[must_use]
    pub fn pooled(&self) -> &Pooled {
        &self.0.first
    }
}

#[derive(Debug)]
struct Head {
    tip: u128,
    first: Arc<Pooled>,
    later: VecDeque<Arc<Pooled>>,
}

impl Head {
    fn of(mut run: VecDeque<Arc<Pooled>>, base_fee: u64) -> Option<Self> {
        let first = run.pop_front()?;
        // None when the fee cap is below the base fee: the sender waits.
        let tip = first.tx.effective_tip_per_gas(base_fee)?;
        Some(Self { tip, first, later: run })
    }

    fn rank(&self) -> (u128, std::cmp::Reverse<u64>) {
        (self.tip, std::cmp::Reverse(self.first.arrival))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
