//! Steps that one L1 transaction can't carry: items of a whole blob, forced transactions as long as can be, witnesses as large
//! as the provability rule allows. A lie about any of them dies like every other.

use std::{collections::BTreeMap, sync::OnceLock};

use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolError};
use recourse_bisection::Action;
use recourse_execution::{Genesis, GenesisAccount};
use recourse_protocol::{
    MAX_INLINE_BYTES, Payload, TapeWriter,
    bindings::{IInbox, IRollup, StepProof},
};
use recourse_trace_builder::{L1Limits, ProvenStep, Stager, StepProver, staging::CHUNK_BYTES};

use crate::{
    arena::{Arena, WATCHTOWER, at},
    fraud::lie_from,
    l1::L1,
    l2::{self, Chain, L2, PERIODS, SINK, key, limits, sign, tx},
};

/// Asks for the length of the code of each address in its calldata, up to a word of zeros:
/// `PUSH0 | JUMPDEST DUP1 CALLDATALOAD DUP1 ISZERO PUSH1 18 JUMPI EXTCODESIZE POP PUSH1 32 ADD PUSH1 1 JUMP STOP | JUMPDEST
/// STOP`.
const READER: Address = Address::repeat_byte(0x52);
const READER_CODE: &[u8] = &hex!("5f5b803580156012573b50602001600156005b00");
/// Contracts to read; together they are nearly 2^20 bytes of witness.
const CONTRACTS: u64 = 42;
const CODE_BYTES: usize = 24_576;

/// The steps of the batch.
const FORCED_WITH_ALL: u64 = 1;
const FORCED_LONG: u64 = 2;
const LONG: u64 = 3;
const WITH_ALL: u64 = 4;
const WITH_FOUR: u64 = 5;
const LONG_WITH_ALL: u64 = 7;

fn contract(index: u64) -> Address {
    Address::from_slice(&keccak256(index.to_be_bytes())[12..])
}

pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let words = (0..length.div_ceil(32) as u64)
        .map(|i| keccak256([seed.to_be_bytes(), i.to_be_bytes()].concat()).0);
    let mut bytes = words.collect::<Vec<_>>().concat();
    bytes.truncate(length);
    bytes
}

/// A transaction of so many bytes that reads so many contracts.
fn reading(from: u8, nonce: u64, contracts: u64, bytes: usize) -> Bytes {
    reading_with(from, nonce, contracts, bytes, 10_000_000)
}

/// The same with so much gas.
pub fn reading_with(from: u8, nonce: u64, contracts: u64, bytes: usize, gas_limit: u64) -> Bytes {
    let words = (0..contracts).map(|index| contract(index).into_word().0);
    let calldata = [words.collect::<Vec<_>>().concat(), vec![0; 32]].concat();
    let with = |length: usize| {
        let mut input = calldata.clone();
        if length > input.len() {
            input.extend(noise(nonce, length - calldata.len()));
        }
        let mut tx = tx(nonce, READER.into(), 0, input.into());
        tx.gas_limit = gas_limit;
        sign(from, tx)
    };
    let mut raw = with(0);
    let mut length = bytes.saturating_sub(raw.len());
    while bytes > 0 && raw.len() != bytes {
        raw = with(length);
        length = length + bytes - raw.len();
    }
    raw
}

/// Two rich senders, the reader, and so many contracts to read.
pub fn genesis(contracts: u64) -> Genesis {
    let rich =
        GenesisAccount { balance: U256::from(10).pow(U256::from(20)), ..GenesisAccount::default() };
    let code = |code: Vec<u8>| GenesisAccount { nonce: 1, code: code.into(), ..Default::default() };
    let senders = (0..2).map(|index| (key(index).address(), rich.clone()));
    let contracts =
        (0..contracts).map(|index| (contract(index), code(noise(index + 1000, CODE_BYTES))));
    let alloc: BTreeMap<_, _> =
        senders.chain(contracts).chain([(READER, code(READER_CODE.to_vec()))]).collect();
    Genesis { alloc }
}

