//! Transactions that wait to be mined.

use std::{
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
};

use alloy_consensus::Transaction as _;
use alloy_eips::{eip2718::Encodable2718 as _, eip4844::BYTES_PER_BLOB};
use alloy_primitives::{Address, B256, map::AddressMap};
use recourse_rpc::Rejection;

use super::transaction::PoolTx;

/// Transactions in the pool at once.
const MAX_TRANSACTIONS: usize = 16_384;
/// Their bytes at once, blobs included.
const MAX_BYTES: usize = 512 << 20;
/// A replacement pays so many percent more than what it replaces.
const BUMP: u128 = 10;
/// A replacement of a blob transaction pays so many percent more.
const BLOB_BUMP: u128 = 100;

/// Transactions that wait to be mined, by sender and nonce.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    senders: AddressMap<BTreeMap<u64, Entry>>,
    hashes: HashMap<B256, (Address, u64)>,
    arrivals: u64,
    bytes: usize,
    max_transactions: usize,
    max_bytes: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self::holding(MAX_TRANSACTIONS, MAX_BYTES)
    }
}

#[derive(Debug, Clone)]
struct Entry {
    tx: Arc<PoolTx>,
    arrival: u64,
}

impl Pool {
    /// An empty pool that holds so much at most.
    fn holding(max_transactions: usize, max_bytes: usize) -> Self {
        Self {
            senders: AddressMap::default(),
            hashes: HashMap::new(),
            arrivals: 0,
            bytes: 0,
            max_transactions,
            max_bytes,
        }
    }

    /// Takes a transaction in, in place of one with its sender and nonce if it pays enough more.
    pub(crate) fn insert(&mut self, tx: PoolTx) -> Result<(), Rejection> {
        let (hash, sender, nonce) = (tx.hash(), tx.sender(), tx.tx.nonce());
        if self.hashes.contains_key(&hash) {
            return Err(Rejection::AlreadyKnown);
        }
        let old = self.senders.get(&sender).and_then(|nonces| nonces.get(&nonce));
        let old = old.map(|old| Arc::clone(&old.tx));
        // A replacement takes no place of its own, so that a full pool does not keep fees from being raised.
        match &old {
            Some(old) => check_replacement(old, &tx)?,
            None if self.hashes.len() >= self.max_transactions => return Err(Rejection::PoolFull),
            None => {}
        }
        let bytes = self.bytes.saturating_sub(old.as_deref().map_or(0, size));
        let bytes = bytes.saturating_add(size(&tx));
        if bytes > self.max_bytes {
            let most = self.max_bytes >> 20;
            return Err(Rejection::Invalid(format!(
                "txpool is full: transactions and their blobs may take {most} MiB"
            )));
        }
        self.bytes = bytes;
        if let Some(old) = old {
            self.hashes.remove(&old.hash());
        }
        let arrival = self.arrivals;
        self.arrivals = arrival.saturating_add(1);
        let entry = Entry { tx: Arc::new(tx), arrival };
        self.senders.entry(sender).or_default().insert(nonce, entry);
        self.hashes.insert(hash, (sender, nonce));
        Ok(())
    }

    /// The transaction of this hash.
    pub(crate) fn get(&self, hash: &B256) -> Option<&Arc<PoolTx>> {
        let (sender, nonce) = self.hashes.get(hash)?;
        self.senders.get(sender)?.get(nonce).map(|entry| &entry.tx)
    }

