//! A whole node: from blobs on L1 to blocks on L2.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use alloy::{network::TxSignerSync, signers::local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256};
use recourse_node::{
    Node, NodeConfig, NodeError, NodeState, Severity,
    blobs::versioned_hash,
    derivation::DerivationError,
    states::StatesError,
    store::{Entries, Limit, MemoryStore, SledStore, Store, StoreError, Table, Write},
};
use recourse_protocol::{BatchIndex, Payload, TapeWriter};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::{Events, FakeL1, quick};

pub(crate) const POOR: Address = Address::repeat_byte(0x77);

pub(crate) async fn start(
    l1: &FakeL1,
    store: Arc<dyn Store>,
) -> Result<(Node, CancellationToken), NodeError> {
    start_with(l1, store, false).await
}

pub(crate) async fn start_with(
    l1: &FakeL1,
    store: Arc<dyn Store>,
    rederive: bool,
) -> Result<(Node, CancellationToken), NodeError> {
    let config = NodeConfig {
        rederive,
        poll_interval: Duration::from_millis(5),
        retry: quick(),
        ..NodeConfig::new(l1.chain().rollup.clone(), l1.url().to_owned(), vec![l1.url().to_owned()])
    };
    let stop = CancellationToken::new();
    Ok((Node::start(config, store, stop.clone()).await?, stop))
}

pub(crate) async fn wait(
    states: &mut watch::Receiver<Arc<NodeState>>,
    is: impl Fn(&NodeState) -> bool,
) -> Arc<NodeState> {
    states.wait_for(|state| is(state)).await.unwrap().clone()
}

/// A transfer of one wei by the account that the genesis made rich.
pub(crate) fn transfer(nonce: u64) -> Vec<u8> {
    let signer = PrivateKeySigner::from_bytes(&B256::with_last_byte(1)).unwrap();
    let mut tx = TxEip1559 {
        chain_id: 777,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: POOR.into(),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    tx.into_signed(signature).encoded_2718()
}

/// A batch of one block with these transactions.
pub(crate) fn publish(l1: &FakeL1, events: &mut Events, transactions: &[Vec<u8>]) -> B256 {
    let mut chain = l1.chain();
    let mut tape = TapeWriter::default();
    tape.open(chain.next_timestamp(), 1).unwrap();
    for raw in transactions {
        tape.tx(raw).unwrap();
    }
    let blob = Payload::new(&tape.into_bytes()).unwrap().to_blob();
    let hash = versioned_hash(&blob).unwrap();
    chain.blobs.insert(hash, blob);
    let logs = events.batch(&chain, vec![hash], 0);
    chain.mine(logs);
    hash
}

/// View 0 in block 1, a deposit in block 2, then one batch with two transfers and nonsense.
pub(crate) fn play(l1: &FakeL1) -> Events {
    let mut events = Events::default();
    {
        let mut chain = l1.chain();
        let view = events.view(&chain);
        chain.mine(vec![view]);
        let deposit = events.deposit(&chain, POOR, 6);
        chain.mine(vec![deposit]);
    }
    events.queued();
    publish(l1, &mut events, &[transfer(0), b"nonsense".to_vec(), transfer(1)]);
    events
}

pub(crate) fn balance(state: &NodeState) -> U256 {
    let after = state.chain.state_after(state.chain.tip()).unwrap();
    after.account(POOR).unwrap().map_or(U256::ZERO, |account| account.balance)
}

#[tokio::test]
async fn l2_is_derived_from_l1_alone_and_again_after_a_restart_without_beacon() {
    let l1 = FakeL1::start().await;
    play(&l1);
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SledStore::open(folder.path()).unwrap());
    let (node, stop) = start(&l1, store).await.unwrap();
    let first =
        wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 1).await;
    // open, two transfers, nonsense, END, seal, close.
    assert_eq!(first.chain.steps(BatchIndex(0), BatchIndex(1)), Some(7));
    let batch = first.chain.batch(BatchIndex(1)).unwrap();
    assert!(batch.post.ends_batch(BatchIndex(1)));
    assert_eq!(first.chain.blocks_of(BatchIndex(1)).unwrap().unwrap().len(), 1);
    let block = first.chain.block(1).unwrap().unwrap();
    assert_eq!(block.transactions.len(), 2);
    assert_eq!(block.header.hash_slow(), block.hash);
    assert_eq!(block.hash, batch.post.parent_hash);
    assert_eq!(block.header.state_root, first.chain.state_of_block(1).unwrap().root());
    assert_eq!((block.credits.len(), block.first_deposit), (1, 0));
    assert_eq!(first.chain.number_of(block.hash).unwrap(), Some(1));
    let second = block.transactions[1].hash();
    assert_eq!(first.chain.locate(second).unwrap(), Some((1, 1)));
    assert_eq!(first.chain.locate(block.hash).unwrap(), None);
    assert_eq!(first.chain.number_of(second).unwrap(), None);
    assert_eq!(balance(&first), U256::from(6_000_000_002u64));
    assert!(node.health().is_live(Duration::from_secs(60)));
    let end = *first.chain.checkpoint_after(BatchIndex(1)).unwrap();
    stop.cancel();
    node.stopped().await.unwrap();
    // All users of the store, so that it can be opened again.
    drop((node, first));

    l1.chain().blobs.clear();
    let store = Arc::new(SledStore::open(folder.path()).unwrap());
    let (node, _stop) = start(&l1, store).await.unwrap();
    let again = wait(&mut node.subscribe(), |state| state.derived).await;
    assert_eq!(again.chain.checkpoint_after(BatchIndex(1)), Some(&end));
}

