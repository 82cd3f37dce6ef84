//! What goes first of that which waits, what waits for its price, and what becomes of a manager that panics.

use super::*;

/// A call of a contract that is known again by its address.
fn to(contract: u8) -> TxRequest {
    let contract = Address::repeat_byte(contract);
    TxRequest::call(format!("{contract}"), contract, &IInbox::pokeCall {})
}

/// Asks for a transaction, and goes on waiting for it. It is in flight or in the queue then; one that was asked for before
/// stands in the queue as it is asked for now.
async fn hand_over(sender: &Sender, request: TxRequest, deadline: u64, pending: usize) -> Waiting {
    let manager = sender.manager.clone();
    let waiting = tokio::spawn(async move { manager.send_by(request, deadline).await });
    tokio::task::yield_now().await;
    until(async || (sender.manager.pending() == pending).then_some(())).await;
    waiting
}

type Waiting = JoinHandle<Result<TransactionReceipt, TxError>>;

/// The contracts that were called, in the order of nonces, once there are so many.
async fn called(l1: &FakeL1, count: usize) -> Vec<u8> {
    let done = until(async || (l1.chain().mined.len() == count).then_some(()));
    mining(l1, done).await;
    let chain = l1.chain();
    let mut mined: Vec<_> = chain.mined.values().map(|sent| (sent.nonce, sent.to)).collect();
    mined.sort_unstable();
    mined.into_iter().map(|(_, to)| to.unwrap().0[0]).collect()
}

#[tokio::test]
async fn the_least_time_goes_first_and_no_deadline_last() {
    let l1 = FakeL1::start().await;
    let policy = TxPolicy { max_pending: 1, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let mut waiting = vec![hand_over(&sender, to(1), u64::MAX, 1).await];
    for (pending, (contract, deadline)) in
        (2..).zip([(2, u64::MAX), (3, 50), (4, 40), (5, 50), (6, 60)])
    {
        waiting.push(hand_over(&sender, to(contract), deadline, pending).await);
    }
    // Somebody else wants it, too, and earlier; and one does, but later.
    waiting.push(hand_over(&sender, to(6), 45, 6).await);
    waiting.push(hand_over(&sender, to(4), 90, 6).await);
    assert_eq!(called(&l1, 6).await, [1, 4, 6, 3, 5, 2]);
}

#[tokio::test]
async fn blobs_that_cost_too_much_keep_nothing_else_waiting() {
    let l1 = FakeL1::start().await;
    l1.chain().blob_base_fee = 101;
    let policy = TxPolicy { max_fee_per_blob_gas: 100, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let blobs = TxRequest { blobs: blob("blobs").blobs, ..to(1) };
    let _blobs = hand_over(&sender, blobs, 10, 1).await;
    let _plain = hand_over(&sender, to(2), u64::MAX, 2).await;
    assert_eq!(called(&l1, 1).await, [2]);
    assert!(l1.chain().mempool.is_empty());
    // What may just be paid is sent.
    l1.chain().blob_base_fee = 100;
    assert_eq!(called(&l1, 2).await, [2, 1]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let l1 = FakeL1::start().await;
    let policy = TxPolicy { max_pending: 1, ..policy() };
    let sender = Sender::start(&l1, Arc::new(MemoryStore::default()), policy).await;
    let _first = hand_over(&sender, to(1), u64::MAX, 1).await;
    let gone = hand_over(&sender, to(2), 10, 2).await;
    let two = [hand_over(&sender, to(3), 20, 3).await, hand_over(&sender, to(3), 20, 3).await];
    let _last = hand_over(&sender, to(4), 30, 4).await;
    gone.abort();
    two[0].abort();
    assert_eq!(called(&l1, 3).await, [1, 3, 4]);
    until(async || (sender.manager.pending() == 0).then_some(())).await;
    // Who wants it all the same asks again.
    let _again = hand_over(&sender, to(2), 10, 1).await;
    assert_eq!(called(&l1, 4).await, [1, 3, 4, 2]);
}

#[tokio::test]
async fn a_panic_stops_what_can_t_send_any_more() {
    let l1 = FakeL1::start().await;
    let stop = CancellationToken::new();
    let signer = PrivateKeySigner::from_bytes(&B256::with_last_byte(2)).unwrap();
    let (store, metrics) = (Arc::new(MemoryStore::default()), Arc::default());
    // No clock has such an interval: the manager's task panics.
    let broken = TxPolicy { poll_interval: Duration::ZERO, ..policy() };
    let start = TxManager::start(l1.client(), signer, store, metrics, broken, stop.clone());
    let manager = start.await.unwrap();
    stop.cancelled().await;
    let error = manager.send(to(1)).await.unwrap_err();
    assert!(matches!(error, TxError::Stopped), "{error:?}");
}
