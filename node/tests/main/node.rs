//! A whole node: from blobs on L1 to blocks on L2.

use std::{sync::Arc, time::Duration};

use alloy::{network::TxSignerSync, signers::local::PrivateKeySigner, sol_types::SolEvent};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256};
use recourse_node::{
    Node, NodeConfig, NodeError, NodeState, Severity,
    blobs::versioned_hash,
    derivation::DerivationError,
    states::{StateStore, StatesError},
    store::{MemoryStore, SledStore, Store, StoreError, Table, Write},
};
use recourse_protocol::{
    BatchIndex, CheckpointHash, Payload, TapeWriter, attempt_id, bindings::IRollup, content_hash,
    genesis_content,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::{Events, FakeL1, FakeLog, quick};

const POOR: Address = Address::repeat_byte(0x77);

async fn start(l1: &FakeL1, store: Arc<dyn Store>) -> Result<(Node, CancellationToken), NodeError> {
    start_with(l1, store, false).await
}

async fn start_with(
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

async fn wait(
    states: &mut watch::Receiver<Arc<NodeState>>,
    is: impl Fn(&NodeState) -> bool,
) -> Arc<NodeState> {
    states.wait_for(|state| is(state)).await.unwrap().clone()
}

/// A transfer of one wei by the account that the genesis made rich.
fn transfer(nonce: u64) -> Vec<u8> {
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
fn publish(l1: &FakeL1, events: &mut Events, transactions: &[Vec<u8>]) -> B256 {
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
fn play(l1: &FakeL1) -> Events {
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

/// Confirms a content of this batch, whatever it says. Gives the number of the L1 block.
fn confirm_next(l1: &FakeL1, batch: u64) -> u64 {
    let mut chain = l1.chain();
    let address = chain.rollup.contracts.rollup;
    let parent = genesis_content(chain.rollup.genesis.checkpoint.h248());
    let (batch_hash, checkpoint) = (B256::repeat_byte(7), CheckpointHash(B256::repeat_byte(1)));
    let content = content_hash(parent, batch_hash, checkpoint, 100);
    let attempt = attempt_id(content, POOR, U256::ZERO).0;
    let proposed = IRollup::Proposed {
        attempt,
        content: content.0,
        owner: POOR,
        parent: parent.0,
        batch,
        batchHash: batch_hash,
        checkpoint: checkpoint.0,
        steps: 100,
        beneficiary: POOR,
        windowEnd: 0,
    };
    let confirmed = IRollup::Confirmed { attempt, content: content.0, batch };
    let logs = [proposed.encode_log_data(), confirmed.encode_log_data()];
    chain.mine(logs.into_iter().map(|data| FakeLog { address, data }).collect()).number
}

fn balance(state: &NodeState) -> U256 {
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
async fn end(node: Node, stop: CancellationToken) {
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

/// Whatever led to it: the archived blobs give everything again.
#[tokio::test]
async fn a_state_that_was_forgotten_and_is_asked_for_again_is_derived_anew() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let first =
        wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;
    l1.chain().blobs.clear();
    let states = StateStore::new(store.clone());
    assert_eq!(states.kept_from().unwrap(), Some(BatchIndex(0)));
    states.prune(BatchIndex(2)).unwrap();

    // The tip is the genesis: its state may be asked for.
    let (node, _stop) = start(&l1, store).await.unwrap();
    let mut subscriber = node.subscribe();
    let kept_from = || states.kept_from().unwrap();
    let again =
        wait(&mut subscriber, |state| state.derived && kept_from() == Some(BatchIndex(0))).await;
    assert_eq!(again.chain.batch(BatchIndex(2)), first.chain.batch(BatchIndex(2)));
    let newest = (BatchIndex(2), again.chain.state_after(BatchIndex(2)).unwrap());
    let genesis = again.chain.genesis();
    states.back(newest, BatchIndex(0), genesis.state_root).unwrap();
}

/// A node whose marks are old enough forgets on its own.
#[tokio::test]
async fn old_states_are_forgotten_when_their_time_has_come() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let confirmed = confirm_next(&l1, 1);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;
    let states = StateStore::new(store.clone());
    assert_eq!(states.kept_from().unwrap(), Some(BatchIndex(0)), "too young");

    // As if the mark had been set when L1 began, and this machine's clock were right.
    let key = b"l2-needed".to_vec();
    let marks = store.get(Table::Meta, &key).unwrap().unwrap();
    let mut marks: serde_json::Value = serde_json::from_slice(&marks).unwrap();
    assert_eq!(marks.as_array().unwrap().len(), 1);
    assert_eq!(marks[0]["block"]["number"], confirmed);
    marks[0]["seen"] = 0.into();
    marks[0]["is_final"] = true.into();
    let was = &mut marks[0]["block"]["timestamp"];
    *was = was.as_u64().unwrap().saturating_sub(14 * 86_400).into();
    let bytes = serde_json::to_vec(&marks).unwrap();
    store.apply(vec![Write::Put(Table::Meta, key, bytes)]).unwrap();
    let (node, _stop) = start(&l1, store).await.unwrap();
    let mut subscriber = node.subscribe();
    while states.kept_from().unwrap() != Some(BatchIndex(1)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let state = subscriber.borrow_and_update().clone();
    assert!(state.derived, "nothing had to be derived again");
    assert!(state.chain.recall(BatchIndex(1)).is_ok());
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
    assert!(!node.health().is_live(Duration::from_secs(60)));
    assert!(node.health().report().last_error.is_some());
    l1.chain().blobs.insert(hash, blob);
    wait(&mut states, |state| state.derived && state.chain.tip().0 == 2).await;
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
