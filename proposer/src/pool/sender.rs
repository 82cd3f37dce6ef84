//! One sender's transactions.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_primitives::{B256, U256};
use recourse_rpc::Rejection;

use super::{AccountFacts, Pooled};

/// A replacement pays at least this much more, in percent, in both fees.
const REPLACEMENT_PERCENT: u128 = 10;
/// How far a nonce may be ahead of the first one that is missing.
const MAX_GAP: u64 = 64;

/// One sender's transactions by nonce.
#[derive(Debug)]
pub(super) struct Sender {
    /// The account's nonce, as last heard.
    nonce: u64,
    queue: BTreeMap<u64, Arc<Pooled>>,
}

impl Sender {
    pub(super) const fn new(nonce: u64) -> Self {
        Self { nonce, queue: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Arc<Pooled>> {
        self.queue.get(&nonce)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Pooled>> {
        self.queue.values()
    }

    pub(super) fn last(&self) -> Option<&Arc<Pooled>> {
        self.queue.values().next_back()
    }

    pub(super) fn insert(&mut self, pooled: Arc<Pooled>) {
        self.queue.insert(pooled.tx.nonce(), pooled);
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Arc<Pooled>> {
        self.queue.remove(&nonce)
    }

    /// The first nonce from the account's on that no transaction has.
    pub(super) fn next_nonce(&self) -> u64 {
        let mut next = self.nonce;
        while self.queue.contains_key(&next) {
            next = next.saturating_add(1);
        }
        next
    }

    /// The transactions that can run one after the other now.
    pub(super) fn run(&self) -> Vec<Arc<Pooled>> {
        let mut next = self.nonce;
        let mut run = Vec::new();
        while let Some(pooled) = self.queue.get(&next) {
            run.push(Arc::clone(pooled));
            next = next.saturating_add(1);
        }
        run
    }

    /// Whether this sender may add the transaction; gives the hash of the one that it replaces.
    pub(super) fn admits(
        &self,
        tx: &TxEnvelope,
        account: &AccountFacts,
        most: usize,
    ) -> Result<Option<B256>, Rejection> {
        if account.is_contract {
            return Err(Rejection::Invalid("sender not an eoa".into()));
        }
        let got = tx.nonce();
        if got < account.nonce {
            return Err(Rejection::NonceTooLow { expected: account.nonce, got });
        }
        let expected = self.next_nonce();
        if got > expected.saturating_add(MAX_GAP) {
            return Err(Rejection::NonceTooHigh { expected, got });
        }
        let old = self.queue.get(&got);
        if let Some(old) = old
            && !outbids(tx, &old.tx)
        {
            return Err(Rejection::Underpriced);
        }
        if old.is_none() && self.queue.len() >= most {
            return Err(Rejection::PoolFull);
        }
        self.affords(tx, account)?;
        Ok(old.map(|old| *old.tx.tx_hash()))
    }

    /// Forgets what the account can't or need not send any more.
    pub(super) fn update(&mut self, account: &AccountFacts) -> Vec<B256> {
        self.nonce = account.nonce;
        let useless = |pooled: &Arc<Pooled>| {
            account.is_contract
                || pooled.tx.nonce() < account.nonce
                || cost(&pooled.tx) > account.balance
        };
        let (gone, kept) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, pooled)| useless(pooled));
        self.queue = kept;
        gone.into_values().map(|pooled| *pooled.tx.tx_hash()).collect()
    }

    /// The balance must cover all that waits, with this transaction.
    fn affords(&self, tx: &TxEnvelope, account: &AccountFacts) -> Result<(), Rejection> {
        let others = self
            .queue
            .values()
            .filter(|other| other.tx.nonce() != tx.nonce())
            .fold(U256::ZERO, |sum, other| sum.saturating_add(cost(&other.tx)));
        let cost = others.saturating_add(cost(tx));
        if cost > account.balance {
            return Err(Rejection::InsufficientFunds { balance: account.balance, cost });
        }
        Ok(())
    }
}

/// The most that a transaction can cost its sender, in wei.
fn cost(tx: &TxEnvelope) -> U256 {
    U256::from(tx.gas_limit())
        .saturating_mul(U256::from(tx.max_fee_per_gas()))
        .saturating_add(tx.value())
}

fn outbids(new: &TxEnvelope, old: &TxEnvelope) -> bool {
    let enough = |new: u128, old: u128| {
        let percent = REPLACEMENT_PERCENT.saturating_add(100);
        new.saturating_mul(100) >= old.saturating_mul(percent) && new > old
    };
    let tip = |tx: &TxEnvelope| tx.priority_fee_or_price();
    enough(new.max_fee_per_gas(), old.max_fee_per_gas())
        && (tip(old) == 0 || enough(tip(new), tip(old)))
}
