//! The mirror: what it reads, and that no reorg or lie gets into it.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use recourse_node::{
    Severity,
    mirror::{L1Mirror, MirrorError},
    store::{MemoryStore, Store},
};
use recourse_protocol::{BatchIndex, Inputs, ViewIndex};

use crate::support::{Events, FakeL1, chain::Receipts};

fn open(l1: &FakeL1, store: &Arc<MemoryStore>) -> L1Mirror {
    let config = Arc::new(l1.chain().rollup.clone());
    let store: Arc<dyn Store> = store.clone();
    L1Mirror::open(l1.client(), config, store, 10).unwrap()
}

/// Views 0 and 1, one batch, one forced transaction, one deposit, in blocks 1 to 3.
fn play(l1: &FakeL1) -> Events {
    let (mut events, mut chain) = (Events::default(), l1.chain());
    let view = events.view(&chain);
    chain.mine(vec![view]);
    let queued =
        vec![events.forced(&chain, b"forced"), events.deposit(&chain, Address::repeat_byte(5), 6)];
    chain.mine(queued);
    events.queued();
    let batch = events.batch(&chain, vec![B256::repeat_byte(1)], 0);
    chain.mine(batch);
    events
}

#[tokio::test]
async fn all_inputs_are_read() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    play(&l1);
    let state = open(&l1, &store).sync().await.unwrap();
    assert_eq!(state.head, l1.chain().head());
    let inbox = &state.inbox;
    assert_eq!(inbox.batch_count(), BatchIndex(1));
    assert_eq!(inbox.view_count(), 2);
    assert_eq!(inbox.view(ViewIndex(1)).unwrap().forced_end, 1);
    assert_eq!(inbox.forced(0).unwrap().as_ref(), b"forced");
    assert_eq!(inbox.deposit(0).unwrap().amountGwei, 6);
    assert_eq!(inbox.batch(BatchIndex(1)).unwrap().unwrap().l1_timestamp, state.head.timestamp);
    assert_eq!(inbox.batch(BatchIndex(2)).unwrap(), None);
    assert!(inbox.view(ViewIndex(2)).is_err());
    assert!(inbox.payload(BatchIndex(1), 0).is_err_and(|e| e.severity() == Severity::Temporary));
    assert_eq!(state.game.now, state.head.timestamp);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_store_ends() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    open(&l1, &store).sync().await.unwrap();
    let asked = l1.chain().count_seen("eth_getLogs");
    let mut mirror = open(&l1, &store);
    assert_eq!(mirror.sync().await.unwrap().inbox.batch_count(), BatchIndex(1));
    assert_eq!(l1.chain().count_seen("eth_getLogs"), asked);
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    l1.chain().mine(batch);
    assert_eq!(mirror.sync().await.unwrap().inbox.batch_count(), BatchIndex(2));
    assert_eq!(l1.chain().count_seen("eth_getLogs"), asked + 1);
}

#[tokio::test]
async fn a_long_chain_is_read_in_ranges_that_the_endpoint_accepts() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    l1.chain().mine_empty(70);
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    l1.chain().mine(batch);
    l1.chain().mine_empty(70);
    l1.chain().longest_range = 4;
    let state = open(&l1, &store).sync().await.unwrap();
    assert_eq!(state.inbox.batch_count(), BatchIndex(2));
    assert_eq!(state.inbox.forced(0).unwrap().as_ref(), b"forced");
}

#[tokio::test]
async fn a_reorg_is_followed() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    let mut mirror = open(&l1, &store);
    let before = events.clone();
    l1.chain().mine_empty(3);
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    l1.chain().mine(batch);
    assert_eq!(mirror.sync().await.unwrap().inbox.batch_count(), BatchIndex(2));

    events = before;
    l1.chain().drop_blocks(3);
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(3)], 0);
    l1.chain().mine(batch);
    l1.chain().mine_empty(5);
    let state = mirror.sync().await.unwrap();
    let hashes = &state.inbox.batch_at(BatchIndex(2)).unwrap().batch.versioned_hashes;
    assert_eq!(hashes, &[B256::repeat_byte(3)]);
    assert_eq!(state.head, l1.chain().head());

    // The whole chain goes, also under a mirror that starts from its store.
    let blocks = l1.chain().blocks.len();
    l1.chain().drop_blocks(blocks - 1);
    play(&l1);
    let state = open(&l1, &store).sync().await.unwrap();
    assert_eq!(state.inbox.batch_count(), BatchIndex(1));
    assert_eq!(state.head, l1.chain().head());
}

#[tokio::test]
async fn a_shrunken_chain_is_followed_once_it_differs() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    let mut mirror = open(&l1, &store);
    let before = events.clone();
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    l1.chain().mine(batch);
    let full = mirror.sync().await.unwrap();
    // A node behind a load balancer that lags: nothing is taken back.
    l1.chain().drop_blocks(1);
    assert_eq!(mirror.sync().await.unwrap().head, full.head);
    events = before;
    let view = events.view(&l1.chain());
    l1.chain().mine(vec![view]);
    let state = mirror.sync().await.unwrap();
    assert_eq!(state.inbox.batch_count(), BatchIndex(1));
    assert_eq!(state.inbox.view_count(), 3);
}

