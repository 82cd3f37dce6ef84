//! The transaction manager: nonces, prices, reorgs, crashes.

mod queue;

use std::{future::Future, sync::Arc, time::Duration};

use alloy::{rpc::types::TransactionReceipt, signers::local::PrivateKeySigner};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_node::{
    Severity,
    metrics::Metrics,
    store::{MemoryStore, SledStore, Store},
    tx::{TxError, TxManager, TxPolicy, TxRequest},
};
use recourse_protocol::{Payload, bindings::IInbox};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{FakeL1, chain::Sent, until};

fn policy() -> TxPolicy {
    TxPolicy {
        poll_interval: Duration::from_millis(5),
        bump_after: Duration::from_secs(3600),
        ..TxPolicy::default()
    }
}

struct Sender {
    manager: TxManager,
    metrics: Arc<Metrics>,
    _stop: DropGuard,
}

impl Sender {
    async fn start(l1: &FakeL1, store: Arc<dyn Store>, policy: TxPolicy) -> Self {
        let (stop, metrics) = (CancellationToken::new(), Arc::new(Metrics::default()));
        let signer = PrivateKeySigner::from_bytes(&B256::with_last_byte(2)).unwrap();
        let start =
            TxManager::start(l1.client(), signer, store, metrics.clone(), policy, stop.clone());
        Self { manager: start.await.unwrap(), metrics, _stop: stop.drop_guard() }
    }

    async fn fresh(l1: &FakeL1) -> Self {
        Self::start(l1, Arc::new(MemoryStore::default()), policy()).await
    }

    fn send(&self, request: TxRequest) -> JoinHandle<Result<TransactionReceipt, TxError>> {
        let manager = self.manager.clone();
        tokio::spawn(async move { manager.send(request).await })
    }
}

fn poke(key: &str) -> TxRequest {
    TxRequest::call(key, Address::repeat_byte(1), &IInbox::pokeCall {})
}

fn blob(key: &str) -> TxRequest {
    let blob = Payload::new(key.as_bytes()).unwrap().to_blob();
    poke(key).with_blobs(vec![Arc::new(*blob)])
}

/// Waits until so many transactions are in the mempool; gives their nonces.
async fn pooled(l1: &FakeL1, count: usize) -> Vec<u64> {
    until(async || {
        let chain = l1.chain();
        let mut nonces: Vec<u64> = chain.mempool.iter().map(|sent| sent.nonce).collect();
        nonces.sort_unstable();
        (nonces.len() == count).then_some(nonces)
    })
    .await
}

/// Mines until `done`.
async fn mining<T>(l1: &FakeL1, done: impl Future<Output = T>) -> T {
    tokio::pin!(done);
    loop {
        tokio::select! {
            result = &mut done => return result,
            () = tokio::time::sleep(Duration::from_millis(5)) => { l1.chain().mine_empty(1); }
        }
    }
}

#[tokio::test]
async fn transactions_get_consecutive_nonces_and_are_confirmed() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let tasks: Vec<_> = ["a", "b", "c"].map(|key| sender.send(poke(key))).into();
    assert_eq!(pooled(&l1, 3).await, [0, 1, 2]);
    for task in tasks {
        assert!(mining(&l1, task).await.unwrap().unwrap().status());
    }
    assert_eq!(sender.metrics.transactions_mined.get(), 3);
}

