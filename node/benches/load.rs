//! The L2 state on disk: how long a restart takes, what lies on disk. `cargo xtask bench load [-- ACCOUNTS]`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench may fail loudly, and reports on stdout"
)]

use std::{path::Path, sync::Arc, time::Instant};

use alloy_primitives::{B256, U256, keccak256};
use recourse_execution::{AccountPatch, FlatAccount, FlatState, State};
use recourse_node::{
    derivation::DerivedBatch,
    states::StateStore,
    store::{SledStore, Store, Table},
};
use recourse_protocol::{BatchIndex, Checkpoint};

/// That of the daemons.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Transactions of a batch.
const TRANSACTIONS: u64 = 3000;
const BATCHES: u64 = 5;

fn account(seed: u64) -> (B256, FlatAccount) {
    let balance = U256::from(1_000_000_000_000_000_000_u64 + seed);
    (
        keccak256(seed.to_be_bytes()),
        FlatAccount { nonce: seed % 300, balance, ..FlatAccount::default() },
    )
}

fn state(accounts: u64) -> State {
    let mut list: Vec<_> = (0..accounts).map(account).collect();
    list.sort_by_key(|(key, _)| *key);
    let mut flat = FlatState::default();
    flat.accounts(&list).unwrap();
    flat.finish().unwrap()
}

/// Transfers between random accounts, and the fees of all of them to one.
fn transfers(accounts: u64, batch: u64) -> Vec<AccountPatch> {
    let dice = |at: u64| {
        let hash = keccak256([batch.to_be_bytes(), at.to_be_bytes()].concat());
        u64::from_be_bytes(hash[..8].try_into().unwrap()) % accounts
    };
    let mut touched: Vec<u64> = (0..2 * TRANSACTIONS).map(dice).chain([0]).collect();
    touched.sort_unstable();
    touched.dedup();
    let patch = |seed: u64| {
        let (key, account) = account(seed);
        let account = FlatAccount {
            nonce: account.nonce + batch,
            balance: account.balance + U256::from(batch),
            ..account
        };
        AccountPatch { key, account: Some(account), slots: Vec::new() }
    };
    let mut patches: Vec<_> = touched.into_iter().map(patch).collect();
    patches.sort_by_key(|patch| patch.key);
    patches
}

fn bytes_of(folder: &Path) -> u64 {
    let size = |entry: std::fs::DirEntry| match entry.metadata().unwrap() {
        meta if meta.is_dir() => bytes_of(&entry.path()),
        meta => meta.len(),
    };
    std::fs::read_dir(folder).unwrap().map(|entry| size(entry.unwrap())).sum()
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    timed_by(what, run).0
}

/// Also gives the seconds.
fn timed_by<T>(what: &str, run: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = run();
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:<40} {:>9.1} ms", 1e3 * seconds);
    (made, seconds)
}

fn main() {
    let accounts =
        std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000_u64);
    let folder = tempfile::tempdir().unwrap();
    let mut last = state(accounts);
    let genesis =
        Checkpoint { state_root: last.root(), batch: BatchIndex(1), ..Checkpoint::default() };
    {
        let raw = Arc::new(SledStore::open(folder.path()).unwrap());
        let store = StateStore::new(raw.clone());
        timed("all accounts written at once", || store.begin(&last).unwrap());
        let mut at = genesis;
        for batch in 1..=BATCHES {
            let next = last.patched(transfers(accounts, batch)).unwrap();
            let post = Checkpoint { state_root: next.root(), batch: BatchIndex(batch + 1), ..at };
            let derived = DerivedBatch {
                index: BatchIndex(batch),
                hash: B256::ZERO,
                pre: at,
                post,
                steps: TRANSACTIONS,
                inputs: B256::ZERO,
            };
            timed("a batch of 3,000 transfers appended", || {
                store.append(&derived, &[], &last, &next).unwrap()
            });
            (at, last) = (post, next);
        }
        let rows = raw.scan(Table::Changes, &[]).unwrap();
        let changes: usize = rows.iter().map(|(key, row)| key.len() + row.len()).sum();
        println!(
            "{:.0} bytes of changes a transfer",
            changes as f64 / (BATCHES * TRANSACTIONS) as f64
        );
    }
    println!("{} bytes on disk an account", bytes_of(folder.path()) / accounts);
    let (raw, opening) =
        timed_by("the database opened", || Arc::new(SledStore::open(folder.path()).unwrap()));
    let store = StateStore::new(raw);
    let (stored, loading) =
        timed_by("all loaded, root verified", || store.load(&genesis).unwrap().unwrap());
    assert_eq!(stored.state.root(), last.root());
    let expected = genesis.state_root;
    let tip = (BatchIndex(BATCHES), &stored.state);
    timed("back over 5 batches", || store.back(tip, BatchIndex(0), expected).unwrap());
    println!("{accounts} accounts, {} threads", rayon::current_num_threads());
    println!("load_seconds {:.2}", opening + loading);
}