#[tokio::test]
async fn an_endpoint_that_leaves_out_events_is_caught() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    play(&l1);
    l1.chain().mine_empty(60);
    l1.chain().forgetful = true;
    let mut mirror = open(&l1, &store);
    let error = mirror.sync().await.unwrap_err();
    assert!(matches!(error, MirrorError::Inconsistent { .. }), "{error:?}");
    assert_eq!(error.severity(), Severity::Reset);
    l1.chain().forgetful = false;
    assert_eq!(mirror.sync().await.unwrap().inbox.batch_count(), BatchIndex(1));
}

/// Mines a batch that the endpoint hides, and reads on: the mirror stays before it, however far the head goes.
async fn hide_a_batch(l1: &FakeL1, events: &mut Events, mirror: &mut L1Mirror) {
    let batch = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    let hiding = l1.chain().mine(batch).number;
    l1.chain().mine_empty(1);
    l1.chain().unindexed = true;
    for _ in 0..6 {
        let error = mirror.sync().await.unwrap_err();
        assert!(
            matches!(error, MirrorError::Incomplete { number } if number == hiding),
            "{error:?}"
        );
        assert_eq!(error.severity(), Severity::Reset);
        // Soon it lies where blocks are read in ranges.
        l1.chain().mine_empty(10);
    }
}

#[tokio::test]
async fn a_block_whose_events_are_not_indexed_yet_is_waited_for() {
    for receipts in [Receipts::Whole, Receipts::Empty, Receipts::Null] {
        let (l1, store) = (FakeL1::start().await, Arc::default());
        let mut events = play(&l1);
        let mut mirror = open(&l1, &store);
        mirror.sync().await.unwrap();
        l1.chain().receipts = receipts;
        // Ranges hide it, too.
        l1.chain().forgetful = true;
        hide_a_batch(&l1, &mut events, &mut mirror).await;
        l1.chain().unindexed = false;
        let state = mirror.sync().await.unwrap();
        assert_eq!(state.inbox.batch_count(), BatchIndex(2));
        assert_eq!(state.head, l1.chain().head());
    }
}

#[tokio::test]
async fn a_block_whose_events_never_came_may_be_reorganised_away() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    let mut mirror = open(&l1, &store);
    mirror.sync().await.unwrap();
    hide_a_batch(&l1, &mut events, &mut mirror).await;
    let blocks = l1.chain().blocks.len();
    l1.chain().drop_blocks(blocks - 4);
    l1.chain().mine_empty(3);
    let state = mirror.sync().await.unwrap();
    assert_eq!(state.inbox.batch_count(), BatchIndex(1));
    assert_eq!(state.head, l1.chain().head());
}

#[tokio::test]
async fn receipts_tell_that_a_full_bloom_filter_hides_nothing() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    play(&l1);
    l1.chain().busy = true;
    l1.chain().mine_empty(3);
    let state = open(&l1, &store).sync().await.unwrap();
    assert_eq!(state.inbox.batch_count(), BatchIndex(1));
    assert_eq!(state.head, l1.chain().head());
    // Blocks 1 to 3 have events of the Inbox, none of the Rollup.
    assert_eq!(l1.chain().count_seen("eth_getBlockReceipts"), 6);
}

#[tokio::test]
async fn without_receipts_a_full_bloom_filter_is_believed_for_two_reads() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    play(&l1);
    let mut mirror = open(&l1, &store);
    mirror.sync().await.unwrap();
    l1.chain().busy = true;
    l1.chain().receipts = Receipts::NotServed;
    l1.chain().mine_empty(1);
    for _ in 0..2 {
        let error = mirror.sync().await.unwrap_err();
        assert!(matches!(error, MirrorError::Incomplete { number: 4 }), "{error:?}");
    }
    assert_eq!(mirror.sync().await.unwrap().head, l1.chain().head());
}

/// It may have none yet, which is not to say that it never has any.
#[tokio::test]
async fn who_refuses_receipts_is_not_believed_soon() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    play(&l1);
    let mut mirror = open(&l1, &store);
    mirror.sync().await.unwrap();
    l1.chain().busy = true;
    l1.chain().receipts = Receipts::Refused;
    l1.chain().mine_empty(1);
    for _ in 0..59 {
        let error = mirror.sync().await.unwrap_err();
        assert!(matches!(error, MirrorError::Incomplete { number: 4 }), "{error:?}");
    }
    // For ever would be too long.
    assert_eq!(mirror.sync().await.unwrap().head, l1.chain().head());
    l1.chain().mine_empty(1);
    mirror.sync().await.unwrap_err();
    l1.chain().receipts = Receipts::Whole;
    assert_eq!(mirror.sync().await.unwrap().head, l1.chain().head());
}

#[tokio::test]
async fn a_batch_that_does_not_hash_to_its_name_is_refused() {
    let (l1, store) = (FakeL1::start().await, Arc::default());
    let mut events = play(&l1);
    let mut logs = events.batch(&l1.chain(), vec![B256::repeat_byte(2)], 0);
    let data = logs[1].data.data.to_vec();
    let at = data.len() - 1;
    logs[1].data.data = [&data[..at], &[data[at] ^ 1]].concat().into();
    l1.chain().mine(logs);
    let error = open(&l1, &store).sync().await.unwrap_err();
    assert!(
        matches!(error, MirrorError::Inconsistent { what: "the hash of a batch", .. }),
        "{error:?}"
    );
}
