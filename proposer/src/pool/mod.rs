//! Transactions that wait for a block.

mod ready;
mod rules;
mod sender;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_rpc::Rejection;

pub use ready::Ready;
pub use rules::{MAX_TX_BYTES, Rules};
use sender::Sender;

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

/// The pool: for each sender its transactions by nonce, bounded in number.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    senders: BTreeMap<Address, Sender>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, senders: BTreeMap::new(), by_hash: HashMap::new(), arrivals: 0 }
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
        let (hash, address, nonce) = (*tx.tx_hash(), tx.signer(), tx.nonce());
        if self.by_hash.contains_key(&hash) {
            return Err(Rejection::AlreadyKnown);
        }
        let fresh = Sender::new(account.nonce);
        let sender = self.senders.get(&address).unwrap_or(&fresh);
        let replaced = sender.admits(&tx, account, self.limits.per_sender)?;
        let mut displaced: Vec<B256> = replaced.into_iter().collect();
        if replaced.is_none() && self.len() >= self.limits.transactions {
            displaced.push(self.evict_for(&tx)?);
        }
        self.arrivals = self.arrivals.saturating_add(1);
        let pooled = Arc::new(Pooled { tx, raw, arrival: self.arrivals });
        self.senders.entry(address).or_insert(fresh).insert(pooled);
        if let Some(old) = replaced {
            self.by_hash.remove(&old);
        }
        self.by_hash.insert(hash, (address, nonce));
        Ok(displaced)
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
        let sender = self.senders.get_mut(&address)?;
        let removed = sender.remove(nonce);
        if sender.is_empty() {
            self.senders.remove(&address);
        }
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

    /// Tells the pool what became of a sender's account. Gives the hashes of transactions that are no use
    /// any more: their nonce is used, or the balance can't pay them.
    pub fn update(&mut self, address: Address, account: &AccountFacts) -> Vec<B256> {
        let Some(sender) = self.senders.get_mut(&address) else { return Vec::new() };
        let dropped = sender.update(account);
        if sender.is_empty() {
            self.senders.remove(&address);
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

    /// Makes room for a transaction: the cheapest last transaction of a sender goes, if it pays less.
    fn evict_for(&mut self, tx: &Recovered<TxEnvelope>) -> Result<B256, Rejection> {
        let cheapest = self
            .senders
            .iter()
            .filter(|(address, _)| **address != tx.signer())
            .filter_map(|(_, sender)| sender.last())
            .min_by_key(|last| last.tx.max_fee_per_gas());
        match cheapest {
            Some(last) if last.tx.max_fee_per_gas() < tx.max_fee_per_gas() => {
                let hash = *last.tx.tx_hash();
                self.remove(hash);
                Ok(hash)
            }
            _ => Err(Rejection::PoolFull),
        }
    }
}

#[cfg(test)]
mod tests;
