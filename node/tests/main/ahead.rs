//! While a batch is written, the next one is run. What comes of that counts only for what it was run of.

mod stores;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    mpsc,
};

use alloy::sol_types::SolEvent;
use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_execution::parallel::Workers;
use recourse_node::{
    Severity,
    blobs::versioned_hash,
    derivation::{Derivation, DerivationError, DerivedBatch, DerivedBlock},
    inbox::InboxSnapshot,
    mirror::L1Mirror,
    store::{MemoryStore, Store, Table, Write},
};
use recourse_protocol::{BatchIndex, Payload, RollupConfig, TapeWriter, bindings::IInbox};
use tokio_util::sync::CancellationToken;

use stores::{Gated, Slow, Then};

use crate::{
    foreseen::{archive, rollup, transfer},
    support::{Events, FakeL1, FakeLog},
};

type Derived = Vec<(DerivedBatch, Vec<Arc<DerivedBlock>>)>;

/// An L1 whose batches are scripted one by one; their blobs are archived at once.
struct Played {
    rollup: RollupConfig,
    l1: FakeL1,
    events: Events,
    archive: Arc<Gated>,
    store: Arc<dyn Store>,
    mirror: L1Mirror,
}

impl Played {
    async fn start() -> Self {
        let (rollup, archive) = (rollup(), Arc::new(Gated::default()));
        let store = archive.clone() as Arc<dyn Store>;
        let (l1, mut events) = (FakeL1::start().await, Events::default());
        {
            let mut chain = l1.chain();
            chain.rollup = rollup.clone();
            let view = events.view(&chain);
            chain.mine(vec![view]);
        }
        let config = Arc::new(rollup.clone());
        let mirror = L1Mirror::open(l1.client(), config, store.clone(), 100).unwrap();
        Self { rollup, l1, events, archive, store, mirror }
    }

    /// With so many batches, of one block with four transfers each.
    async fn with(batches: u64) -> Self {
        let mut played = Self::start().await;
        for nonce in 0..batches {
            played.append(&transfers(nonce));
        }
        played
    }

    /// The events of a batch that the next L1 block may have.
    fn batch(&mut self, transactions: &[Vec<u8>]) -> Vec<FakeLog> {
        let chain = self.l1.chain();
        let mut tape = TapeWriter::default();
        tape.open(chain.next_timestamp(), 1).unwrap();
        transactions.iter().for_each(|raw| tape.tx(raw).unwrap());
        let blob = Payload::new(&tape.into_bytes()).unwrap().to_blob();
        let hash = versioned_hash(&blob).unwrap();
        archive(&self.store, &[(hash, blob.to_vec())]);
        self.events.batch(&chain, vec![hash], 0)
    }

    fn append(&mut self, transactions: &[Vec<u8>]) -> Vec<FakeLog> {
        let logs = self.batch(transactions);
        self.l1.chain().mine(logs.clone());
        logs
    }

    async fn inbox(&mut self) -> InboxSnapshot {
        self.mirror.sync().await.unwrap().inbox
    }

    /// A derivation by two threads, with a store of its own.
    fn derivation(&self) -> (Derivation, Arc<Slow>) {
        let workers = Arc::new(Workers::new(2));
        let store = Arc::new(Slow {
            store: MemoryStore::default(),
            workers: workers.clone(),
            waits_for: AtomicU64::new(0),
            fails: AtomicBool::new(false),
            then: Mutex::default(),
        });
        (Derivation::open(&self.rollup, store.clone(), true, workers).unwrap(), store)
    }
}

fn transfers(nonce: u64) -> Vec<Vec<u8>> {
    (0..4).map(|from| transfer(from, nonce)).collect()
}

/// Gas of a batch with four transfers.
const GAS: u64 = 4 * 21_000;

fn next(derivation: &mut Derivation, inbox: &InboxSnapshot) -> Option<DerivedBatch> {
    derivation.derive_next(inbox, &CancellationToken::new()).unwrap()
}

/// Derives the first batch, and runs transactions of the second one, too.
fn first(derivation: &mut Derivation, store: &Slow, inbox: &InboxSnapshot) {
    store.waits_for.store(2 * GAS, Relaxed);
    next(derivation, inbox).unwrap();
    store.waits_for.store(0, Relaxed);
    assert!(derivation.steps_ahead() > 1, "{}", derivation.steps_ahead());
}

fn all(derivation: &Derivation) -> Derived {
    let chain = derivation.chain();
    let one = |index: u64| {
        let index = BatchIndex(index);
        (*chain.batch(index).unwrap(), chain.blocks_of(index).unwrap().unwrap())
    };
    (1..=chain.tip().0).map(one).collect()
}

