//! One sender's transactions.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_primitives::{B256, U256};
use recourse_rpc::Rejection;

use super::{AccountFacts, Pooled};

/// A replacement pays at least this much more, in percent, in both fees.
const REPLACEMENT_PERCENT: u128 = 10;
/// How far a nonce may be ahead of the first one that is missing.
const MAX_GAP: u64 = 64;

/// One sender's transactions by nonce. Those that can run one after the other now come first; the others are *stuck*:
/// behind a nonce that is missing, or behind what the balance covers.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    /// The account's nonce, as last heard.
    nonce: u64,
    /// The account's balance, as last heard.
    balance: U256,
    queue: BTreeMap<u64, Arc<Pooled>>,
    /// How many can run now.
    runnable: usize,
    /// The most that those can cost, in wei.
    spent: U256,
    /// The least fee cap among those: none after it gets in before it does.
    least_fee: u128,
    /// Encoded bytes of all.
    bytes: usize,
    /// Since when some are stuck, and no more became runnable.
    stuck_since: Option<Instant>,
}

impl Sender {
    pub(super) const fn new(account: &AccountFacts) -> Self {
        Self {
            nonce: account.nonce,
            balance: account.balance,
            queue: BTreeMap::new(),
            runnable: 0,
            spent: U256::ZERO,
            least_fee: u128::MAX,
            bytes: 0,
            stuck_since: None,
        }
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

    /// How many can't run now.
    pub(super) fn stuck(&self) -> usize {
        self.queue.len().saturating_sub(self.runnable)
    }

    pub(super) const fn least_fee(&self) -> u128 {
        self.least_fee
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a transaction; gives the one that had its nonce.
    pub(super) fn insert(&mut self, pooled: Arc<Pooled>) -> Option<Arc<Pooled>> {
        self.bytes = self.bytes.saturating_add(pooled.raw.len());
        let old = self.queue.insert(pooled.tx.nonce(), pooled);
        match &old {
            Some(old) => {
                self.bytes = self.bytes.saturating_sub(old.raw.len());
                self.recount();
            }
            None => self.go_on(),
        }
        old
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Arc<Pooled>> {
        let removed = self.queue.remove(&nonce)?;
        self.bytes = self.bytes.saturating_sub(removed.raw.len());
        self.recount();
        Some(removed)
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
        let from = self.queue.range(self.nonce..);
        from.take(self.runnable).map(|(_, pooled)| Arc::clone(pooled)).collect()
    }

    /// Counts anew what can run.
    fn recount(&mut self) {
        let (before, since) = (self.runnable, self.stuck_since);
        (self.runnable, self.spent, self.least_fee) = (0, U256::ZERO, u128::MAX);
        self.go_on();
        if self.stuck() > 0 && self.runnable <= before {
            self.stuck_since = since;
        }
    }

    /// Counts what can run now after what could before.
    fn go_on(&mut self) {
        let runnable = u64::try_from(self.runnable).unwrap_or(u64::MAX);
        let from = self.nonce.saturating_add(runnable);
        for (nonce, (next, pooled)) in (from..=u64::MAX).zip(self.queue.range(from..)) {
            let spent = self.spent.saturating_add(cost(&pooled.tx));
            if nonce != *next || spent > self.balance {
                break;
            }
            self.spent = spent;
            self.least_fee = self.least_fee.min(pooled.tx.max_fee_per_gas());
            self.runnable = self.runnable.saturating_add(1);
            self.stuck_since = None;
        }
        if self.stuck() == 0 {
            self.stuck_since = None;
        }
    }

    /// If this transaction could run now: the least fee cap of it and of those before it.
    pub(super) fn fee_with(&self, tx: &TxEnvelope) -> Option<u128> {
        let (mut left, mut least) = (self.balance, u128::MAX);
        for nonce in self.nonce..=tx.nonce() {
            let is_it = nonce == tx.nonce();
            let other = if is_it { tx } else { self.queue.get(&nonce)?.tx.inner() };
            left = left.checked_sub(cost(other))?;
            least = least.min(other.max_fee_per_gas());
        }
        Some(least)
    }

    /// Takes out what is stuck, if it has been for so long.
    pub(super) fn expire(&mut self, now: Instant, patience: Duration) -> Vec<Arc<Pooled>> {
        if self.stuck() == 0 {
            return Vec::new();
        }
        let since = *self.stuck_since.get_or_insert(now);
        if now.saturating_duration_since(since) < patience {
            return Vec::new();
        }
        let can_run = self.run();
        let mut stuck = std::mem::take(&mut self.queue);
        for pooled in can_run {
            stuck.remove(&pooled.tx.nonce());
            self.queue.insert(pooled.tx.nonce(), pooled);
        }
        self.weigh();
        stuck.into_values().collect()
    }

    fn weigh(&mut self) {
        let lengths = self.queue.values().map(|pooled| pooled.raw.len());
        self.bytes = lengths.fold(0, usize::saturating_add);
        self.recount();
    }

    /// Whether this sender may add the transaction; gives the one that it replaces.
    pub(super) fn admits(
        &self,
        tx: &TxEnvelope,
        account: &AccountFacts,
        most: usize,
    ) -> Result<Option<&Arc<Pooled>>, Rejection> {
        let old = self.readmits(tx, account)?;
        let (expected, got) = (self.next_nonce(), tx.nonce());
        if got > expected.saturating_add(MAX_GAP) {
            return Err(Rejection::NonceTooHigh { expected, got });
        }
        if old.is_none() && self.queue.len() >= most {
            return Err(Rejection::PoolFull);
        }
        self.affords(tx, account)?;
        Ok(old)
    }

    /// As [`Self::admits`], of a transaction that was admitted before: only what stays so for ever is held against it.
    pub(super) fn readmits(
        &self,
        tx: &TxEnvelope,
        account: &AccountFacts,
    ) -> Result<Option<&Arc<Pooled>>, Rejection> {
        if account.is_contract {
            return Err(Rejection::Invalid("sender not an eoa".into()));
        }
        let got = tx.nonce();
        if got < account.nonce {
            return Err(Rejection::NonceTooLow { expected: account.nonce, got });
        }
        let old = self.queue.get(&got);
        if old.is_some_and(|old| !outbids(tx, &old.tx)) {
            return Err(Rejection::Underpriced);
        }
        Ok(old)
    }

    /// Whether this is what is known of the account.
    pub(super) fn knows(&self, account: &AccountFacts) -> bool {
        !account.is_contract && (self.nonce, self.balance) == (account.nonce, account.balance)
    }

    /// Takes in what became of the account. Gives the transactions that it can never send any more.
    pub(super) fn update(&mut self, account: &AccountFacts) -> Vec<B256> {
        if account.nonce > self.nonce {
            self.stuck_since = None;
        }
        (self.nonce, self.balance) = (account.nonce, account.balance);
        let useless =
            |pooled: &Arc<Pooled>| account.is_contract || pooled.tx.nonce() < account.nonce;
        let (gone, kept) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, pooled)| useless(pooled));
        self.queue = kept;
        self.weigh();
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
