//! While a batch is written, who signed the next one's transactions is found out. Nothing comes of it but time.

use std::sync::Arc;

use alloy::{network::TxSignerSync, signers::local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256, keccak256};
use recourse_execution::parallel::Workers;
use recourse_node::{
    Severity,
    blobs::versioned_hash,
    derivation::{Derivation, DerivedBatch, DerivedBlock, genesis_state},
    inbox::InboxSnapshot,
    mirror::L1Mirror,
    store::{MemoryStore, Store, Table, Write},
};
use recourse_protocol::{GenesisAccount, Payload, RollupConfig, TapeWriter};
use tokio_util::sync::CancellationToken;

use crate::support::{Events, FakeL1, rollup_config};

fn signer(seed: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(seed.to_be_bytes())).unwrap()
}

pub(crate) fn transfer(from: u64, nonce: u64) -> Vec<u8> {
    let mut tx = TxEip1559 {
        chain_id: 777,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1,
        to: Address::with_last_byte(77).into(),
        value: U256::from(5),
        ..TxEip1559::default()
    };
    let signature = signer(from).sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

pub(crate) fn rollup() -> RollupConfig {
    let mut rollup = rollup_config();
    let rich = GenesisAccount { balance: U256::from(1) << 80, ..GenesisAccount::default() };
    rollup.genesis.alloc.extend((0..4).map(|seed| (signer(seed).address(), rich.clone())));
    rollup.genesis.checkpoint.state_root = genesis_state(&rollup.genesis.alloc).unwrap().root();
    rollup
}

/// Of each batch the transactions of its block, in two blobs.
fn batches() -> Vec<Vec<Vec<u8>>> {
    let first: Vec<_> = (0..4).map(|from| transfer(from, 0)).collect();
    let mut second: Vec<_> = (0..4).map(|from| transfer(from, 1)).collect();
    // Garbage, one that comes too early, what is too short to be looked at, and one of them twice.
    second.extend([vec![2; 64], transfer(0, 9), vec![2; 63], transfer(1, 1)]);
    let third = (0..4).map(|from| transfer(from, 2)).collect();
    vec![first, second, third]
}

/// An L1 with these batches. Gives the blobs of each, and the Inbox over a store that has none of them.
async fn played(
    rollup: &RollupConfig,
    store: &Arc<dyn Store>,
) -> (Vec<Vec<(B256, Vec<u8>)>>, InboxSnapshot) {
    let l1 = FakeL1::start().await;
    let (mut events, mut all) = (Events::default(), Vec::new());
    {
        let mut chain = l1.chain();
        chain.rollup = rollup.clone();
        let view = events.view(&chain);
        chain.mine(vec![view]);
        for transactions in batches() {
            let mut blobs = Vec::new();
            for (index, some) in transactions.chunks(3).enumerate() {
                let mut tape = TapeWriter::default();
                if index == 0 {
                    tape.open(chain.next_timestamp(), 1).unwrap();
                }
                some.iter().for_each(|raw| tape.tx(raw).unwrap());
                let blob = Payload::new(&tape.into_bytes()).unwrap().to_blob();
                blobs.push((versioned_hash(&blob).unwrap(), blob.to_vec()));
            }
            let logs = events.batch(&chain, blobs.iter().map(|(hash, _)| *hash).collect(), 0);
            chain.mine(logs);
            all.push(blobs);
        }
    }
    let config = Arc::new(rollup.clone());
    let mut mirror = L1Mirror::open(l1.client(), config, store.clone(), 100).unwrap();
    (all, mirror.sync().await.unwrap().inbox)
}

pub(crate) fn archive(store: &Arc<dyn Store>, blobs: &[(B256, Vec<u8>)]) {
    let row =
        |(hash, blob): &(B256, Vec<u8>)| Write::Put(Table::Blobs, hash.to_vec(), blob.clone());
    store.apply(blobs.iter().map(row).collect()).unwrap();
}

/// Derives what there is. Gives each batch with its blocks, and how many transactions were foreseen when it was done.
async fn derived(threads: usize) -> Vec<(DerivedBatch, Vec<Arc<DerivedBlock>>, usize)> {
    let (rollup, store) = (rollup(), Arc::new(MemoryStore::default()) as Arc<dyn Store>);
    let (blobs, inbox) = played(&rollup, &store).await;
    archive(&store, &blobs[0]);
    archive(&store, &blobs[1]);
    archive(&store, &blobs[2][..1]);
    let workers = Arc::new(Workers::new(threads));
    let mut derivation = Derivation::open(&rollup, store.clone(), true, workers).unwrap();
    let (token, mut all) = (CancellationToken::new(), Vec::new());
    loop {
        match derivation.derive_next(&inbox, &token) {
            Ok(Some(batch)) => {
                let blocks = derivation.chain().blocks_of(batch.index).unwrap().unwrap();
                all.push((batch, blocks, derivation.foreseen()));
            }
            Ok(None) => return all,
            Err(error) => {
                assert_eq!((all.len(), error.severity()), (2, Severity::Temporary), "{error}");
                archive(&store, &blobs[2]);
            }
        }
    }
}

#[tokio::test]
async fn the_next_batchs_signers_are_found_while_this_one_is_written() {
    let (one, two) = (derived(1).await, derived(2).await);
    let foreseen = |all: &[(_, _, usize)]| all.iter().map(|(.., count)| *count).collect::<Vec<_>>();
    assert_eq!(foreseen(&one), [0, 0, 0], "one thread has nobody beside it");
    // Of the second batch all but what is too short, one of two alike; of the third what lies in the blob that is there.
    assert_eq!(foreseen(&two), [6, 3, 0]);
    let blocks: Vec<_> = two.iter().map(|(_, blocks, _)| blocks.len()).collect();
    assert_eq!(blocks, [1, 1, 1]);
    for ((batch, blocks, _), (other, others, _)) in one.iter().zip(&two) {
        assert_eq!(batch, other);
        assert_eq!(blocks, others);
        assert_eq!(blocks[0].transactions.len(), 4, "four of them are valid");
    }
}