/// What one thread alone derives, with nobody beside it.
fn expected(played: &Played, inbox: &InboxSnapshot) -> Derived {
    let (workers, store) = (Arc::new(Workers::new(1)), Arc::new(MemoryStore::default()));
    let mut derivation = Derivation::open(&played.rollup, store, true, workers).unwrap();
    while next(&mut derivation, inbox).is_some() {
        assert_eq!(derivation.steps_ahead(), 0, "there is nobody beside it");
    }
    all(&derivation)
}

#[tokio::test]
async fn each_batch_is_run_once_also_while_the_one_before_is_written() {
    let mut played = Played::with(4).await;
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    for batch in 1..=4 {
        store.waits_for.store(GAS * 4.min(batch + 1), Relaxed);
        next(&mut derivation, &inbox).unwrap();
        assert_eq!(derivation.steps_ahead() > 1, batch < 4);
    }
    assert_eq!(next(&mut derivation, &inbox), None);
    let derived = all(&derivation);
    assert_eq!(derived, expected(&played, &inbox));
    let gas = derived.iter().flat_map(|(_, blocks)| blocks).map(|block| block.header.gas_used);
    assert_eq!(gas.sum::<u64>(), 4 * GAS);
    assert_eq!(store.workers.gas_run(), 4 * GAS, "none was run twice");
    let end = derivation.chain().recall(BatchIndex(4)).unwrap();
    assert_eq!(end.root(), derived[3].0.post.state_root);
}

#[tokio::test]
async fn what_l1_took_back_does_not_count() {
    let mut played = Played::with(1).await;
    let events = played.events.clone();
    played.append(&transfers(1));
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    first(&mut derivation, &store, &inbox);

    // Another batch comes in its place, and one more.
    played.l1.chain().drop_blocks(1);
    played.events = events;
    played.append(&[transfer(3, 1), transfer(2, 1)]);
    played.append(&transfers(2));
    let inbox = played.inbox().await;
    assert_eq!(derivation.follow(&inbox).unwrap(), 0, "the first one stands");
    while next(&mut derivation, &inbox).is_some() {}
    let derived = all(&derivation);
    assert_eq!(derived, expected(&played, &inbox));
    assert_eq!(derived[1].1[0].transactions.len(), 2);
}

#[tokio::test]
async fn it_goes_with_the_batch_that_it_follows() {
    let mut played = Played::start().await;
    let events = played.events.clone();
    played.append(&transfers(0));
    played.append(&transfers(1));
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    first(&mut derivation, &store, &inbox);
    played.l1.chain().drop_blocks(2);
    played.events = events;
    played.append(&[transfer(3, 0)]);
    played.append(&[transfer(3, 1)]);
    let inbox = played.inbox().await;
    assert_eq!(derivation.follow(&inbox).unwrap(), 1);
    assert_eq!(derivation.steps_ahead(), 0);
    while next(&mut derivation, &inbox).is_some() {}
    assert_eq!(all(&derivation), expected(&played, &inbox));
}

/// What the view of an L1 block says otherwise.
fn other_view(view: &FakeLog) -> FakeLog {
    let mut event = IInbox::ViewRecorded::decode_log_data(&view.data).unwrap();
    event.data.prevRandao = B256::repeat_byte(7);
    FakeLog { data: event.encode_log_data(), ..view.clone() }
}

/// A batch names by its hash what comes before it, and how many views it has, but not what they say.
#[tokio::test]
async fn a_batch_under_other_views_is_run_again() {
    let mut played = Played::with(1).await;
    let logs = played.append(&transfers(1));
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    first(&mut derivation, &store, &inbox);
    {
        let mut chain = played.l1.chain();
        chain.drop_blocks(1);
        chain.mine(vec![other_view(&logs[0]), logs[1].clone()]);
    }
    let other = played.inbox().await;
    let hash = |inbox: &InboxSnapshot| inbox.batch_at(BatchIndex(2)).unwrap().hash;
    assert_eq!(hash(&inbox), hash(&other));
    next(&mut derivation, &other).unwrap();
    assert_eq!(all(&derivation), expected(&played, &other));
    assert_ne!(all(&derivation), expected(&played, &inbox));
}

