//! Stores that let a test say when a batch is written, and when a blob comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_execution::parallel::Workers;
use recourse_node::store::{Entries, Limit, MemoryStore, Store, StoreError, Table, Write};
use tokio_util::sync::CancellationToken;

macro_rules! within {
    () => {
        fn within(
            &self,
            table: Table,
            prefix: &[u8],
            from: &[u8],
            limit: Limit,
        ) -> Result<Entries, StoreError> {
            self.store.within(table, prefix, from, limit)
        }
    };
}

/// A store that writes when so much gas was run, and fails when it is told to.
#[derive(Debug)]
pub(super) struct Slow {
    pub(super) store: MemoryStore,
    pub(super) workers: Arc<Workers>,
    pub(super) waits_for: AtomicU64,
    pub(super) fails: AtomicBool,
    /// Is done by the next write.
    pub(super) then: Mutex<Option<Then>>,
}

#[derive(Debug)]
pub(super) struct Then {
    /// Not before somebody waits there.
    pub(super) archive: Arc<Gated>,
    pub(super) stop: Option<CancellationToken>,
    pub(super) opens: mpsc::Sender<()>,
}

impl Store for Slow {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(table, key)
    }

    within!();

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        wait(|| self.workers.gas_run() >= self.waits_for.load(Relaxed));
        if self.fails.swap(false, Relaxed) {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Database(full.into()));
        }
        self.store.apply(writes)?;
        if let Some(Then { archive, stop, opens }) = self.then.lock().take() {
            wait(|| archive.gate.lock().is_none());
            let Some(stop) = stop else {
                std::thread::spawn(move || {
                    // The derivation does not tell when it knows that this is done.
                    std::thread::sleep(Duration::from_secs(2));
                    let _ = opens.send(());
                });
                return Ok(());
            };
            stop.cancel();
            let _ = opens.send(());
            // All could be run meanwhile, if that did not end it.
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(())
    }
}

/// For what threads do that run ahead.
fn wait(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is run ahead");
        std::thread::yield_now();
    }
}

/// An archive that gives one blob later.
#[derive(Debug, Default)]
pub(super) struct Gated {
    pub(super) store: MemoryStore,
    pub(super) gate: Mutex<Option<(B256, mpsc::Receiver<()>)>>,
}

impl Store for Gated {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let gate = self.gate.lock().take_if(|(blob, _)| table == Table::Blobs && blob == key);
        if let Some((_, opened)) = gate {
            opened.recv_timeout(Duration::from_secs(60)).expect("nobody opens it");
        }
        self.store.get(table, key)
    }

    within!();

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.store.apply(writes)
    }
}
