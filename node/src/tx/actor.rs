//! The task that owns the nonces.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{eips::BlockId, rpc::types::TransactionReceipt, signers::local::PrivateKeySigner};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    TxError, TxPolicy,
    journal::{Entry, Journal},
    manager::Prepared,
    price::Price,
    sign::{Sidecar, Signed, sign},
};
use crate::{
    Severity,
    health::chain,
    l1::{Fees, L1Client, L1Error},
    metrics::Metrics,
    store::Store,
};

/// What became of a transaction.
pub(super) type Outcome = Result<Box<TransactionReceipt>, TxError>;
type Waiter = oneshot::Sender<Outcome>;

/// What a handle asks.
pub(super) enum Command {
    /// The outcome of this key, if it is in flight; wanted by this second.
    Join(String, u64, oneshot::Sender<Option<oneshot::Receiver<Outcome>>>),
    /// A new transaction, unless its key is in flight.
    Submit(Box<Prepared>, oneshot::Sender<oneshot::Receiver<Outcome>>),
}

pub(super) struct Actor {
    pub(super) client: L1Client,
    pub(super) signer: PrivateKeySigner,
    pub(super) chain_id: u64,
    pub(super) journal: Journal,
    pub(super) archive: Arc<dyn Store>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) policy: TxPolicy,
    pub(super) next_nonce: u64,
    pub(super) pending: Arc<AtomicUsize>,
    /// The least time first, then as they came.
    pub(super) queue: VecDeque<Box<Prepared>>,
    /// By key.
    pub(super) waiters: BTreeMap<String, Vec<Waiter>>,
    /// By nonce; a sidecar is computed again after a restart.
    pub(super) sidecars: BTreeMap<u64, Sidecar>,
    /// By nonce: how often the nonce was seen used without any of our versions being mined.
    pub(super) lost: BTreeMap<u64, u8>,
    /// By nonce: how often in a row L1 refused it for sure.
    pub(super) refused: BTreeMap<u64, u8>,
}

/// What L1 said to a transaction that was handed over.
pub(super) enum Handed {
    /// It has it.
    Taken,
    /// It does not take it, and does not have it.
    Refused(L1Error),
    /// Nothing that tells. It may have arrived.
    Unclear(L1Error),
}

