//! Derivation, from blobs to disk: `cargo xtask bench pipeline`.
//!
//! Arguments: batches (5), accounts beside the senders (100,000), senders (1,000). Each batch has six blobs full of transfers
//! in one block. The code is that of the nodes: L1 events become an Inbox, blobs are read from the store, and each batch ends as
//! one durable write. Prints transactions and Mgas a second, and what parts of it take by themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench may fail loudly, and reports on stdout"
)]

#[allow(dead_code, reason = "shared with tests that use more of it")]
#[path = "../tests/main/support/mod.rs"]
mod support;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{network::TxSignerSync, signers::local::PrivateKeySigner};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, transaction::SignerRecoverable as _,
};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Address, U256, keccak256};
use rayon::prelude::*;
use recourse_execution::{State, parallel::Workers};
use recourse_node::{
    blobs::versioned_hash,
    derivation::{Derivation, genesis_state},
    inbox::InboxSnapshot,
    mirror::L1Mirror,
    states::StateStore,
    store::{MemoryStore, SledStore, Store, Table, Write},
};
use recourse_protocol::{
    BatchIndex, GenesisAccount, Inputs as _, Payload, RollupConfig, TapeWriter,
};
use tokio_util::sync::CancellationToken;

use support::{Events, FakeL1};

/// That of the daemons.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BLOBS: u64 = 6;
/// Transfers that fit a blob: 126,976 bytes, up to 118 each with their heads.
const TRANSFERS: u64 = 1070;

fn signer(seed: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(seed.to_be_bytes())).unwrap()
}

/// Transfers by all senders in turn, to addresses that are there, or new ones.
fn transfers(signers: &[PrivateKeySigner], accounts: u64, first: u64, count: u64) -> Vec<Vec<u8>> {
    let one = |at: u64| {
        let at = first + at;
        let dice = u64::from_be_bytes(keccak256(at.to_be_bytes())[..8].try_into().unwrap());
        let mut tx = TxEip1559 {
            chain_id: 777,
            nonce: at / signers.len() as u64,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000_000,
            max_priority_fee_per_gas: 1,
            to: rich(dice % (accounts + accounts / 10)).into(),
            value: U256::from(dice % 1_000_000),
            ..TxEip1559::default()
        };
        let signer = &signers[(at % signers.len() as u64) as usize];
        let signature = signer.sign_transaction_sync(&mut tx).unwrap();
        tx.into_signed(signature).encoded_2718()
    };
    (0..count).into_par_iter().map(one).collect()
}

fn rich(seed: u64) -> Address {
    Address::from_word(keccak256([seed.to_be_bytes(), [7; 8]].concat()))
}

/// The deployment, with these accounts in its genesis.
fn rollup(signers: &[PrivateKeySigner], accounts: u64) -> RollupConfig {
    let mut rollup = support::rollup_config();
    let entry = |balance: u64| GenesisAccount {
        balance: U256::from(balance) << 64,
        ..GenesisAccount::default()
    };
    rollup.genesis.alloc.extend((0..accounts).map(|seed| (rich(seed), entry(seed + 1))));
    rollup.genesis.alloc.extend(signers.iter().map(|signer| (signer.address(), entry(1 << 20))));
    rollup.genesis.checkpoint.state_root = genesis_state(&rollup.genesis.alloc).unwrap().root();
    rollup
}

/// An L1 with these batches; blobs lie in the store.
async fn played(
    rollup: &RollupConfig,
    store: &Arc<dyn Store>,
    batches: &[Vec<Vec<u8>>],
) -> InboxSnapshot {
    let l1 = FakeL1::start().await;
    let mut events = Events::default();
    {
        let mut chain = l1.chain();
        chain.rollup = rollup.clone();
        let view = events.view(&chain);
        chain.mine(vec![view]);
        for transactions in batches {
            let mut hashes = Vec::new();
            for (index, some) in transactions.chunks(TRANSFERS as usize).enumerate() {
                let mut tape = TapeWriter::default();
                if index == 0 {
                    tape.open(chain.next_timestamp(), 1).unwrap();
                }
                some.iter().for_each(|raw| tape.tx(raw).unwrap());
                let blob = Payload::new(&tape.into_bytes()).unwrap().to_blob();
                let hash = versioned_hash(&blob).unwrap();
                let row = Write::Put(Table::Blobs, hash.to_vec(), blob.to_vec());
                store.apply(vec![row]).unwrap();
                hashes.push(hash);
            }
            let logs = events.batch(&chain, hashes, 0);
            chain.mine(logs);
        }
    }
    let config = Arc::new(rollup.clone());
    let mut mirror = L1Mirror::open(l1.client(), config, store.clone(), 100).unwrap();
    mirror.sync().await.unwrap().inbox
}