/// One batch of two blobs, after two forced transactions.
fn chain() -> (L1, Chain) {
    let state = genesis(CONTRACTS).build().unwrap();
    let mut l1 = L1::deploy(&state, &L2, PERIODS, limits(4095));
    let checkpoint = l2::genesis_checkpoint(&mut l1, &state);
    l1.mine(12);
    for raw in [reading(1, 0, CONTRACTS, 126_971), reading(1, 1, 0, 120_000)] {
        l1.call(l1.inbox, &IInbox::forceCall { rawTransaction: raw }, limits(4095).force_fee);
    }
    l1.mine(12);
    l1.call(l1.inbox, &IInbox::pokeCall {}, U256::ZERO);
    l1.mine(60);
    let mut first = TapeWriter::default();
    first.open(l1.now - 1, 1).unwrap();
    first.tx(&reading(0, 0, 0, 120_000)).unwrap();
    first.tx(&reading(0, 1, CONTRACTS, 0)).unwrap();
    first.tx(&reading(0, 2, 4, 0)).unwrap();
    let mut second = TapeWriter::default();
    second.tx(&reading(0, 3, CONTRACTS, 120_000)).unwrap();
    let blobs = [first, second].map(|tape| Payload::new(&tape.into_bytes()).unwrap().to_blob());
    l1.append(SINK, 0, &blobs);
    l1.mine(12);
    let chain = Chain::at(checkpoint, state).derive(&l1, 1);
    (l1, chain)
}

fn start() -> Arena {
    static START: OnceLock<Arena> = OnceLock::new();
    START.get_or_init(|| Arena::on(4095, chain())).clone()
}

pub fn prove(arena: &Arena, step: u64) -> ProvenStep {
    let prover =
        StepProver { derivation: arena.chain.derivation(&arena.l1), blobs: &arena.l1.events };
    prover.prove(&arena.chain.claim(0, 1), at(step)).unwrap()
}

/// A lie about a step, and the game of a watchtower that thinks that L1 transactions carry so many bytes.
fn killed(step: u64, bytes: usize, what: &str) -> Arena {
    let mut arena = start();
    arena.l1_limits = L1Limits { bytes, ..L1Limits::default() };
    let lie = lie_from(&mut arena, step, true);
    while !arena.is_dead(lie.attempt) {
        assert!(!arena.honest(WATCHTOWER).is_empty(), "{what}: the lie lives");
    }
    let (chunks, gas) =
        arena.staged.iter().fold((0, 0), |(bytes, gas), chunk| (bytes + chunk.0, gas + chunk.1));
    eprintln!("{what}: {} chunks of {chunks} bytes in all for {gas} gas", arena.staged.len());
    for ((_, action, gas), bytes) in arena.log.iter().zip(&arena.calldata) {
        let name = format!("{action:?}");
        let name = name.split(' ').next().unwrap();
        eprintln!("    {name}: {bytes} bytes of calldata, {gas} gas");
    }
    arena
}

/// What the public pool takes.
pub const POOL: usize = 128 * 1024;

#[test]
fn a_transaction_of_120_000_bytes_is_settled() {
    let arena = killed(LONG, POOL, "120,000 bytes on the tape");
    // As much of the blob goes with the proof as fits.
    assert_eq!(arena.staged.len(), 1);
    let few = killed(LONG, 40_000, "120,000 bytes on the tape, most of it staged");
    assert!(few.staged.len() > 8);
}

#[test]
fn so_is_a_forced_one_and_the_longest() {
    let arena = killed(FORCED_LONG, POOL, "120,000 bytes forced");
    assert_eq!(arena.staged.len(), 0, "its bytes go with the proof, and the witness is small");
    killed(FORCED_WITH_ALL, POOL, "126,971 bytes forced, 1 MB of witness");
}

#[test]
fn a_witness_near_the_limit_is_settled() {
    let witness = prove(&start(), WITH_ALL).evidence.execution.witness.len();
    eprintln!("witness of {witness} bytes");
    assert!(witness > (1 << 20) - 10_000, "{witness}");
    let mixed = killed(WITH_ALL, POOL, "1 MB of witness");
    assert_eq!(mixed.staged.len(), (witness - 120_000) / CHUNK_BYTES + 1);
    let pointers = killed(WITH_ALL, 16_000, "1 MB of witness, all staged");
    assert_eq!(pointers.staged.len(), witness.div_ceil(CHUNK_BYTES));
    killed(LONG_WITH_ALL, POOL, "120,000 bytes on the tape, 1 MB of witness");
}