/// Ends a node, so that its store can be used by another.
pub(crate) async fn end(node: Node, stop: CancellationToken) {
    stop.cancel();
    node.stopped().await.unwrap();
}

#[tokio::test]
async fn a_restart_takes_up_the_stored_state_without_the_blobs_it_came_from() {
    let l1 = FakeL1::start().await;
    let hash = {
        let mut events = play(&l1);
        publish(&l1, &mut events, &[transfer(2)])
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let first =
        wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;
    l1.chain().blobs.clear();
    store.apply(vec![Write::Delete(Table::Blobs, hash.to_vec())]).unwrap();

    let (node, _stop) = start(&l1, store).await.unwrap();
    let again = node.subscribe().borrow().clone();
    assert!(again.derived, "nothing is left to derive at the very first");
    assert_eq!(balance(&again), balance(&first));
    for number in 1..=2 {
        let block = again.chain.block(number).unwrap();
        assert!(block.is_some());
        assert_eq!(block, first.chain.block(number).unwrap());
    }
    assert_eq!(again.chain.batch(BatchIndex(2)), first.chain.batch(BatchIndex(2)));
    // The state between the two batches is computed from the changes.
    assert!(again.chain.state_after(BatchIndex(1)).is_none());
    let between = again.chain.recall(BatchIndex(1)).unwrap();
    assert_eq!(between.root(), first.chain.state_after(BatchIndex(1)).unwrap().root());
}

#[tokio::test]
async fn a_reorg_while_the_node_was_down_takes_batches_back() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let before = events.clone();
    publish(&l1, &mut events, &[transfer(2)]);
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;

    events = before;
    l1.chain().drop_blocks(1);
    l1.chain().mine_empty(1);
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let back = wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 1).await;
    assert_eq!(balance(&back), U256::from(6_000_000_002u64));
    assert!(back.chain.block(2).unwrap().is_none());
    publish(&l1, &mut events, &[transfer(2), transfer(3)]);
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;

    let (node, _stop) = start(&l1, store).await.unwrap();
    let last = wait(&mut node.subscribe(), |state| state.derived).await;
    assert_eq!(balance(&last), U256::from(6_000_000_004u64));
}

#[tokio::test]
async fn a_stored_state_that_is_not_the_batches_is_refused_until_it_is_derived_again() {
    let l1 = FakeL1::start().await;
    play(&l1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let first =
        wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 1).await;
    end(node, stop).await;
    let (key, _) = store.page(Table::Accounts, &[], 1).unwrap().remove(0);
    // Nonce 5, balance 7.
    store.apply(vec![Write::Put(Table::Accounts, key, vec![5, 7])]).unwrap();

    let error = start(&l1, store.clone()).await.unwrap_err();
    assert_eq!(error.severity(), Severity::Critical);
    let NodeError::Derivation(DerivationError::States(error)) = error else { panic!("{error:?}") };
    assert!(matches!(error, StatesError::Root { .. }), "{error:?}");
    assert!(error.to_string().contains("--rederive"));

    let (node, _stop) = start_with(&l1, store, true).await.unwrap();
    let again =
        wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 1).await;
    assert_eq!(again.chain.batch(BatchIndex(1)), first.chain.batch(BatchIndex(1)));
    assert_eq!(balance(&again), balance(&first));
}