impl Actor {
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Command>, stop: CancellationToken) {
        let mut ticks = interval(self.policy.poll_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let result = tokio::select! {
                () = stop.cancelled() => return,
                command = inbox.recv() => match command {
                    Some(command) => {
                        self.take(command);
                        self.dispatch().await
                    }
                    None => return,
                },
                _ = ticks.tick() => self.look().await,
            };
            self.count();
            if let Err(error) = result {
                tracing::warn!(error = chain(&error), "transactions could not be looked after");
                if error.severity() == Severity::Critical {
                    stop.cancel();
                    return;
                }
            }
        }
    }

    /// Looks after what is in flight, then sends what waits, which does not depend on it. A failure with some of what is
    /// in flight is told at the end.
    async fn look(&mut self) -> Result<(), TxError> {
        let failed = self.watch().await?;
        self.dispatch().await?;
        failed.map_or(Ok(()), Err)
    }

    fn take(&mut self, command: Command) {
        // A caller that is gone needs no answer.
        match command {
            Command::Join(key, deadline, reply) => {
                self.hurry(&key, deadline);
                let known = self.is_known(&key).then(|| self.wait_for(key));
                let _ = reply.send(known);
            }
            Command::Submit(prepared, reply) => {
                let key = prepared.request.key.clone();
                if self.is_known(&key) {
                    self.hurry(&key, prepared.deadline);
                } else {
                    self.enqueue(prepared);
                }
                let _ = reply.send(self.wait_for(key));
            }
        }
    }

    /// After all that have no more time than it.
    fn enqueue(&mut self, prepared: Box<Prepared>) {
        let place = self.queue.partition_point(|other| other.deadline <= prepared.deadline);
        self.queue.insert(place, prepared);
    }

    /// Somebody else wants what waits, and by an earlier second.
    fn hurry(&mut self, key: &str, deadline: u64) {
        let mut queued = self.queue.iter();
        let place = queued.position(|p| p.request.key == key && p.deadline > deadline);
        if let Some(mut prepared) = place.and_then(|place| self.queue.remove(place)) {
            prepared.deadline = deadline;
            self.enqueue(prepared);
        }
    }

    fn is_known(&self, key: &str) -> bool {
        let queued = self.queue.iter().any(|prepared| prepared.request.key == key);
        queued || self.journal.of_key(key).is_some()
    }

    fn wait_for(&mut self, key: String) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.waiters.entry(key).or_default().push(sender);
        receiver
    }

    /// Tells those who wait for a transaction, unless a newer one has its key: then they wait for that.
    pub(super) fn resolve(&mut self, entry: &Entry, outcome: &Outcome) {
        let mut later = self.journal.entries().range(entry.nonce.saturating_add(1)..);
        let queued = self.queue.iter().any(|prepared| prepared.request.key == entry.key);
        if !queued && !later.any(|(_, other)| other.key == entry.key) {
            self.answer(&entry.key, outcome);
        }
    }

    fn answer(&mut self, key: &str, outcome: &Outcome) {
        for waiter in self.waiters.remove(key).unwrap_or_default() {
            let _ = waiter.send(outcome.clone());
        }
    }

    /// Sends what waits, as long as there is room. Clients keep blob transactions of an account apart from others, so
    /// only one kind is in flight at a time.
    async fn dispatch(&mut self) -> Result<(), TxError> {
        self.drop_unwanted();
        while let Some(place) = self.next().await {
            let blobs = self.queue.get(place).is_some_and(|next| !next.blobs.is_empty());
            let fits = self.journal.unmined().all(|entry| blobs != entry.blobs.is_empty());
            if !fits || self.journal.unmined().count() >= self.policy.max_pending {
                return Ok(());
            }
            let Some(prepared) = self.queue.remove(place) else { return Ok(()) };
            let key = prepared.request.key.clone();
            if let Err(error) = self.launch(*prepared).await {
                self.answer(&key, &Err(error.clone()));
                if error.severity() == Severity::Critical {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What waited until nobody waits for it any more is not sent: it may be too late, and who still wants it asks again.
    fn drop_unwanted(&mut self) {
        let waiters = &mut self.waiters;
        self.queue.retain(|prepared| {
            let key = &prepared.request.key;
            let is_wanted = waiters.get(key).is_some_and(|all| all.iter().any(|w| !w.is_closed()));
            if !is_wanted {
                waiters.remove(key);
            }
            is_wanted
        });
    }

    /// Where in the queue the next one stands. Blobs wait while L1 asks more for them than may be paid: in flight they would
    /// not be mined either, and L1's pools would take nothing else of the account for as long, nor a plain transaction in
    /// their place.
    async fn next(&self) -> Option<usize> {
        if self.queue.front()?.blobs.is_empty() {
            return Some(0);
        }
        // Who can't be asked now is asked again when it is sent.
        let asked = self.client.fees().await.map_or(0, |fees| fees.blob_base_fee);
        let most = self.policy.max_fee_per_blob_gas;
        if asked <= most {
            return Some(0);
        }
        tracing::warn!(asked, most, "blobs cost more than may be paid: what has some waits");
        self.queue.iter().position(|prepared| prepared.blobs.is_empty())
    }

    /// Gives a transaction its nonce, writes it down, and sends it.
    async fn launch(&mut self, prepared: Prepared) -> Result<(), TxError> {
        let fees = self.client.fees().await?;
        let nonce = self.next_nonce;
        let price = self.first_price(&fees, &prepared).await?;
        let mut entry = Entry {
            nonce,
            key: prepared.request.key,
            to: prepared.request.to,
            data: prepared.request.data,
            value: prepared.request.value,
            gas_limit: prepared.gas_limit,
            price,
            blobs: prepared.blobs,
            versions: Vec::new(),
            given_up: None,
            sent_at: now(),
            mined: None,
        };
        let signed = sign(&entry, prepared.sidecar.as_ref(), self.chain_id, &self.signer)?;
        entry.versions.push(signed.hash);
        let key = entry.key.clone();
        self.journal.put(entry)?;
        match self.broadcast(&signed).await {
            Handed::Refused(error) => return self.take_back(nonce, error).await,
            // It may have arrived: it is in flight until L1 says otherwise.
            Handed::Unclear(error) => {
                tracing::warn!(nonce, error = chain(&error), "no answer to a transaction");
            }
            Handed::Taken => {}
        }
        self.next_nonce = nonce.saturating_add(1);
        self.sidecars.extend(prepared.sidecar.map(|sidecar| (nonce, sidecar)));
        self.metrics.transactions_sent.increment();
        tracing::info!(nonce, key, hash = %signed.hash, "transaction sent");
        Ok(())
    }

    /// Of what the account can put aside: near the limits a first offer is more than the market asks for.
    async fn first_price(&self, fees: &Fees, prepared: &Prepared) -> Result<Price, TxError> {
        let blobs = prepared.blobs.len();
        let first = Price::first(fees, blobs > 0, &self.policy);
        let plain = Price::plain(fees, blobs > 0, &self.policy);
        if first == plain {
            return Ok(first);
        }
        let balance = self.client.balance(self.signer.address()).await?;
        let most = first.most(prepared.gas_limit, blobs).saturating_add(prepared.request.value);
        Ok(if balance < most { plain } else { first })
    }

    /// L1 refused the newest transaction: its nonce is free again, or was never ours.
    async fn take_back(&mut self, nonce: u64, error: L1Error) -> Result<(), TxError> {
        self.journal.remove(nonce)?;
        if self.journal.unmined().next().is_none() {
            self.next_nonce = self.client.nonce(self.signer.address(), BlockId::pending()).await?;
        }
        Err(TxError::Refused(Arc::new(error)))
    }

    /// Hands a transaction over. A refusal counts only if L1 says, too, that it does not have it ("already known").
    pub(super) async fn broadcast(&self, signed: &Signed) -> Handed {
        let refusal = match self.client.send_raw(&signed.raw).await {
            Ok(_) => return Handed::Taken,
            // Also from an endpoint that shows nobody what is not mined yet.
            Err(error) if error.is_known_already() => return Handed::Taken,
            Err(error @ L1Error::Refused { .. }) => error,
            Err(error) => return Handed::Unclear(error),
        };
        match self.client.knows_transaction(signed.hash).await {
            Ok(true) => Handed::Taken,
            Ok(false) => Handed::Refused(refusal),
            Err(error) => Handed::Unclear(error),
        }
    }

    fn count(&self) {
        let pending = self.journal.unmined().count().saturating_add(self.queue.len());
        self.pending.store(pending, Ordering::Relaxed);
        self.metrics.transactions_pending.set(u64::try_from(pending).unwrap_or(u64::MAX));
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
