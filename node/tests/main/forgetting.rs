//! What a node forgets of old states, and what it does when they are asked for all the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::sol_types::SolEvent;
use alloy_primitives::{B256, U256};
use recourse_execution::parallel::Workers;
use recourse_node::{
    derivation::Derivation,
    states::{StateStore, StatesError},
    store::{Entries, Limit, MemoryStore, Store, StoreError, Table, Write},
};
use recourse_protocol::{
    BatchIndex, CheckpointHash, attempt_id, bindings::IRollup, content_hash, genesis_content,
};

use crate::{
    node::{POOR, balance, end, play, publish, start, start_with, transfer, wait},
    support::{FakeL1, FakeLog},
};

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

/// A store in which two batches are derived.
async fn derived(l1: &FakeL1) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let (node, stop) = start(l1, store.clone()).await.unwrap();
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 2).await;
    end(node, stop).await;
    store
}

/// What L1 seems to ask for may be a mistake of the endpoint: nothing that is there is thrown away for it.
#[tokio::test]
async fn a_state_that_was_forgotten_and_is_asked_for_again_is_told_of() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let store = derived(&l1).await;
    let blobs = std::mem::take(&mut l1.chain().blobs);
    let states = StateStore::new(store.clone());
    assert_eq!(states.kept_from().unwrap(), Some(BatchIndex(0)));
    states.forget(BatchIndex(2)).unwrap();

    // The tip is the genesis: its state may be asked for.
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let mut subscriber = node.subscribe();
    let error = loop {
        if let Some(failure) = node.health().report().last_error {
            break failure.error;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert!(error.contains("batch 0") && error.contains("batch 2"), "{error}");
    assert!(error.contains("--rederive"), "{error}");
    let state = subscriber.borrow_and_update().clone();
    assert!(state.derived && state.chain.tip().0 == 2, "what is there stays");
    l1.chain().blobs = blobs;
    publish(&l1, &mut events, &[transfer(3)]);
    let state = wait(&mut subscriber, |state| state.derived && state.chain.tip().0 == 3).await;
    assert_eq!(balance(&state), U256::from(6_000_000_004u64));
    assert_eq!(states.kept_from().unwrap(), Some(BatchIndex(2)), "and it goes on from there");
    assert!(state.chain.recall(BatchIndex(2)).is_ok());
    assert!(matches!(state.chain.recall(BatchIndex(1)), Ok(_) | Err(StatesError::Gone(_))));
    let kept = |report: recourse_node::health::HealthReport| report.last_error.is_some();
    assert!(kept(node.health().report()), "as long as it is so");
    end(node, stop).await;

    // The archived blobs give everything again, if the operator wants that.
    let (node, _stop) = start_with(&l1, store, true).await.unwrap();
    wait(&mut node.subscribe(), |state| state.derived && state.chain.tip().0 == 3).await;
    assert_eq!(states.kept_from().unwrap(), Some(BatchIndex(0)));
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
    let changes = store.scan(Table::Changes, &[]).unwrap();

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
    let (node, stop) = start(&l1, store.clone()).await.unwrap();
    let mut subscriber = node.subscribe();
    while states.kept_from().unwrap() != Some(BatchIndex(1)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let state = subscriber.borrow_and_update().clone();
    assert!(state.derived, "nothing had to be derived again");
    assert!(state.chain.recall(BatchIndex(1)).is_ok());
    swept(&store).await;
    end(node, stop).await;

    // As if the process had been killed before it had deleted the rows.
    let left = changes.into_iter().filter(|(key, _)| key[7] == 1);
    let left: Vec<_> = left.map(|(key, row)| Write::Put(Table::Changes, key, row)).collect();
    assert!(!left.is_empty());
    store.apply(left).unwrap();
    let (_node, _stop) = start(&l1, store.clone()).await.unwrap();
    swept(&store).await;
}

/// Waits until nothing leads back over batch 1.
async fn swept(store: &Arc<dyn Store>) {
    while store.scan(Table::Changes, &[]).unwrap().iter().any(|(key, _)| key[7] == 1) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!store.scan(Table::Changes, &[]).unwrap().is_empty());
}

fn open(l1: &FakeL1, store: Arc<dyn Store>) -> Derivation {
    let rollup = l1.chain().rollup.clone();
    Derivation::open(&rollup, store, false, Arc::new(Workers::new(1))).unwrap()
}

/// One comes with each claim, and shares less and less with the newest state.
#[tokio::test]
async fn the_state_under_a_confirmed_claim_is_kept_once() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let mut derivation = open(&l1, derived(&l1).await);
    assert!(derivation.chain().state_after(BatchIndex(1)).is_none());
    derivation.confirm(BatchIndex(1)).unwrap();
    assert!(derivation.chain().state_after(BatchIndex(1)).is_some());
    assert_eq!(derivation.chain().computed(), 0);
    derivation.chain().recall(BatchIndex(1)).unwrap();
    assert_eq!(derivation.chain().computed(), 0);
}

#[tokio::test]
async fn a_computed_state_goes_when_it_is_forgotten() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let mut derivation = open(&l1, derived(&l1).await);
    derivation.chain().recall(BatchIndex(1)).unwrap();
    assert_eq!(derivation.chain().computed(), 1);
    derivation.forget(BatchIndex(2)).unwrap();
    assert_eq!(derivation.chain().computed(), 0);
    assert!(matches!(derivation.chain().recall(BatchIndex(1)), Err(StatesError::Gone(_))));
}

/// A store that another branch of L1 is written to, just when the way back over a batch is read.
#[derive(Debug)]
struct Rewritten {
    store: Arc<dyn Store>,
    done: AtomicBool,
}

impl Store for Rewritten {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, key)
    }

    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: Limit,
    ) -> Result<Entries, StoreError> {
        if table == Table::Changes && !self.done.swap(true, Ordering::Relaxed) {
            let two = 2_u64.to_be_bytes().to_vec();
            let rows = self.store.within(table, &two, &[], Limit { entries: 9, bytes: 1 << 20 })?;
            let mut writes = vec![Write::Delete(Table::Batches, two)];
            writes.extend(rows.into_iter().map(|(key, _)| Write::Put(table, key, vec![1; 90])));
            self.store.apply(writes)?;
        }
        self.store.within(table, prefix, from, limit)
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.store.apply(writes)
    }
}

#[tokio::test]
async fn a_way_back_that_is_rewritten_while_it_is_read_is_gone_and_not_damaged() {
    let l1 = FakeL1::start().await;
    let mut events = play(&l1);
    publish(&l1, &mut events, &[transfer(2)]);
    let store = derived(&l1).await;
    let store = Arc::new(Rewritten { store, done: AtomicBool::new(false) });
    let derivation = open(&l1, store);
    let error = derivation.chain().recall(BatchIndex(1)).unwrap_err();
    assert!(matches!(error, StatesError::Gone(_)), "{error:?}");
}
