//! Makes the known claims and the seeds that the fuzzers start from.

use std::{fs, path::Path};

use alloy::{consensus::TxEnvelope, eips::eip2718::Decodable2718};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Recorded, Recorder, Witness,
    block::{BlockBody, Opening},
    payload::{ChainKind, ProtocolFork},
};
use recourse_protocol::{TxPosition, bindings::Credit, bindings::Trace};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    fuzz_targets::targets::{
        claims::Known,
        stateless,
        world::{SCHEDULE, SENDERS, STATE, STORER, block, neighbour},
    },
    l2_block::Scene,
    scene::{MAX_WITNESS, call, create, delegation, sign, transfer, writes},
};

/// Writes all of them into the fuzz folder.
pub fn write(folder: &Path) {
    let claims = claims();
    for (name, claim) in &claims {
        fs::write(folder.join("claims").join(name), claim.write()).unwrap();
    }
    let stateless = stateless_input();
    fs::write(folder.join("claims/stateless.ssz"), &stateless).unwrap();
    let seeds = [
        traces(&claims),
        witnesses(&claims),
        tries(),
        tapes(),
        payloads(),
        executions(&claims),
        stateless_inputs(&stateless),
    ];
    for (target, name, bytes) in seeds.into_iter().flatten() {
        let folder = folder.join("corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
}

type Seed = (&'static str, String, Vec<u8>);

fn claims() -> Vec<(&'static str, Known)> {
    let opening = Opening { parent_hash: B256::repeat_byte(0xaa), anchor: B256::repeat_byte(0xbb) };
    let only = |transactions| BlockBody { transactions, ..BlockBody::default() };
    let runtime =
        Code::new().store(1, 5).ops(&[op::PUSH0, op::BLOCKHASH, op::PUSH1, 2, op::SSTORE]);
    let creation = sign(0, create(0, runtime.deployer().build()));
    let gone = Code::new().store(1, 5).address(neighbour(3)).op(op::SELFDESTRUCT).build();
    let churn = sign(1, call(0, STORER, writes(&[(1, 0), (2, 0), (300, 5), (4, 9)])));
    let contract = SENDERS[0].create(0);
    let all = BlockBody {
        opening: Some(opening),
        transactions: vec![
            creation.clone(),
            churn.clone(),
            Bytes::from_static(b"garbage"),
            sign(0, call(1, contract, Bytes::new())),
            sign(2, delegation(0, 3, 0, STORER)),
        ],
        credits: Some(vec![
            Credit { to: SENDERS[1], amountGwei: 3 },
            Credit { to: Address::repeat_byte(0x77), amountGwei: 4 },
        ]),
    };
    let opens = BlockBody { opening: Some(opening), ..BlockBody::default() };
    let nothing = vec![Bytes::from_static(b"garbage"), sign(0, transfer(9, STORER, 1))];
    [
        ("block", all),
        ("creation", only(vec![creation])),
        ("delegation", only(vec![sign(0, delegation(0, 1, 0, STORER))])),
        ("destruction", only(vec![sign(0, create(0, gone))])),
        ("nothing", only(nothing)),
        ("opening", opens),
        ("storage", only(vec![churn])),
        ("transfer", only(vec![sign(0, transfer(0, neighbour(1), 5))])),
    ]
    .map(|(name, body)| (name, known(&body)))
    .into()
}

fn known(body: &BlockBody) -> Known {
    let recorder = Recorder::new(&SCHEDULE, MAX_WITNESS);
    let recorded = recorder.piece(&STATE, &block(), TxPosition::default(), body).unwrap();
    let Recorded { state_root: post, gas_used, witness, trace, .. } = recorded;
    let trace = Trace { witness: Bytes::new(), ..trace };
    Known { pre: STATE.root(), post, gas_used, trace, witness }
}

/// Traces without their witnesses, which a decoder of traces does not look into.
fn traces(claims: &[(&'static str, Known)]) -> Vec<Seed> {
    let small = |(name, claim): &(&str, Known)| {
        let pointers = vec![SENDERS[0], SENDERS[1]];
        let witness = Bytes::from_static(&[0xc2, 0xc0, 0xc0]);
        let trace = Trace { witness, pointers, ..claim.trace.clone() };
        ("trace", (*name).to_owned(), trace.abi_encode())
    };
    claims
        .iter()
        .filter(|(name, _)| ["block", "nothing", "transfer"].contains(name))
        .map(small)
        .collect()
}

/// A whole witness, and single nodes.
fn witnesses(claims: &[(&'static str, Known)]) -> Vec<Seed> {
    let witness = &claims.iter().find(|(name, _)| *name == "storage").unwrap().1.witness;
    let few = Witness { nodes: witness.nodes[1..3].to_vec(), codes: witness.codes.clone() };
    let node = |(index, node): (usize, &Bytes)| ("witness", format!("node-{index}"), node.to_vec());
    let mut seeds: Vec<_> = witness.nodes.iter().enumerate().skip(1).step_by(3).map(node).collect();
    seeds.push(("witness", "whole".to_owned(), few.encode().to_vec()));
    seeds
}

/// Few keys with many changes, then nodes left out.
fn tries() -> Vec<Seed> {
    let changes = |count: u8, step: u8| {
        let pair = move |index: u8| [index.wrapping_mul(step), index.wrapping_mul(71)];
        [vec![count], (0..count).flat_map(pair).collect()].concat()
    };
    let seed = |name: &str, base: Vec<u8>, updates: Vec<u8>, hidden: &[u8]| {
        ("trie", name.to_owned(), [&base[..], &updates, hidden].concat())
    };
    vec![
        seed("whole", changes(40, 7), changes(40, 7), &[]),
        seed("one-hidden", changes(30, 17), changes(20, 5), &[0, 3]),
        seed("many-hidden", changes(47, 33), changes(9, 66), &[0, 1, 0, 2, 0, 3, 0, 5]),
    ]
}

/// What the batch owes, bytes a blob, then items.
fn tapes() -> Vec<Seed> {
    let open =
        |second: u64| [&[1][..], &(1_000 + second).to_be_bytes(), &1_u32.to_be_bytes()].concat();
    let tx = |first: u8| vec![2, 0, 0, 3, first, 1, 2];
    let block = [open(5), tx(3), tx(0), tx(255), open(9), tx(1), vec![0]].concat();
    let seed = |name: &str, head: [u8; 7], tape: &[u8]| {
        ("tape", name.to_owned(), [&head[..], tape].concat())
    };
    let length = block.len() as u8;
    vec![
        seed("one-blob", [1, 1, 3, 20, 100, 0, length], &block),
        seed("two-blobs", [2, 0, 0, 39, 100, 0, length], &[&block[..], &block].concat()),
        seed("no-blob", [0, 1, 39, 39, 200, 0, 0], &[]),
        seed("cut", [1, 0, 0, 0, 50, 0, 40], &[2, 0, 0xff, 0xff, 9]),
    ]
}

fn payloads() -> Vec<Seed> {
    let counting: Vec<u8> = (0..200).collect();
    vec![
        ("payload", "counting".to_owned(), counting),
        ("payload", "ones".to_owned(), vec![0xff; 100]),
    ]
}

/// Each claim as it is, and each kind of change to each.
fn executions(claims: &[(&'static str, Known)]) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (index, (name, _)) in (0_u8..).zip(claims) {
        seeds.push(("execute", (*name).to_owned(), vec![0, index, 0, 0]));
        let two = [0, index, 2, 1, index, 1, 0, 2, index, 3, 0, 1, 4, 9, 0, 40, 4, 200, 3];
        seeds.push(("execute", format!("{name}-spoilt"), two.to_vec()));
    }
    for kind in 0..8_u8 {
        let ops = [0, kind, 3, 0, kind, 1, 2, 3, kind, 4, 5, 6, kind, 7, 8, 9, 0, 0];
        seeds.push(("execute", format!("kind-{kind}"), ops.to_vec()));
    }
    seeds
}

/// A valid block for 0x0102 on the same state.
fn stateless_input() -> Vec<u8> {
    let chain = (ChainKind::L2, block().chainId);
    let scene = Scene { chain, ..Scene::on(stateless::STATE.clone()) };
    let writing = call(0, STORER, writes(&[(1, 0), (2, 0), (300, 5)]));
    let transactions = [sign(0, transfer(0, neighbour(1), 5)), sign(1, writing)];
    let decoded = transactions.map(|raw| TxEnvelope::decode_2718_exact(&raw).unwrap());
    ProtocolFork::Osaka.encode_input(&scene.block(decoded.into()).input)
}

/// It as it is, its beginning, and each kind of change to it.
fn stateless_inputs(input: &[u8]) -> Vec<Seed> {
    let seed = |name: String, bytes: Vec<u8>| ("stateless", name, bytes);
    let whole = [&[0], &input[2..]].concat();
    let mut seeds = vec![
        seed("whole".to_owned(), whole),
        seed("spoilt-encoding".to_owned(), vec![1, 2, 0, 6, 2, 1, 0, 9, 99, 4, 7]),
    ];
    for kind in 0..8_u8 {
        let ops = vec![2, 1, 2, kind, 0, 1, 1, 3, 2, kind, 0, 2, 2, 5, 1];
        seeds.push(seed(format!("kind-{kind}"), ops));
    }
    seeds
}
