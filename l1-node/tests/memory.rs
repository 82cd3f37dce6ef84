//! A node that forgets does not grow. By bytes that are allocated, not by what the process has: an allocator gives little back. In a
//! process of its own, so that nothing else is counted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_wrap,
    missing_docs,
    reason = "a test may fail loudly"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
};

use alloy::{network::TxSignerSync as _, signers::local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use recourse_l1_node::{Config, Mining, spawn};
use serde_json::{Value, json};

/// Bytes that are allocated now.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

#[allow(unsafe_code, reason = "an allocator is; it passes everything on to the system's")]
// SAFETY: what the system's allocator guarantees.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Transactions of a block.
const EACH: u64 = 20;
/// Blocks until whatever has a size of its own has it.
const FIRST: u64 = 400;
/// Blocks whose growth counts.
const THEN: u64 = 300;

/// A payment to one of a hundred.
fn payment(key: &PrivateKeySigner, chain_id: u64, nonce: u64) -> Bytes {
    let to = Address::left_padding_from(&(0xabc0_0000 + nonce % 100).to_be_bytes());
    let mut tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = key.sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::Eip1559(tx.into_signed(signature)).encoded_2718().into()
}

/// How many MiB a node grows by in `THEN` blocks, once it had `FIRST`.
async fn growth(block_history: Option<usize>) -> f64 {
    let config =
        Config { mining: Mining::Manual, block_history, state_history: 16, ..Config::default() };
    let node = spawn(config).await.unwrap();
    let (client, key) = (reqwest::Client::new(), node.accounts()[0].signer().clone());
    let call = |id: u64, method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let mut before = 0;
    for block in 0..FIRST + THEN {
        if block == FIRST {
            before = LIVE.load(Relaxed);
        }
        let mut batch: Vec<_> = (block * EACH..(block + 1) * EACH)
            .map(|nonce| payment(&key, node.chain_id(), nonce))
            .map(|raw| call(1, "eth_sendRawTransaction", json!([raw])))
            .collect();
        batch.push(call(2, "evm_mine", json!([])));
        let sent = client.post(node.url()).json(&batch).send().await.unwrap();
        let answers: Vec<Value> = sent.json().await.unwrap();
        assert!(answers.iter().all(|answer| answer.get("result").is_some()), "{answers:?}");
    }
    let grown = LIVE.load(Relaxed) - before;
    let number = call(3, "eth_getBlockByNumber", json!(["latest", false]));
    let head: Value =
        client.post(node.url()).json(&number).send().await.unwrap().json().await.unwrap();
    assert_eq!(head["result"]["number"], json!(format!("{:#x}", FIRST + THEN)));
    assert_eq!(head["result"]["transactions"].as_array().unwrap().len() as u64, EACH);
    node.shutdown().await;
    grown as f64 / f64::from(1 << 20)
}

#[tokio::test]
async fn a_node_that_forgets_does_not_grow() {
    let kept = growth(None).await;
    let forgotten = growth(Some(256)).await;
    println!(
        "{THEN} blocks of {EACH} transactions: {kept:.2} MiB where all are kept, {forgotten:.2} where 256 are"
    );
    assert!(kept > 4.0, "what is kept takes memory: {kept:.2} MiB");
    // System contracts remember some thousand blocks; a table doubles once.
    assert!(forgotten < 1.0, "{forgotten:.2} MiB");
}