#[tokio::test]
async fn blob_transactions_carry_valid_sidecars_and_wait_for_others() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let plain = sender.send(poke("plain"));
    pooled(&l1, 1).await;
    let blobs = sender.send(blob("blobs"));
    let receipt = mining(&l1, plain).await.unwrap().unwrap();
    let later = mining(&l1, blobs).await.unwrap().unwrap();
    assert!(later.block_number > receipt.block_number);
    assert!(l1.chain().mined[&later.transaction_hash].max_blob_fee.is_some());
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_at_a_higher_price_up_to_the_limit() {
    let l1 = FakeL1::start().await;
    let policy =
        TxPolicy { bump_after: Duration::ZERO, max_fee_per_gas: 6_000_000_000, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let task = sender.send(poke("stuck"));
    // 3 gwei at first: twice the base fee and the tip; 10 % more up to 5.3, and then the limit: 5.8 would be the last, too.
    until(async || (sender.metrics.transactions_bumped.get() == 7).then_some(())).await;
    let looks = l1.chain().count_seen("eth_feeHistory");
    until(async || (l1.chain().count_seen("eth_feeHistory") > looks + 3).then_some(())).await;
    assert_eq!(sender.metrics.transactions_bumped.get(), 7);
    assert_eq!(pooled(&l1, 1).await, [0]);
    let price = l1.chain().mempool[0].max_fee;
    assert_eq!(price, 6_000_000_000);
    mining(&l1, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_blob_transaction_is_replaced_for_twice_as_much() {
    let l1 = FakeL1::start().await;
    let policy = TxPolicy { bump_after: Duration::ZERO, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let task = sender.send(blob("stuck"));
    until(async || (sender.metrics.transactions_bumped.get() >= 2).then_some(())).await;
    until(async || l1.chain().mempool.iter().any(|s| s.max_fee >= 12_000_000_000).then_some(()))
        .await;
    mining(&l1, task).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined.len(), 1);
}

#[tokio::test]
async fn a_crash_between_send_and_receipt_makes_no_duplicate() {
    let l1 = FakeL1::start().await;
    let folder = tempfile::tempdir().unwrap();
    for blobs in [false, true] {
        let request = |key| if blobs { blob(key) } else { poke(key) };
        let key = if blobs { "claim-blobs" } else { "claim" };
        {
            let store = Arc::new(SledStore::open(folder.path()).unwrap());
            let sender = Sender::start(&l1, store, policy()).await;
            let task = sender.send(request(key));
            pooled(&l1, 1).await;
            task.abort();
            let _ = task.await;
            drop(sender.manager);
        }
        // The mempool of L1 forgets it too: the journal brings it back, the very same transaction.
        let sent = l1.chain().mempool.remove(0);
        let store = reopen(folder.path()).await;
        let sender = Sender::start(&l1, store, policy()).await;
        assert_eq!(sender.manager.pending(), 1);
        pooled(&l1, 1).await;
        assert_eq!(l1.chain().mempool[0].hash, sent.hash);
        let receipt = mining(&l1, sender.send(request(key))).await.unwrap().unwrap();
        assert_eq!(receipt.transaction_hash, sent.hash);
        // Mined a short while ago: still the same transaction.
        let again = mining(&l1, sender.send(request(key))).await.unwrap().unwrap();
        assert_eq!(again.transaction_hash, sent.hash);
        drop(sender);
        drop(reopen(folder.path()).await);
    }
    assert_eq!(l1.chain().mined.len(), 2);
}

/// sled frees its lock when the last user of a crashed manager is gone.
async fn reopen(folder: &std::path::Path) -> Arc<dyn Store> {
    until(async || SledStore::open(folder).ok().map(|store| Arc::new(store) as Arc<dyn Store>))
        .await
}

#[tokio::test]
async fn a_reorged_transaction_is_sent_again() {
    let l1 = FakeL1::start().await;
    let sender = Sender::start(
        &l1,
        Arc::new(MemoryStore::default()),
        TxPolicy { confirmations: 3, ..policy() },
    )
    .await;
    let task = sender.send(poke("claim"));
    pooled(&l1, 1).await;
    l1.chain().mine_empty(1);
    until(async || (sender.metrics.transactions_mined.get() == 1).then_some(())).await;
    l1.chain().drop_blocks(1);
    l1.chain().mine_empty(1);
    assert_eq!(pooled(&l1, 1).await, [0]);
    assert!(!task.is_finished());
    mining(&l1, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_would_revert_is_not_sent() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let data = Bytes::from(vec![0xde, 0xad, 0xbe, 0xef, 1]);
    l1.chain().reverts = Some(data.clone());
    let Err(TxError::WouldRevert(revert)) = sender.manager.send(poke("x")).await else { panic!() };
    assert_eq!(revert.data, data);
    assert_eq!(revert.selector().unwrap().0, [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(l1.chain().count_seen("eth_sendRawTransaction"), 0);
    assert_eq!(sender.manager.pending(), 0);
}

#[tokio::test]
async fn a_mined_revert_is_an_error_and_may_be_tried_again() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let task = sender.send(poke("x"));
    pooled(&l1, 1).await;
    l1.chain().mempool[0].succeeds = false;
    let error = mining(&l1, task).await.unwrap().unwrap_err();
    assert!(matches!(error, TxError::Reverted { .. }), "{error:?}");
    let receipt = mining(&l1, sender.send(poke("x"))).await.unwrap().unwrap();
    assert!(receipt.status());
    assert_eq!(l1.chain().mined.len(), 2);
}

#[tokio::test]
async fn a_refused_transaction_leaves_no_gap() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    l1.chain().refuses = true;
    let error = sender.manager.send(poke("x")).await.unwrap_err();
    assert!(matches!(error, TxError::Refused(_)), "{error:?}");
    assert_eq!(error.severity(), Severity::Temporary);
    l1.chain().refuses = false;
    let task = sender.send(poke("y"));
    assert_eq!(pooled(&l1, 1).await, [0]);
    mining(&l1, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_nonce_that_somebody_else_took_is_an_error() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let task = sender.send(poke("x"));
    pooled(&l1, 1).await;
    {
        let mut chain = l1.chain();
        chain.mempool[0].hash = B256::repeat_byte(1);
        chain.mine_empty(1);
    }
    let error = task.await.unwrap().unwrap_err();
    assert!(matches!(error, TxError::NonceTaken { nonce: 0 }), "{error:?}");
    let task = sender.send(poke("x"));
    assert_eq!(pooled(&l1, 1).await, [1]);
    mining(&l1, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_it_wants_and_joins_later() {
    let l1 = FakeL1::start().await;
    let hasty = TxPolicy { timeout: Duration::ZERO, ..policy() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let sender = Sender::start(&l1, store.clone(), hasty).await;
    let error = sender.manager.send(poke("x")).await.unwrap_err();
    assert!(matches!(error, TxError::Timeout), "{error:?}");
    pooled(&l1, 1).await;
    drop(sender);
    let sender = Sender::start(&l1, store, policy()).await;
    mining(&l1, sender.send(poke("x"))).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined.len(), 1);
}

#[tokio::test]
async fn a_transaction_that_can_t_be_looked_up_keeps_no_other_waiting() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let first = sender.send(poke("first"));
    pooled(&l1, 1).await;
    let second = sender.send(poke("second"));
    pooled(&l1, 2).await;
    {
        let mut chain = l1.chain();
        chain.indexing = true;
        let first = chain.mempool.iter_mut().find(|sent| sent.nonce == 0).unwrap();
        first.hash = B256::repeat_byte(1);
        chain.mine_empty(1);
    }
    let receipt = mining(&l1, second).await.unwrap().unwrap();
    assert!(receipt.status());
    // An error is no answer: it does not say that the nonce is lost.
    let asked = l1.chain().count_seen("eth_getTransactionReceipt");
    until(async || (l1.chain().count_seen("eth_getTransactionReceipt") > asked + 10).then_some(()))
        .await;
    assert!(!first.is_finished());
    l1.chain().indexing = false;
    let error = first.await.unwrap().unwrap_err();
    assert!(matches!(error, TxError::NonceTaken { nonce: 0 }), "{error:?}");
}

#[tokio::test]
async fn what_can_t_be_looked_up_is_sent_again() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    let first = sender.send(poke("first"));
    let second = sender.send(poke("second"));
    pooled(&l1, 2).await;
    {
        let mut chain = l1.chain();
        chain.indexing = true;
        chain.mempool.clear();
    }
    assert_eq!(pooled(&l1, 2).await, [0, 1]);
    for task in [first, second] {
        mining(&l1, task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_refusal_of_what_may_be_known_frees_no_nonce() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    {
        let mut chain = l1.chain();
        chain.refuses = true;
        chain.indexing = true;
    }
    let task = sender.send(poke("x"));
    until(async || (l1.chain().count_seen("eth_sendRawTransaction") > 3).then_some(())).await;
    assert_eq!(sender.manager.pending(), 1);
    assert!(!task.is_finished());
    l1.chain().refuses = false;
    assert_eq!(pooled(&l1, 1).await, [0]);
    mining(&l1, task).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined.len(), 1);
}

#[tokio::test]
async fn what_l1_knows_already_is_not_given_up_though_it_is_not_shown() {
    let l1 = FakeL1::start().await;
    let sender = Sender::fresh(&l1).await;
    l1.chain().hides = true;
    let task = sender.send(poke("hidden"));
    // More often than it takes to give up.
    until(async || (l1.chain().count_seen("eth_sendRawTransaction") > 40).then_some(())).await;
    assert_eq!(sender.metrics.transactions_given_up.get(), 0);
    mining(&l1, task).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined.len(), 1);
}

#[tokio::test]
async fn a_first_offer_is_no_more_than_the_account_has() {
    for (balance, expected) in [(U256::from(7), 3_000_000_000), (U256::MAX >> 1, 3_200_000_000)] {
        let l1 = FakeL1::start().await;
        l1.chain().balance = balance;
        // 3 gwei are asked for; 10 % more is over the limit, so that the limit is offered if it can be.
        let policy = TxPolicy { max_fee_per_gas: 3_200_000_000, ..policy() };
        let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
        let task = sender.send(poke("dear"));
        pooled(&l1, 1).await;
        assert_eq!(l1.chain().mempool[0].max_fee, expected);
        mining(&l1, task).await.unwrap().unwrap();
    }
}

/// A manager that took up two transactions, of which L1 has none any more and refuses the first; it was given up, and
/// its nonce filled. With that the first one as it was.
async fn given_up(l1: &FakeL1) -> (Sender, Sent) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let sender = Sender::start(l1, store.clone(), policy()).await;
    let first = sender.send(poke("first"));
    pooled(l1, 1).await;
    let second = sender.send(poke("second"));
    pooled(l1, 2).await;
    first.abort();
    second.abort();
    drop(sender);
    let first = {
        let mut chain = l1.chain();
        let old = std::mem::take(&mut chain.mempool);
        let first = old.into_iter().find(|sent| sent.nonce == 0).unwrap();
        chain.unwanted.push(first.hash);
        first
    };
    let sender = Sender::start(l1, store, policy()).await;
    until(async || (sender.metrics.transactions_given_up.get() == 1).then_some(())).await;
    assert_eq!(pooled(l1, 2).await, [0, 1]);
    (sender, first)
}

#[tokio::test]
async fn a_nonce_whose_transaction_l1_keeps_refusing_is_filled() {
    let l1 = FakeL1::start().await;
    let (sender, first) = given_up(&l1).await;
    let filler = l1.chain().mempool.iter().find(|sent| sent.nonce == 0).unwrap().clone();
    assert_ne!(filler.hash, first.hash);
    assert_eq!(filler.to, Some(filler.from));
    assert!(filler.input.is_empty());
    let joined = [sender.send(poke("first")), sender.send(poke("second"))];
    let mut outcomes = Vec::new();
    for task in joined {
        outcomes.push(mining(&l1, task).await.unwrap());
    }
    assert!(matches!(outcomes[0], Err(TxError::GivenUp { nonce: 0 })), "{outcomes:?}");
    assert!(outcomes[1].as_ref().unwrap().status());
    assert_eq!(l1.chain().mined.len(), 2);
    // It may be asked for again.
    let receipt = mining(&l1, sender.send(poke("first"))).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined[&receipt.transaction_hash].nonce, 2);
    assert_eq!(sender.metrics.transactions_reverted.get(), 0);
}

#[tokio::test]
async fn what_was_given_up_may_be_mined_all_the_same() {
    let l1 = FakeL1::start().await;
    let (sender, first) = given_up(&l1).await;
    {
        let mut chain = l1.chain();
        chain.mempool.retain(|sent| sent.nonce != 0);
        chain.mempool.push(first.clone());
        chain.mine_empty(1);
    }
    let receipt = mining(&l1, sender.send(poke("first"))).await.unwrap().unwrap();
    assert_eq!(receipt.transaction_hash, first.hash);
}

#[tokio::test]
async fn a_transaction_is_not_given_up_while_l1_has_an_older_version() {
    let l1 = FakeL1::start().await;
    let policy = TxPolicy { bump_after: Duration::ZERO, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let task = sender.send(poke("x"));
    pooled(&l1, 1).await;
    l1.chain().refuses = true;
    until(async || (l1.chain().count_seen("eth_sendRawTransaction") > 50).then_some(())).await;
    assert_eq!(sender.metrics.transactions_given_up.get(), 0);
    mining(&l1, task).await.unwrap().unwrap();
    assert_eq!(l1.chain().mined.len(), 1);
}
