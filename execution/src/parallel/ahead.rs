//! How far transactions start ahead of what is committed, so that little is run for nothing.
//!
//! A transaction starts ahead only if its gas limit, with those of all before it that are not committed, fits the gas that the
//! block has left, and the gas that may be run for nothing. What does not fit starts when all before it are committed: then it
//! is known whether the block has gas for it, and what it reads is final.

use std::sync::atomic::{
    AtomicI64, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use revm::context::{Cfg, CfgEnv};

use super::{apart::Apart, job::FlatTx};

/// Gas that may be run for nothing before any was run for something: 16 of the largest transactions.
pub const ALLOWANCE: u64 = 1 << 28;

/// Gas that may still be run for nothing, over all blocks: [`ALLOWANCE`] at most. What is committed adds to it, what is thrown
/// away takes from it. So all that is ever run is no more than twice what one thread runs, and the allowance, and what one
/// transaction for each thread may pass it by.
#[derive(Debug)]
pub(super) struct Credit(i64);

impl Default for Credit {
    fn default() -> Self {
        Self(signed(ALLOWANCE))
    }
}

impl Credit {
    pub(super) const fn none() -> Self {
        Self(0)
    }

    pub(super) fn earn(&mut self, gas: u64) {
        self.0 = self.0.saturating_add(signed(gas)).min(signed(ALLOWANCE));
    }

    pub(super) fn spend(&mut self, gas: u64) {
        self.0 = self.0.saturating_sub(signed(gas));
    }

    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }
}

/// [`Credit`] between blocks. A block takes all of it, and gives back what is left.
#[derive(Debug)]
pub(super) struct Purse(AtomicI64);

impl Default for Purse {
    fn default() -> Self {
        Self(AtomicI64::new(signed(ALLOWANCE)))
    }
}

impl Purse {
    pub(super) fn take(&self) -> Credit {
        Credit(self.0.swap(0, Relaxed))
    }

    pub(super) fn give(&self, back: &Credit) {
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| {
            Some(now.saturating_add(back.0).min(signed(ALLOWANCE)))
        });
    }

    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.0.load(Relaxed)).unwrap_or_default()
    }
}

fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}

/// Who may start ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    /// For each transaction: its gas limit and those of all before it.
    sums: Vec<u64>,
    /// Those may start whose sum is no more than this.
    reach: Apart<AtomicU64>,
    /// Gas left in the block after what is committed.
    available: AtomicU64,
}

impl Ahead {
    pub(super) fn new(txs: &[FlatTx], cfg: &CfgEnv) -> Self {
        let cap = cfg.tx_gas_limit_cap();
        let sums = txs.iter().scan(0_u64, |sum, tx| {
            // Over the cap it is invalid, whatever it is: it does not run.
            let limit = tx.env().map(|env| env.gas_limit).filter(|limit| *limit <= cap);
            *sum = sum.saturating_add(limit.unwrap_or_default());
            Some(*sum)
        });
        Self { sums: sums.collect(), reach: Apart::default(), available: AtomicU64::new(0) }
    }

    /// All before `floor` are committed, or are about to be. This only ever lets more start.
    pub(super) fn set(&self, floor: u32, available: u64, credit: &Credit) {
        let before = floor.checked_sub(1).map_or(0, |last| self.sum(last));
        self.available.store(available, Release);
        self.reach.store(before.saturating_add(available.min(credit.left())), Release);
    }

    pub(super) fn fits(&self, index: u32) -> bool {
        self.sum(index) <= self.reach.load(Acquire)
    }

    pub(super) fn available(&self) -> u64 {
        self.available.load(Acquire)
    }

    fn sum(&self, index: u32) -> u64 {
        let sum = usize::try_from(index).ok().and_then(|index| self.sums.get(index));
        sum.copied().unwrap_or(u64::MAX)
    }
}