#[test]
fn a_witness_goes_inline_by_pointers_or_both() {
    let inline = killed(WITH_FOUR, POOL, "100 kB of witness");
    assert_eq!(inline.staged.len(), 0);
    let mixed = killed(WITH_FOUR, 80_000, "100 kB of witness, mixed");
    assert!(!mixed.staged.is_empty() && mixed.calldata[0] > 40_000);
    let pointers = killed(WITH_FOUR, 6_000, "100 kB of witness, all staged");
    assert_eq!(pointers.staged.len(), 5);
}

/// Where proof and kill don't fit one transaction, the proof goes first.
#[test]
fn what_does_not_fit_with_the_kill_is_proven_alone() {
    let arena = start();
    let step = prove(&arena, FORCED_WITH_ALL);
    let mut least = step.evidence.plain().unwrap();
    least.execution.pointers = vec![SINK; least.execution.witness.len().div_ceil(CHUNK_BYTES)];
    least.execution.witness = Bytes::new();
    let least = IRollup::proveStepCall { pre: step.pre.into(), proof: least }.abi_encode().len();
    let arena = killed(FORCED_WITH_ALL, least + 256, "proof and kill apart");
    assert_eq!(arena.moves(|action| matches!(action, Action::ProveFraudGap { .. })), 1);
    assert_eq!(arena.moves(|action| matches!(action, Action::KillGap { .. })), 1);
    // The kill pays the bill that the proof wrote: whatever goes to who staged, the watchtower has both parts here.
    assert_eq!(arena.owed(WATCHTOWER), arena.game.limits.claim_bond / U256::from(2));
}

/// The contract's bound is [`MAX_INLINE_BYTES`], to the byte: a plan that fills it is taken, a byte more is not.
#[test]
fn a_proof_brings_as_much_as_the_planner_thinks() {
    let mut arena = start();
    let step = prove(&arena, LONG);
    let pre: recourse_protocol::bindings::Checkpoint = step.pre.into();
    let call = |proof| IRollup::proveStepCall { pre: pre.clone(), proof }.abi_encode();
    let limits = L1Limits { bytes: usize::MAX, ..L1Limits::default() };
    let staged = Stager { store: arena.l1.store, limits }.plan(&step.evidence, 0).unwrap().unwrap();
    assert_eq!(
        staged.proof.inline_bytes(),
        MAX_INLINE_BYTES,
        "all of the blob, and a staged witness"
    );
    for chunk in &staged.chunks {
        arena.l1.stage(WATCHTOWER, chunk);
    }
    let mut more = staged.proof.clone();
    more.execution.witness = Bytes::from_static(&[0]);
    let refused = arena.send(WATCHTOWER, call(more), U256::ZERO, &[]).unwrap_err();
    let most = U256::from(MAX_INLINE_BYTES);
    let expected = IRollup::TooMuchInline { got: most + U256::ONE, atMost: most };
    assert_eq!(refused, expected.abi_encode());
    arena.send(WATCHTOWER, call(staged.proof), U256::ZERO, &[]).unwrap();
}

/// Who plans with the estimate is never surprised by L1.
#[test]
fn no_proof_costs_more_than_its_estimate() {
    for (step, bytes) in [
        (0, POOL),
        (FORCED_WITH_ALL, POOL),
        (FORCED_LONG, POOL),
        (LONG, POOL),
        (LONG, 9_000),
        (WITH_ALL, POOL),
        (WITH_FOUR, POOL),
        (WITH_FOUR, 80_000),
        (LONG_WITH_ALL, POOL),
    ] {
        // A step that is proven already would cost nothing.
        let mut arena = start();
        let step = prove(&arena, step);
        let pre: recourse_protocol::bindings::Checkpoint = step.pre.into();
        let call = |proof| IRollup::proveStepCall { pre: pre.clone(), proof };
        let around = call(StepProof::default()).abi_encode().len();
        let limits = L1Limits { bytes, ..L1Limits::default() };
        let stager = Stager { store: arena.l1.store, limits };
        let staged = stager.plan(&step.evidence, around).unwrap().unwrap();
        for chunk in &staged.chunks {
            arena.l1.stage(WATCHTOWER, chunk);
        }
        let data = call(staged.proof).abi_encode();
        assert!(data.len() + 256 <= staged.bill.bytes, "{} bytes", data.len());
        let gas = arena.send(WATCHTOWER, data, U256::ZERO, &[]).unwrap();
        eprintln!("{gas} gas, estimated at most {}", staged.bill.gas);
        assert!(gas <= staged.bill.gas);
    }
}