#[tokio::test]
async fn a_reorg_takes_batches_back() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    let (node, _stop) = start(&l1, Arc::new(MemoryStore::default())).await.unwrap();
    let mut states = node.subscribe();
    let before = events.clone();
    publish(&l1, &mut events, &[transfer(2)]);
    let state = wait(&mut states, |state| state.derived && state.chain.tip().0 == 2).await;
    assert_eq!(balance(&state), U256::from(6_000_000_003u64));

    events = before;
    l1.chain().drop_blocks(1);
    l1.chain().mine_empty(1);
    publish(&l1, &mut events, &[transfer(2), transfer(3)]);
    let head = l1.chain().head();
    let state = wait(&mut states, |state| state.derived && state.l1.head == head).await;
    assert_eq!(state.chain.tip().0, 2);
    assert_eq!(balance(&state), U256::from(6_000_000_004u64));
    assert_eq!(node.metrics().l1_resets.get(), 0);
}

#[tokio::test]
async fn a_missing_blob_holds_derivation_but_not_the_view_of_l1() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    let hash = publish(&l1, &mut events, &[transfer(2)]);
    let blob = l1.chain().blobs.remove(&hash).unwrap();
    let (node, _stop) = start(&l1, Arc::new(MemoryStore::default())).await.unwrap();
    let mut states = node.subscribe();
    wait(&mut states, |state| state.chain.tip().0 == 1 && !state.derived).await;
    l1.chain().mine_empty(2);
    let head = l1.chain().head();
    wait(&mut states, |state| state.l1.head == head).await;
    assert!(node.health().report().behind_since.is_some(), "it waits");
    assert!(node.health().report().last_error.is_some());
    l1.chain().blobs.insert(hash, blob);
    wait(&mut states, |state| state.derived && state.chain.tip().0 == 2).await;
}

/// A store that writes the first batch only when the blob of the next one is there.
#[derive(Debug)]
struct Waiting {
    inner: MemoryStore,
    next: B256,
    wrote_first: AtomicBool,
    waited_in_vain: AtomicBool,
}

impl Store for Waiting {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(table, key)
    }

    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: Limit,
    ) -> Result<Entries, StoreError> {
        self.inner.within(table, prefix, from, limit)
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let first = 1_u64.to_be_bytes();
        let is_first = |write: &Write| matches!(write, Write::Put(Table::Batches, key, _) if key.starts_with(&first));
        if writes.iter().any(is_first) {
            self.wrote_first.store(true, Ordering::Relaxed);
            let start = Instant::now();
            while self.inner.get(Table::Blobs, self.next.as_slice())?.is_none() {
                if start.elapsed() > Duration::from_secs(30) {
                    self.waited_in_vain.store(true, Ordering::Relaxed);
                    break;
                }
                sleep(Duration::from_millis(2));
            }
        }
        self.inner.apply(writes)
    }
}

/// So that its signers can be found while one is written: blobs are archived on sight, whatever derivation is at.
#[tokio::test]
async fn the_next_batchs_blobs_come_before_one_is_written() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    let next = publish(&l1, &mut events, &[transfer(2)]);
    let (wrote_first, waited_in_vain) = (AtomicBool::new(false), AtomicBool::new(false));
    let inner = MemoryStore::default();
    let store = Arc::new(Waiting { inner, next, wrote_first, waited_in_vain });
    let (node, _stop) = start(&l1, store.clone()).await.unwrap();
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    assert!(store.wrote_first.load(Ordering::Relaxed));
    assert!(!store.waited_in_vain.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_store_of_another_deployment_is_refused() {
    let l1 = FakeL1::start().await;
    play(&l1);
    let store = Arc::new(MemoryStore::default());
    drop(start(&l1, store.clone()).await.unwrap());
    l1.chain().rollup.contracts.rollup = Address::repeat_byte(0x44);
    let error = start(&l1, store).await.unwrap_err();
    assert!(matches!(error, NodeError::Store(StoreError::OtherDeployment { .. })), "{error:?}");
    assert_eq!(error.severity(), Severity::Critical);
}
