//! What EXECUTE's L1 gas stands for: how long its parts take, beside precompiles whose price
//! everybody knows, in the same run: `cargo xtask bench price`, for docs/execute-gas.md.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a measurement may fail loudly"
)]

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, Genesis, GenesisAccount, Recorded, Recorder, Schedule, State, Witness,
    block::{BlockBody, Opening},
    execute,
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit, Trace},
};

/// Accounts of the L2: its trie is five branches deep.
const ACCOUNTS: u64 = 100_000;
/// How often one transaction or credit is there.
const MANY: usize = 16;

fn main() {
    // `cargo test --benches` and clippy build it, and must not wait for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let scene = Scene::new();
    // What L1 charges for hashing a long string: 6 gas a word.
    let long = vec![7_u8; 1 << 20];
    let hash = time(&|| hold(keccak256(black_box(&long))));
    let hashing = hash / (6.0 * f64::from(1 << 15));
    let recovery = scene.recovery() / 3_000.0;
    println!("ns per L1 gas: {hashing:.2} by KECCAK256 of 1 MiB, {recovery:.2} by ECRECOVER");
    println!(
        "{:<44} {:>10} {:>10} {:>10} {:>8}",
        "part", "ns", "by keccak", "by ecrec.", "charged"
    );
    for (part, ns, charged) in scene.parts() {
        let gas = (ns / hashing, ns / recovery);
        println!("{part:<44} {ns:>10.1} {:>10.2} {:>10.2} {charged:>8}", gas.0, gas.1);
    }
}

struct Scene {
    schedule: Schedule,
    state: State,
    block: BlockContext,
    raw: Bytes,
    signer: PrivateKeySigner,
}

impl Scene {
    fn new() -> Self {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
        let rich = GenesisAccount { balance: U256::from(10_u64.pow(18)), ..Default::default() };
        let mut alloc: BTreeMap<_, _> =
            (0..ACCOUNTS).map(|index| (filler(index), rich.clone())).collect();
        alloc.insert(signer.address(), rich);
        let block = BlockContext {
            chainId: 77,
            number: 1,
            timestamp: 1_800_000_000,
            gasLimit: 1 << 28,
            baseFee: U256::from(1_000_000_000),
            prevRandao: B256::ZERO,
            coinbase: filler(1),
        };
        // A nonce that the sender does not have: invalid, so 0 gas, after its signature and its sender were looked at.
        let tx = TxEip1559 {
            chain_id: 77,
            nonce: 9,
            gas_limit: 50_000,
            max_fee_per_gas: 2_000_000_000,
            to: TxKind::Call(filler(2)),
            ..Default::default()
        };
        let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into();
        let state = Genesis { alloc }.build().unwrap();
        Self { schedule: Schedule::osaka(), state, block, raw, signer }
    }

    /// Nanoseconds of one signature recovery.
    fn recovery(&self) -> f64 {
        let hash = B256::repeat_byte(3);
        let signature = self.signer.sign_hash_sync(&hash).unwrap();
        time(&|| hold(signature.recover_address_from_prehash(black_box(&hash)).unwrap()))
    }

    /// Each part, its nanoseconds, and the gas that is charged for it.
    fn parts(&self) -> Vec<(&'static str, f64, u64)> {
        let empty = self.record(&BlockBody { credits: Some(Vec::new()), ..Default::default() });
        let base = self.time(&empty, &empty.trace);
        let opening = Opening { parent_hash: B256::repeat_byte(1), anchor: B256::repeat_byte(2) };
        let opens = self.record(&BlockBody { opening: Some(opening), ..Default::default() });
        let invalid = self.record(&BlockBody {
            transactions: vec![self.raw.clone(); MANY],
            ..Default::default()
        });
        let credits =
            (0..MANY as u64).map(|index| Credit { to: filler(100 + index), amountGwei: 1 });
        let credited =
            self.record(&BlockBody { credits: Some(credits.collect()), ..Default::default() });
        let each = |recorded: &Recorded| {
            let bytes = recorded.trace.abi_encoded_size() - empty.trace.abi_encoded_size();
            println!("# {bytes} bytes more of trace, {} nodes", recorded.witness.nodes.len());
            (self.time(recorded, &recorded.trace) - base) / MANY as f64
        };
        vec![
            ("a call that does nothing, and its thread", base + thread(), 30_000),
            ("a byte of witness, in nodes of 532 bytes", self.bytes(&empty, base, 532), 1),
            ("a byte of witness, in items of 32 bytes", self.bytes(&empty, base, 32), 1),
            ("a transaction, invalid, its witness included", each(&invalid), 6_000),
            ("a credit, its witness included", each(&credited), 6_000),
            ("an opening, its witness included", self.time(&opens, &opens.trace) - base, 60_000),
        ]
    }

    /// Nanoseconds of one more byte of witness that proves nothing.
    fn bytes(&self, recorded: &Recorded, base: f64, size: usize) -> f64 {
        let total = 1 << 18;
        let node = |index: usize| {
            let mut node = vec![0x11; size];
            node.splice(..8, index.to_be_bytes());
            node.into()
        };
        let nodes = (0..total / size).map(node).collect();
        let witness = Witness { nodes, codes: Vec::new() }.encode();
        let more = witness.len() as f64;
        let trace = Trace { witness, ..recorded.trace.clone() };
        let claim = self.claim(recorded, &[]);
        let encoded = trace.abi_encode();
        // An empty piece reads no node, so that the useless ones do no harm.
        let claim = Claim { trace: &encoded, ..claim };
        (time(&|| assert!(execute(&claim, &self.schedule, &|_| None))) - base) / more
    }

    fn record(&self, body: &BlockBody) -> Recorded {
        let recorder = Recorder::new(&self.schedule, 1 << 20);
        recorder.piece(&self.state, &self.block, TxPosition::default(), body).unwrap()
    }

    fn claim<'a>(&self, recorded: &Recorded, trace: &'a [u8]) -> Claim<'a> {
        Claim {
            pre: self.state.root(),
            post: recorded.state_root,
            trace,
            gas_used: recorded.gas_used,
        }
    }

    fn time(&self, recorded: &Recorded, trace: &Trace) -> f64 {
        let encoded = trace.abi_encode();
        let claim = self.claim(recorded, &encoded);
        time(&|| assert!(execute(&claim, &self.schedule, &|_| None)))
    }
}

/// Keeps the compiler from leaving work out.
fn hold<T>(value: T) {
    let _ = black_box(value);
}

fn filler(index: u64) -> Address {
    Address::from_slice(keccak256(index.to_be_bytes()).split_at(20).0)
}

/// Nanoseconds of a thread with a large stack, as the precompile takes one for each call.
fn thread() -> f64 {
    time(&|| {
        let worker = std::thread::Builder::new().stack_size(32 << 20).spawn(|| ());
        worker.unwrap().join().unwrap();
    })
}

/// Nanoseconds of a run: the least of many rounds, which disturbances only lengthen.
fn time(run: &dyn Fn()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..20 {
        let (start, mut runs) = (Instant::now(), 0_u32);
        while start.elapsed() < Duration::from_millis(20) {
            run();
            runs += 1;
        }
        least = least.min(start.elapsed().as_nanos() as f64 / f64::from(runs));
    }
    least
}
