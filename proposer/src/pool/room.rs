//! Who has to go when the pool is full.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256};
use recourse_rpc::Rejection;

use super::{Pool, Pooled, sender::Sender};

/// Of the pool's places, one in so many is for stuck transactions.
const STUCK_SHARE: usize = 4;
/// Transactions that make room for one, at most: each takes a look at all senders.
const MOST_DISPLACED: usize = 16;

/// A transaction that wants to come in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub(super) sender: Address,
    /// Whether it takes the place of another one.
    pub(super) replaces: bool,
    /// Encoded bytes that it needs more than what it replaces.
    pub(super) bytes: usize,
    /// If it can run now: the least fee cap of it and of those that must run before it.
    pub(super) runs_at: Option<u128>,
    /// Its own fee cap.
    pub(super) fee: u128,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
struct Most {
    transactions: usize,
    bytes: usize,
    stuck: usize,
}

/// A transaction that had to go.
#[derive(Debug)]
struct Displaced {
    hash: B256,
    nonce: u64,
    address: Address,
    /// Its sender before.
    before: Sender,
}

impl Pool {
    /// Makes room for a transaction. Gives the hashes of those that had to go.
    ///
    /// # Errors
    /// [`Rejection::PoolFull`] when it is not worth that; the pool is unchanged then.
    pub(super) fn make_room(&mut self, newcomer: &Newcomer) -> Result<Vec<B256>, Rejection> {
        // What came in beyond the limits (see `readmit`) stays: whoever comes makes room for itself alone.
        let most = Most {
            transactions: self.limits.transactions.max(self.len()),
            bytes: self.limits.bytes.max(self.bytes),
            stuck: (self.limits.transactions / STUCK_SHARE).max(1).max(self.stuck),
        };
        let mut gone = Vec::new();
        while !self.fits(newcomer, &most) {
            let victim = self.victim(newcomer).filter(|_| gone.len() < MOST_DISPLACED);
            let Some(removed) = victim.and_then(|(address, hash)| self.displace(address, hash))
            else {
                gone.into_iter().rev().for_each(|displaced| self.restore(displaced));
                return Err(Rejection::PoolFull);
            };
            gone.push(removed);
        }
        Ok(gone.iter().map(|displaced| displaced.hash).collect())
    }

    fn displace(&mut self, address: Address, hash: B256) -> Option<Displaced> {
        let before = self.senders.get(&address)?.clone();
        let nonce = self.remove(hash)?.tx.nonce();
        Some(Displaced { hash, nonce, address, before })
    }

    fn restore(&mut self, displaced: Displaced) {
        let Displaced { hash, nonce, address, before } = displaced;
        self.take(address);
        self.put(address, before);
        self.by_hash.insert(hash, (address, nonce));
    }

    fn fits(&self, newcomer: &Newcomer, most: &Most) -> bool {
        let one = usize::from(!newcomer.replaces);
        let stuck = if newcomer.runs_at.is_some() { 0 } else { one };
        self.len().saturating_add(one) <= most.transactions
            && self.bytes.saturating_add(newcomer.bytes) <= most.bytes
            && self.stuck.saturating_add(stuck) <= most.stuck
    }

    /// The next to go: always the last of another sender, so that it leaves no gap. What is stuck goes for whatever can run,
    /// else who pays less goes for who pays more. What one pays is the least fee cap of it and of those before it: it gets in
    /// after them, or not at all.
    fn victim(&self, newcomer: &Newcomer) -> Option<(Address, B256)> {
        let others = || self.senders.iter().filter(|(address, _)| **address != newcomer.sender);
        let name = |last: &Arc<Pooled>| (last.tx.signer(), *last.tx.tx_hash());
        let stuck = others()
            .filter(|(_, sender)| sender.stuck() > 0)
            .filter_map(|(_, sender)| sender.last())
            .min_by_key(|last| last.tx.max_fee_per_gas());
        let Some(fee) = newcomer.runs_at else {
            return stuck.filter(|last| last.tx.max_fee_per_gas() < newcomer.fee).map(name);
        };
        let cheapest = || {
            let (_, sender) = others().min_by_key(|(_, sender)| sender.least_fee())?;
            sender.last().filter(|_| sender.least_fee() < fee)
        };
        // What is under the base fee costs its sender nothing either: it pushes out only who pays less.
        let runs_now = fee >= u128::from(self.base_fee);
        stuck.filter(|_| runs_now).or_else(cheapest).map(name)
    }
}
