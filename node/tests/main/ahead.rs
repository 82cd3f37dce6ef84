//! While a batch is written, the next one is run. What comes of that counts only for what it was run of.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use alloy::sol_types::SolEvent;
use alloy_primitives::B256;
use recourse_execution::parallel::Workers;
use recourse_node::{
    Severity,
    blobs::versioned_hash,
    derivation::{Derivation, DerivationError, DerivedBatch, DerivedBlock},
    inbox::InboxSnapshot,
    mirror::L1Mirror,
    store::{Entries, Limit, MemoryStore, Store, StoreError, Table, Write},
};
use recourse_protocol::{BatchIndex, Payload, RollupConfig, TapeWriter, bindings::IInbox};
use tokio_util::sync::CancellationToken;

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
    store: Arc<dyn Store>,
    mirror: L1Mirror,
}

impl Played {
    async fn start() -> Self {
        let (rollup, store) = (rollup(), Arc::new(MemoryStore::default()) as Arc<dyn Store>);
        let (l1, mut events) = (FakeL1::start().await, Events::default());
        {
            let mut chain = l1.chain();
            chain.rollup = rollup.clone();
            let view = events.view(&chain);
            chain.mine(vec![view]);
        }
        let config = Arc::new(rollup.clone());
        let mirror = L1Mirror::open(l1.client(), config, store.clone(), 100).unwrap();
        Self { rollup, l1, events, store, mirror }
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

    /// A derivation with a store of its own.
    fn derivation(&self, workers: &Arc<Workers>) -> Derivation {
        self.derivation_on(Arc::new(MemoryStore::default()), workers)
    }

    fn derivation_on(&self, store: Arc<dyn Store>, workers: &Arc<Workers>) -> Derivation {
        Derivation::open(&self.rollup, store, true, workers.clone()).unwrap()
    }
}

fn transfers(nonce: u64) -> Vec<Vec<u8>> {
    (0..4).map(|from| transfer(from, nonce)).collect()
}

fn next(derivation: &mut Derivation, inbox: &InboxSnapshot) -> Option<DerivedBatch> {
    derivation.derive_next(inbox, &CancellationToken::new()).unwrap()
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
    let mut derivation = played.derivation(&Arc::new(Workers::new(1)));
    while next(&mut derivation, inbox).is_some() {
        assert!(!derivation.is_ahead(), "there is nobody beside it");
    }
    all(&derivation)
}

#[tokio::test]
async fn each_batch_is_run_once_while_the_one_before_is_written() {
    let mut played = Played::with(4).await;
    let inbox = played.inbox().await;
    let workers = Arc::new(Workers::new(2));
    let mut derivation = played.derivation(&workers);
    let mut ahead = Vec::new();
    while next(&mut derivation, &inbox).is_some() {
        ahead.push(derivation.is_ahead());
    }
    assert_eq!(ahead, [true, true, true, false]);
    let derived = all(&derivation);
    assert_eq!(derived, expected(&played, &inbox));
    let gas = derived.iter().flat_map(|(_, blocks)| blocks).map(|block| block.header.gas_used);
    assert_eq!(workers.gas_run(), gas.sum::<u64>(), "none was run twice");
    let end = derivation.chain().recall(BatchIndex(4)).unwrap();
    assert_eq!(end.root(), derived[3].0.post.state_root);
}

#[tokio::test]
async fn what_l1_took_back_does_not_count() {
    let mut played = Played::with(1).await;
    let events = played.events.clone();
    played.append(&transfers(1));
    let (workers, inbox) = (Arc::new(Workers::new(2)), played.inbox().await);
    let mut derivation = played.derivation(&workers);
    next(&mut derivation, &inbox).unwrap();
    assert!(derivation.is_ahead());

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

/// A batch names by its hash what comes before it, and how many views it has, but not what they say.
#[tokio::test]
async fn a_batch_under_other_views_is_run_again() {
    let mut played = Played::with(1).await;
    let logs = played.append(&transfers(1));
    let inbox = played.inbox().await;
    let mut derivation = played.derivation(&Arc::new(Workers::new(2)));
    next(&mut derivation, &inbox).unwrap();
    assert!(derivation.is_ahead());

    let mut view = IInbox::ViewRecorded::decode_log_data(&logs[0].data).unwrap();
    view.data.prevRandao = B256::repeat_byte(7);
    let view = FakeLog { data: view.encode_log_data(), ..logs[0].clone() };
    {
        let mut chain = played.l1.chain();
        chain.drop_blocks(1);
        chain.mine(vec![view, logs[1].clone()]);
    }
    let other = played.inbox().await;
    let hash = |inbox: &InboxSnapshot| inbox.batch_at(BatchIndex(2)).unwrap().hash;
    assert_eq!(hash(&inbox), hash(&other));
    next(&mut derivation, &other).unwrap();
    assert_eq!(all(&derivation), expected(&played, &other));
    assert_ne!(all(&derivation), expected(&played, &inbox));
}

/// A store on which a write fails when it is told to.
#[derive(Debug, Default)]
struct Failing {
    store: MemoryStore,
    fails: AtomicBool,
}

impl Store for Failing {
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
        self.store.within(table, prefix, from, limit)
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if self.fails.swap(false, Ordering::Relaxed) {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Database(full.into()));
        }
        self.store.apply(writes)
    }
}

#[tokio::test]
async fn nothing_follows_a_batch_that_could_not_be_written() {
    let mut played = Played::with(3).await;
    let inbox = played.inbox().await;
    let store = Arc::new(Failing::default());
    let mut derivation = played.derivation_on(store.clone(), &Arc::new(Workers::new(2)));
    next(&mut derivation, &inbox).unwrap();
    store.fails.store(true, Ordering::Relaxed);
    let error = derivation.derive_next(&inbox, &CancellationToken::new()).unwrap_err();
    assert!(matches!(error, DerivationError::States(_)), "{error:?}");
    assert_eq!(derivation.chain().tip(), BatchIndex(1));
    assert!(!derivation.is_ahead(), "the third batch follows the second");
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
    let mut derivation = played.derivation(&Arc::new(Workers::new(2)));
    next(&mut derivation, &inbox).unwrap();
    assert!(!derivation.is_ahead());
    let error = derivation.derive_next(&inbox, &CancellationToken::new()).unwrap_err();
    assert_eq!(error.severity(), Severity::Temporary, "{error}");
    archive(&played.store, &[(hash, blob)]);
    next(&mut derivation, &inbox).unwrap();
    assert_eq!(all(&derivation), expected(&played, &inbox));
}

#[tokio::test]
async fn nothing_is_run_ahead_when_it_is_to_end_or_to_start_over() {
    let mut played = Played::with(2).await;
    let inbox = played.inbox().await;
    let mut derivation = played.derivation(&Arc::new(Workers::new(2)));
    next(&mut derivation, &inbox).unwrap();
    assert!(derivation.is_ahead());
    derivation.start_over().unwrap();
    assert!(!derivation.is_ahead());
    let stop = CancellationToken::new();
    stop.cancel();
    let error = derivation.derive_next(&inbox, &stop).unwrap_err();
    assert!(matches!(error, DerivationError::Cancelled), "{error:?}");
    while next(&mut derivation, &inbox).is_some() {}
    assert_eq!(all(&derivation), expected(&played, &inbox));
}
