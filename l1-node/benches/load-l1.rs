//! 10,000 transactions a minute for ten minutes against `l1-node`, as a process of its own, whose memory is watched:
//! `cargo xtask bench load-l1 [--minutes N] [--rate N] [--recipients N] [--block-history N]`. Fails when a transaction is refused or lost.

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
    reason = "a measurement may fail loudly"
)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy::{
    network::TxSignerSync as _,
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
};
use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, TxKind, U256, hex};
use clap::Parser;
use recourse_l1_node::DEV_MNEMONIC;
use serde_json::{Value, json};

/// Chain id of the node.
const CHAIN: u64 = 31_337;
/// Senders that take turns.
const SENDERS: usize = 10;

#[derive(Parser)]
struct Args {
    /// For how long.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Transactions a minute.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Accounts that are paid in turns; without, each transaction pays a new one, so that the state grows with them.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    recipients: Option<u64>,
    /// As l1-node has it: blocks that are kept in memory, and their states.
    #[arg(long)]
    block_history: Option<u64>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The node, which dies with this.
struct Node {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    fn start(block_history: Option<u64>) -> Self {
        let keeps = block_history.map(|blocks| format!("--block-history={blocks}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_l1-node"))
            .args(["--port", "0", "--block-time", "1", "--quiet"])
            .args(keeps)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Self { child, url: format!("http://{address}"), client: reqwest::Client::new() }
    }

    async fn ask(&self, request: &Value) -> Value {
        self.client.post(&self.url).json(request).send().await.unwrap().json().await.unwrap()
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.ask(&request).await["result"].clone()
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
        kib / 1024.0
    }
}

fn signed(key: &PrivateKeySigner, nonce: u64, to: Address) -> String {
    let mut tx = TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = key.sign_transaction_sync(&mut tx).unwrap();
    hex::encode_prefixed(TxEnvelope::Eip1559(tx.into_signed(signature)).encoded_2718())
}

/// A batch of raw transactions.
fn batch(keys: &[PrivateKeySigner], recipients: u64, from: u64, count: u64) -> Value {
    let sent = (from..from + count).map(|index| {
        let key = &keys[index as usize % SENDERS];
        let paid = index % recipients;
        let to = Address::from_word(alloy_primitives::keccak256(paid.to_be_bytes()));
        let raw = signed(key, index / SENDERS as u64, to);
        json!({ "jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": [raw] })
    });
    sent.collect()
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let keys: Vec<PrivateKeySigner> = (0..SENDERS as u32)
        .map(|index| {
            let phrase = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
            phrase.index(index).unwrap().build().unwrap()
        })
        .collect();
    let node = Node::start(args.block_history);
    let recipients = args.recipients.unwrap_or(u64::MAX);
    let seconds = args.minutes * 60;
    let start = Instant::now();
    let mut sent = 0;
    let mut samples = vec![(0_u64, node.memory())];
    println!("second | sent | blocks | MiB | late");
    for second in 1..=seconds {
        let due = second * args.rate / 60;
        let answers = node.ask(&batch(&keys, recipients, sent, due - sent)).await;
        for answer in answers.as_array().unwrap() {
            assert!(answer["result"].is_string(), "refused: {answer}");
        }
        sent = due;
        let due = start + Duration::from_secs(second);
        let late = Instant::now().saturating_duration_since(due);
        tokio::time::sleep_until(due.into()).await;
        if second % 10 == 0 {
            let blocks = node.call("eth_blockNumber", json!([])).await;
            samples.push((sent, node.memory()));
            let (_, memory) = samples[samples.len() - 1];
            println!("{second} | {sent} | {blocks} | {memory:.1} | {:.1} s", late.as_secs_f64());
        }
    }
    node.call("evm_mine", json!([])).await;
    for (index, key) in keys.iter().enumerate() {
        let count = node.call("eth_getTransactionCount", json!([key.address(), "latest"])).await;
        let expected = (sent - index as u64).div_ceil(SENDERS as u64);
        assert_eq!(count, json!(format!("{expected:#x}")), "mined transactions of sender {index}");
    }
    let half = samples[samples.len() / 2];
    let last = samples[samples.len() - 1];
    let each = |from: (u64, f64), to: (u64, f64)| (to.1 - from.1) * 1024.0 / (to.0 - from.0) as f64;
    println!("{sent} transactions mined, none lost");
    println!("first half: {:.2} KiB a transaction kept", each(samples[0], half));
    println!("second half: {:.2} KiB a transaction kept", each(half, last));
}
