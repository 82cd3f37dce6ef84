//! Transactions that wait for a block.

mod ready;
mod room;
mod rules;
mod sender;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_rpc::Rejection;

pub use ready::Ready;
use room::Newcomer;
pub use rules::{MAX_TX_BYTES, Rules};
use sender::Sender;

/// How long transactions may be stuck (geth's time for what it calls queued).
const STUCK_TIME: Duration = Duration::from_secs(3 * 60 * 60);

/// What the pool must know of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// Nonce.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// Whether it has code other than an EIP-7702 designator, and thus can't send (EIP-3607).
    pub is_contract: bool,
}

/// How much the pool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in all.
    pub transactions: usize,
    /// Transactions of one sender.
    pub per_sender: usize,
    /// Encoded bytes in all.
    pub bytes: usize,
}

/// A transaction in the pool.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// The transaction and its sender.
    pub tx: Recovered<TxEnvelope>,
    /// Its EIP-2718 bytes.
    pub raw: Bytes,
    /// Order of arrival.
    arrival: u64,
}

/// The pool: for each sender its transactions by nonce, bounded in number and bytes. Those that can't run now, for want of a
/// nonce before theirs or of money, are *stuck*: they cost their sender nothing, so they are few, and go first.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    senders: BTreeMap<Address, Sender>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
    /// Encoded bytes of all.
    bytes: usize,
    /// How many are stuck.
    stuck: usize,
    /// That of the next block, in wei.
    base_fee: u64,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            senders: BTreeMap::new(),
            by_hash: HashMap::new(),
            arrivals: 0,
            bytes: 0,
            stuck: 0,
            base_fee: 0,
        }
    }

    /// Tells the pool the base fee of the next block: what offers less displaces nothing that is stuck.
    pub const fn see_base_fee(&mut self, base_fee: u64) {
        self.base_fee = base_fee;
    }

    /// How many transactions wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Takes in a transaction that [`Rules::check`] passed. Gives the hashes of those it displaced.
    ///
    /// # Errors
    /// Why it is not wanted; the pool is unchanged then.
    pub fn insert(
        &mut self,
        tx: Recovered<TxEnvelope>,
        raw: Bytes,
        account: &AccountFacts,
    ) -> Result<Vec<B256>, Rejection> {
        self.is_new(&tx)?;
        let address = tx.signer();
        let fresh = Sender::new(account);
        let sender = self.senders.get(&address).unwrap_or(&fresh);
        let replaced = sender.admits(&tx, account, self.limits.per_sender)?;
        let newcomer = Newcomer {
            sender: address,
            replaces: replaced.is_some(),
            bytes: raw.len().saturating_sub(replaced.map_or(0, |old| old.raw.len())),
            runs_at: sender.fee_with(&tx),
            fee: tx.max_fee_per_gas(),
        };
        let mut displaced = self.make_room(&newcomer)?;
        displaced.extend(self.enter(tx, raw, account));
        Ok(displaced)
    }

    /// Takes in a transaction again that was taken in before, whatever the limits are: whoever sent it was told that it waits.
    /// Gives the hash of the one that it displaced.
    ///
    /// # Errors
    /// Why it can never run, or that it waits already.
    pub fn readmit(
        &mut self,
        tx: Recovered<TxEnvelope>,
        raw: Bytes,
        account: &AccountFacts,
    ) -> Result<Option<B256>, Rejection> {
        self.is_new(&tx)?;
        let fresh = Sender::new(account);
        self.senders.get(&tx.signer()).unwrap_or(&fresh).readmits(&tx, account)?;
        Ok(self.enter(tx, raw, account))
    }

    fn is_new(&self, tx: &TxEnvelope) -> Result<(), Rejection> {
        let is_known = self.by_hash.contains_key(tx.tx_hash());
        if is_known { Err(Rejection::AlreadyKnown) } else { Ok(()) }
    }

    /// Gives the hash of the transaction that had this one's nonce.
    fn enter(
        &mut self,
        tx: Recovered<TxEnvelope>,
        raw: Bytes,
        account: &AccountFacts,
    ) -> Option<B256> {
        self.arrivals = self.arrivals.saturating_add(1);
        let address = tx.signer();
        let mut sender = self.take(address).unwrap_or_else(|| Sender::new(account));
        self.by_hash.insert(*tx.tx_hash(), (address, tx.nonce()));
        let replaced = sender.insert(Arc::new(Pooled { tx, raw, arrival: self.arrivals }));
        self.put(address, sender);
        let replaced = *replaced?.tx.tx_hash();
        self.by_hash.remove(&replaced);
        Some(replaced)
    }

    /// Takes a sender out, to change it and [`Self::put`] it back.
    fn take(&mut self, address: Address) -> Option<Sender> {
        let sender = self.senders.remove(&address)?;
        self.bytes = self.bytes.saturating_sub(sender.bytes());
        self.stuck = self.stuck.saturating_sub(sender.stuck());
        Some(sender)
    }

    fn put(&mut self, address: Address, sender: Sender) {
        if sender.is_empty() {
            return;
        }
        self.bytes = self.bytes.saturating_add(sender.bytes());
        self.stuck = self.stuck.saturating_add(sender.stuck());
        self.senders.insert(address, sender);
    }

    /// A transaction by its hash.
    #[must_use]
    pub fn get(&self, hash: B256) -> Option<&Arc<Pooled>> {
        let (address, nonce) = self.by_hash.get(&hash)?;
        self.senders.get(address)?.get(*nonce)
    }

    /// All transactions, by sender and nonce.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.senders.values().flat_map(Sender::all)
    }

    /// Takes a transaction out; later ones of its sender stay and wait for the nonce.
    pub fn remove(&mut self, hash: B256) -> Option<Arc<Pooled>> {
        let (address, nonce) = self.by_hash.remove(&hash)?;
        let mut sender = self.take(address)?;
        let removed = sender.remove(nonce);
        self.put(address, sender);
        removed
    }

    /// The nonce that the next transaction of a sender needs, if any of its transactions wait.
    #[must_use]
    pub fn next_nonce(&self, address: Address) -> Option<u64> {
        self.senders.get(&address).map(Sender::next_nonce)
    }

    /// Senders that have transactions here.
    #[must_use]
    pub fn senders(&self) -> Vec<Address> {
        self.senders.keys().copied().collect()
    }

    /// Tells the pool what became of a sender's account. Gives the hashes of transactions that can never run any more; what
    /// the balance does not cover stays, and is stuck.
    pub fn update(&mut self, address: Address, account: &AccountFacts) -> Vec<B256> {
        if self.senders.get(&address).is_none_or(|sender| sender.knows(account)) {
            return Vec::new();
        }
        let Some(mut sender) = self.take(address) else { return Vec::new() };
        let dropped = sender.update(account);
        self.put(address, sender);
        for hash in &dropped {
            self.by_hash.remove(hash);
        }
        dropped
    }

    /// Drops what was stuck for too long, seen at this time and before. Gives the hashes.
    pub fn expire(&mut self, now: Instant) -> Vec<B256> {
        let mut dropped = Vec::new();
        for address in self.senders() {
            let Some(mut sender) = self.take(address) else { continue };
            let expired = sender.expire(now, STUCK_TIME);
            self.put(address, sender);
            dropped.extend(expired.iter().map(|pooled| *pooled.tx.tx_hash()));
        }
        for hash in &dropped {
            self.by_hash.remove(hash);
        }
        dropped
    }

    /// Transactions that can go into a block of this base fee, best tip first, each sender's in order of nonce.
    #[must_use]
    pub fn ready(&self, base_fee: u64) -> Ready {
        Ready::new(base_fee, self.senders.values().map(Sender::run))
    }
}

#[cfg(test)]
mod tests;
