//! The blob source: whatever a beacon node says, only the right bytes get in.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes};
use recourse_node::{
    Severity,
    blobs::{BlobError, BlobPlace, BlobSource, versioned_hash},
    store::MemoryStore,
};
use recourse_protocol::Payload;

use crate::support::FakeL1;

fn source(beacons: &[&FakeL1]) -> BlobSource {
    let urls: Vec<String> = beacons.iter().map(|l1| l1.url().to_owned()).collect();
    let store = Arc::new(MemoryStore::default());
    BlobSource::new(&urls, Duration::from_secs(20), store, Arc::default()).unwrap()
}

/// A blob that the L1 published in its newest block.
fn publish(l1: &FakeL1) -> (B256, BlobPlace) {
    let blob = Payload::new(b"tape").unwrap().to_blob();
    let hash = versioned_hash(&blob).unwrap();
    let mut chain = l1.chain();
    chain.mine_empty(3);
    chain.blobs.insert(hash, blob);
    let head = chain.head();
    (hash, BlobPlace { l1_block: head.number, l1_timestamp: head.timestamp })
}

#[tokio::test]
async fn a_blob_is_fetched_by_slot_once_and_archived() {
    let l1 = FakeL1::start().await;
    let (hash, place) = publish(&l1);
    let source = source(&[&l1]);
    let blob = source.get(hash, place).await.unwrap();
    assert_eq!(Payload::from_blob(&blob), Payload::new(b"tape").unwrap());
    l1.chain().blobs.clear();
    assert_eq!(source.get(hash, place).await.unwrap(), blob);
    assert_eq!(source.archived(hash).unwrap(), Some(blob));
    assert_eq!(l1.chain().count_seen("blobs/3"), 1);
}

#[tokio::test]
async fn a_lying_beacon_node_is_passed_over() {
    let (liar, honest) = (FakeL1::start().await, FakeL1::start().await);
    let (hash, place) = publish(&honest);
    for lie in [vec![0; 131_072], vec![0xff; 131_072], vec![1, 2, 3], Vec::new()] {
        liar.chain().lie = Some(Bytes::from(lie));
        let error = source(&[&liar]).get(hash, place).await.unwrap_err();
        assert!(matches!(error, BlobError::Missing { asked: 1, .. }), "{error:?}");
        assert_eq!(error.severity(), Severity::Temporary);
        let source = source(&[&liar, &honest]);
        source.get(hash, place).await.unwrap();
    }
}

#[tokio::test]
async fn one_blob_is_looked_at_where_one_is_asked_for() {
    let l1 = FakeL1::start().await;
    let (hash, place) = publish(&l1);
    l1.chain().lie = Some(Bytes::from(vec![0; 131_072]));
    l1.chain().lies_first = true;
    let source = source(&[&l1]);
    let error = source.get(hash, place).await.unwrap_err();
    assert!(matches!(error, BlobError::Missing { asked: 1, .. }), "{error:?}");
    l1.chain().lie = None;
    source.get(hash, place).await.unwrap();
}

#[tokio::test]
async fn an_answer_longer_than_any_true_one_is_not_read() {
    let l1 = FakeL1::start().await;
    let (hash, place) = publish(&l1);
    let source = source(&[&l1]);
    l1.chain().padding = 32 << 20;
    let error = source.get(hash, place).await.unwrap_err();
    assert!(matches!(error, BlobError::Missing { asked: 1, .. }), "{error:?}");
    // As long as if a block had it many times.
    l1.chain().padding = 8 << 20;
    source.get(hash, place).await.unwrap();
}

#[tokio::test]
async fn a_node_that_once_said_that_it_has_no_slots_is_asked_again() {
    let l1 = FakeL1::start().await;
    let (hash, mut place) = publish(&l1);
    place.l1_block = 99;
    l1.chain().has_spec = false;
    let source = source(&[&l1]);
    source.get(hash, place).await.unwrap_err();
    l1.chain().has_spec = true;
    source.get(hash, place).await.unwrap();
    assert_eq!(l1.chain().count_seen("blobs/99"), 1);
}

#[tokio::test]
async fn a_missing_blob_may_come_later() {
    let l1 = FakeL1::start().await;
    let (hash, place) = publish(&l1);
    let blobs = std::mem::take(&mut l1.chain().blobs);
    let source = source(&[&l1]);
    let error = source.get(hash, place).await.unwrap_err();
    assert_eq!(error.severity(), Severity::Temporary);
    assert_eq!(source.archived(hash).unwrap(), None);
    l1.chain().blobs = blobs;
    source.get(hash, place).await.unwrap();
}

#[tokio::test]
async fn a_dev_node_without_slots_is_asked_by_block_number() {
    let l1 = FakeL1::start().await;
    let (hash, mut place) = publish(&l1);
    l1.chain().has_spec = false;
    place.l1_timestamp = 0;
    source(&[&l1]).get(hash, place).await.unwrap();
}

#[tokio::test]
async fn own_blobs_are_archived_before_they_are_published() {
    let source = source(&[]);
    let blob = Arc::new(*Payload::new(b"mine").unwrap().to_blob());
    let hash = source.archive(blob.clone()).await.unwrap();
    assert_eq!(source.archived(hash).unwrap(), Some(blob));
}