/// Derives all, with the state kept in this store. Gives the derivation, and how long the batches took.
fn derive(
    rollup: &RollupConfig,
    inbox: &InboxSnapshot,
    store: Arc<dyn Store>,
) -> (Derivation, Duration) {
    let workers = Arc::new(Workers::new(rayon::current_num_threads()));
    let mut derivation = Derivation::open(rollup, store, true, workers).unwrap();
    let _ = derivation.chain().genesis_state().root();
    let (token, start) = (CancellationToken::new(), Instant::now());
    while derivation.derive_next(inbox, &token).unwrap().is_some() {}
    (derivation, start.elapsed())
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

/// Changes brought to the tries and hashed, batch by batch; what is written, to a store of its own.
fn roots_and_writes(derivation: &Derivation, store: Arc<dyn Store>) -> (Duration, Duration) {
    let (chain, states) = (derivation.chain(), StateStore::new(store));
    let state = |index: u64| -> State { chain.recall(BatchIndex(index)).unwrap() };
    states.begin(chain.genesis_state()).unwrap();
    let (mut roots, mut writes) = (Duration::ZERO, Duration::ZERO);
    for index in 1..=chain.tip().0 {
        let (before, after) = (state(index - 1), state(index));
        let patches = before.diff(&after).unwrap().forward();
        let root = after.root();
        roots += timed(|| assert_eq!(before.patched(patches).unwrap().root(), root));
        let batch = chain.batch(BatchIndex(index)).unwrap();
        let blocks = chain.blocks_of(BatchIndex(index)).unwrap().unwrap();
        writes += timed(|| states.append(batch, &blocks, &before, &after).unwrap());
    }
    (roots, writes)
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let batches = numbers.next().unwrap_or(5);
    let accounts = numbers.next().unwrap_or(100_000);
    let senders = numbers.next().unwrap_or(1000);
    let signers: Vec<_> = (0..senders).map(signer).collect();
    let rollup = rollup(&signers, accounts);
    let each = BLOBS * TRANSFERS;
    let transactions: Vec<_> =
        (0..batches).map(|batch| transfers(&signers, accounts, batch * each, each)).collect();
    let folder = tempfile::tempdir().unwrap();
    let sled: Arc<dyn Store> = Arc::new(SledStore::open(folder.path()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let inbox = runtime.block_on(played(&rollup, &sled, &transactions));

    let (derivation, total) = derive(&rollup, &inbox, sled);
    let chain = derivation.chain();
    let (mut count, mut gas) = (0_u64, 0_u64);
    for index in 1..=batches {
        for block in chain.blocks_of(BatchIndex(index)).unwrap().unwrap() {
            count += block.transactions.len() as u64;
            gas += block.header.gas_used;
        }
    }
    assert_eq!(count, batches * each, "all transfers are valid");
    let (_, memory) = derive(&rollup, &inbox, Arc::new(MemoryStore::default()));
    let blobs = timed(|| {
        for index in 1..=batches {
            for blob in 0..BLOBS {
                inbox.payload(BatchIndex(index), blob as u32).unwrap();
            }
        }
    });
    let recover = |raw: &Vec<u8>| {
        let tx = TxEnvelope::decode_2718(&mut raw.as_slice()).unwrap();
        tx.recover_signer().unwrap()
    };
    let recovery = timed(|| transactions.iter().flatten().map(recover).collect::<Vec<Address>>());
    let other = tempfile::tempdir().unwrap();
    let store = Arc::new(SledStore::open(other.path()).unwrap());
    let (roots, writes) = roots_and_writes(&derivation, store);

    println!(
        "{batches} batches of {each} transfers, {accounts} accounts, {senders} senders, {} threads",
        rayon::current_num_threads()
    );
    let line = |what: &str, time: Duration| {
        let share = 100.0 * time.as_secs_f64() / total.as_secs_f64();
        println!("{what:<52} {:>9.1} ms {share:>6.1} %", 1e3 * time.as_secs_f64());
    };
    line("all, from blobs to disk", total);
    line("all, but to memory instead of disk", memory);
    println!("by themselves:");
    line("blobs read and unpacked", blobs);
    line("transactions decoded, senders recovered, one thread", recovery);
    line("changes brought to the tries and hashed", roots);
    line("differences found, encoded, written, flushed", writes);
    println!("ratio pipeline_tx_per_s {:.0}", count as f64 / total.as_secs_f64());
    println!("pipeline_mgas_per_s {:.1}", gas as f64 / 1e6 / total.as_secs_f64());
}