    /// All transactions, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<PoolTx>> {
        self.senders.values().flat_map(BTreeMap::values).map(|entry| &entry.tx)
    }

    /// Drops the transaction of this hash; false when there is none.
    pub(crate) fn remove(&mut self, hash: &B256) -> bool {
        let Some((sender, nonce)) = self.hashes.remove(hash) else { return false };
        if let Some(nonces) = self.senders.get_mut(&sender) {
            if let Some(entry) = nonces.remove(&nonce) {
                self.bytes = self.bytes.saturating_sub(size(&entry.tx));
            }
            if nonces.is_empty() {
                self.senders.remove(&sender);
            }
        }
        true
    }

    /// Drops what an account whose nonce is now `nonce` can never use any more.
    pub(crate) fn forget_below(&mut self, sender: Address, nonce: u64) {
        let Some(nonces) = self.senders.get_mut(&sender) else { return };
        let rest = nonces.split_off(&nonce);
        for entry in std::mem::replace(nonces, rest).into_values() {
            self.hashes.remove(&entry.tx.hash());
            self.bytes = self.bytes.saturating_sub(size(&entry.tx));
        }
        if nonces.is_empty() {
            self.senders.remove(&sender);
        }
    }

    /// The first nonce from `nonce` on that the pool has no transaction for.
    pub(crate) fn next_nonce(&self, sender: Address, nonce: u64) -> u64 {
        let mut next = nonce;
        if let Some(nonces) = self.senders.get(&sender) {
            while nonces.contains_key(&next) {
                next = next.saturating_add(1);
            }
        }
        next
    }

    /// All who have a transaction here.
    pub(crate) fn senders(&self) -> impl Iterator<Item = Address> {
        self.senders.keys().copied()
    }

    /// The transactions that can be mined at this base fee, best tip first, each sender's in
    /// the order of its nonces.
    pub(crate) fn best(&self, base_fee: u64, nonce_of: impl Fn(Address) -> u64) -> Best<'_> {
        let mut best = Best { pool: self, base_fee, heads: BinaryHeap::new() };
        for sender in self.senders.keys() {
            best.offer(*sender, nonce_of(*sender));
        }
        best
    }

    /// Everything in the pool.
    pub(crate) fn clear(&mut self) {
        self.senders.clear();
        self.hashes.clear();
        self.bytes = 0;
    }
}

/// Transactions in the order of mining.
#[derive(Debug)]
pub(crate) struct Best<'a> {
    pool: &'a Pool,
    base_fee: u64,
    heads: BinaryHeap<Head>,
}

/// Order: higher tip, then earlier arrival.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    tip: u128,
    arrival: std::cmp::Reverse<u64>,
    sender: Address,
    nonce: u64,
}

impl<'a> Best<'a> {
    /// The best transaction now.
    pub(crate) fn pop(&mut self) -> Option<&'a Arc<PoolTx>> {
        let head = self.heads.pop()?;
        self.pool.senders.get(&head.sender)?.get(&head.nonce).map(|entry| &entry.tx)
    }

    /// The sender's transaction was mined: its next one may follow.
    pub(crate) fn advance(&mut self, mined: &PoolTx) {
        self.offer(mined.sender(), mined.tx.nonce().saturating_add(1));
    }

    fn offer(&mut self, sender: Address, nonce: u64) {
        let entry = self.pool.senders.get(&sender).and_then(|nonces| nonces.get(&nonce));
        let Some(entry) = entry else { return };
        // No tip means that the fee cap is below the base fee: it waits.
        let Some(tip) = entry.tx.tx.effective_tip_per_gas(self.base_fee) else { return };
        let arrival = std::cmp::Reverse(entry.arrival);
        self.heads.push(Head { tip, arrival, sender, nonce });
    }
}

/// What a transaction takes, by its encoding and its blobs.
fn size(tx: &PoolTx) -> usize {
    let blobs = tx.blobs.len().saturating_mul(BYTES_PER_BLOB);
    tx.tx.inner().encode_2718_len().saturating_add(blobs)
}

fn check_replacement(old: &PoolTx, new: &PoolTx) -> Result<(), Rejection> {
    let percent = if old.blobs.is_empty() { BUMP } else { BLOB_BUMP };
    let enough = |old: u128, new: u128| {
        let wanted = old.saturating_add(old.saturating_mul(percent).div_ceil(100));
        new >= wanted
    };
    let tip = |tx: &PoolTx| tx.tx.max_priority_fee_per_gas().unwrap_or(tx.tx.max_fee_per_gas());
    let blob = |tx: &PoolTx| tx.tx.max_fee_per_blob_gas().unwrap_or_default();
    let same_kind = old.blobs.is_empty() == new.blobs.is_empty();
    if same_kind
        && enough(old.tx.max_fee_per_gas(), new.tx.max_fee_per_gas())
        && enough(tip(old), tip(new))
        && enough(blob(old), blob(new))
    {
        Ok(())
    } else {
        Err(Rejection::Underpriced)
    }
}

#[cfg(test)]
mod tests;