/// The second batch of one L1 block has no view of its own.
#[tokio::test]
async fn batches_of_one_block_stand_by_the_same_view() {
    let mut played = Played::start().await;
    let mut logs = played.batch(&transfers(0));
    let again = played.batch(&transfers(1));
    let mut event = IInbox::BatchAppended::decode_log_data(&again[1].data).unwrap();
    event.batch.viewCount -= 1;
    event.hash = recourse_protocol::Batch::from(event.batch.clone()).hash();
    logs.push(FakeLog { data: event.encode_log_data(), ..again[1].clone() });
    played.l1.chain().mine(logs.clone());
    let inbox = played.inbox().await;
    let (mut derivation, _store) = played.derivation();
    while next(&mut derivation, &inbox).is_some() {}
    assert_eq!(derivation.chain().tip(), BatchIndex(2));
    {
        let mut chain = played.l1.chain();
        chain.drop_blocks(1);
        logs[0] = other_view(&logs[0]);
        chain.mine(logs);
    }
    let other = played.inbox().await;
    let hash = |inbox: &InboxSnapshot| inbox.batch_at(BatchIndex(2)).unwrap().hash;
    assert_eq!(hash(&inbox), hash(&other));
    assert!(!derivation.stands(&other));
    assert_eq!(derivation.follow(&other).unwrap(), 2);
    while next(&mut derivation, &other).is_some() {}
    assert_eq!(all(&derivation), expected(&played, &other));
}

#[tokio::test]
async fn nothing_follows_a_batch_that_could_not_be_written() {
    let mut played = Played::with(3).await;
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    first(&mut derivation, &store, &inbox);
    store.waits_for.store(3 * GAS, Relaxed);
    store.fails.store(true, Relaxed);
    let error = derivation.derive_next(&inbox, &CancellationToken::new()).unwrap_err();
    assert!(matches!(error, DerivationError::States(_)), "{error:?}");
    assert_eq!(derivation.chain().tip(), BatchIndex(1));
    assert_eq!(derivation.steps_ahead(), 0, "the third batch follows the second");
    while next(&mut derivation, &inbox).is_some() {}
    assert_eq!(all(&derivation), expected(&played, &inbox));
}

/// It is reported when its turn comes, and not before.
#[tokio::test]
async fn what_fails_ahead_keeps_nothing_from_being_derived() {
    let mut played = Played::with(2).await;
    let inbox = played.inbox().await;
    let hash = inbox.batch_at(BatchIndex(2)).unwrap().batch.versioned_hashes[0];
    let key = hash.to_vec();
    let blob = played.store.get(Table::Blobs, &key).unwrap().unwrap();
    played.store.apply(vec![Write::Delete(Table::Blobs, key)]).unwrap();
    let (mut derivation, _store) = played.derivation();
    next(&mut derivation, &inbox).unwrap();
    assert_eq!(derivation.steps_ahead(), 0);
    let error = derivation.derive_next(&inbox, &CancellationToken::new()).unwrap_err();
    assert_eq!(error.severity(), Severity::Temporary, "{error}");
    archive(&played.store, &[(hash, blob)]);
    next(&mut derivation, &inbox).unwrap();
    assert_eq!(all(&derivation), expected(&played, &inbox));
}

/// The blob of the batch that is ahead comes when the one before it is written: nobody waits for more of it.
#[tokio::test]
async fn what_is_ahead_pauses_when_the_batch_before_it_is_written_or_all_is_to_end() {
    for stops in [false, true] {
        let mut played = Played::with(2).await;
        let inbox = played.inbox().await;
        let (mut derivation, store) = played.derivation();
        let (opens, opened) = mpsc::channel();
        let blob = inbox.batch_at(BatchIndex(2)).unwrap().batch.versioned_hashes[0];
        *played.archive.gate.lock() = Some((blob, opened));
        let stop = CancellationToken::new();
        *store.then.lock() = Some(Then {
            archive: played.archive.clone(),
            stop: stops.then(|| stop.clone()),
            opens,
        });
        derivation.derive_next(&inbox, &stop).unwrap().unwrap();
        assert_eq!(derivation.foreseen(), 4, "it was there in the end");
        assert_eq!(derivation.steps_ahead(), 0);
        if stops {
            let error = derivation.derive_next(&inbox, &stop).unwrap_err();
            assert!(matches!(error, DerivationError::Cancelled), "{error:?}");
        }
        while next(&mut derivation, &inbox).is_some() {}
        assert_eq!(all(&derivation), expected(&played, &inbox));
    }
}

#[tokio::test]
async fn nothing_is_ahead_when_all_starts_over() {
    let mut played = Played::with(2).await;
    let inbox = played.inbox().await;
    let (mut derivation, store) = played.derivation();
    first(&mut derivation, &store, &inbox);
    derivation.start_over().unwrap();
    assert_eq!(derivation.steps_ahead(), 0);
    while next(&mut derivation, &inbox).is_some() {}
    assert_eq!(all(&derivation), expected(&played, &inbox));
}
