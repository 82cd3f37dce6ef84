//! The provability rule at the limits that rollups run with: transactions that touch hundreds of large distinct contracts,
//! thousands of slots, deep tries; the last one under the limit, and the first one over it.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{Claim, GenesisAccount, Recorded, State, Witness};
use recourse_protocol::MAX_TX_GAS;
use revm::bytecode::opcode as op;

use crate::{
    agreement::{NO_LIMIT, agree, bytes, exhausted, proven_by_the_part_read, record},
    assembler::Code,
    provability::fails_like_out_of_gas,
    scene::{self, MAX_WITNESS, call, contract, create, filler, sign},
    settle::{claim, with_witness},
};

/// The limits: by default, and the least that a rollup can be deployed with.
const LIMITS: [u32; 2] = [MAX_WITNESS, 1 << 19];
/// The longest code (EIP-170).
const BIG: usize = 24_576;
const CROWD: u64 = 300;
/// Reads the codes of half the crowd, then reverts.
const REVERTS: Address = Address::repeat_byte(0x6a);
/// Reads as many of its slots as its calldata says.
const SLOTS: Address = Address::repeat_byte(0x6b);
/// Its code is as long as a test wants.
const PAD: Address = Address::repeat_byte(0x6c);

/// One of a crowd of contracts with different codes of the largest size.
fn big(index: u64) -> Address {
    Address::from_slice(&keccak256([&b"big"[..], &index.to_be_bytes()].concat())[12..])
}

/// Stops at once; what follows is data.
fn big_code(index: u64) -> Bytes {
    let mut code = vec![0; BIG];
    code[8..16].copy_from_slice(&index.to_be_bytes());
    code.into()
}

fn read(code: Code, how: u8, address: Address) -> Code {
    match how {
        op::EXTCODECOPY => code.ops(&[op::PUSH0; 3]).address(address).op(how),
        op::CALL | op::CALLCODE => {
            code.ops(&[op::PUSH0; 5]).address(address).ops(&[op::GAS, how, op::POP])
        }
        op::DELEGATECALL | op::STATICCALL => {
            code.ops(&[op::PUSH0; 4]).address(address).ops(&[op::GAS, how, op::POP])
        }
        _ => code.address(address).ops(&[how, op::POP]),
    }
}

/// `SLOAD`s of slots 0, 1, 2 ... up to the number in calldata.
fn slot_reader() -> Bytes {
    Code::new()
        .op(op::PUSH0)
        .op(op::JUMPDEST) // 1
        .ops(&[op::DUP1, op::SLOAD, op::POP, op::PUSH1, 1, op::ADD])
        .ops(&[op::DUP1, op::PUSH0, op::CALLDATALOAD, op::GT, op::PUSH1, 1, op::JUMPI])
        .op(op::STOP)
        .build()
}

fn accounts(pad: usize) -> BTreeMap<Address, GenesisAccount> {
    let mut accounts = scene::genesis().alloc;
    accounts.extend((0..CROWD).map(|index| (big(index), contract(big_code(index)))));
    let halves = (0..CROWD / 2).fold(Code::new(), |code, n| read(code, op::EXTCODESIZE, big(n)));
    let reverts = halves.ops(&[op::PUSH0, op::PUSH0, op::REVERT]).build();
    accounts.insert(REVERTS, contract(reverts));
    let storage = (0..20_000_u64).map(|slot| (U256::from(slot), U256::MAX - U256::from(slot)));
    let storage = storage.collect();
    accounts.insert(SLOTS, GenesisAccount { storage, ..contract(slot_reader()) });
    accounts.insert(PAD, contract(vec![0; pad].into()));
    accounts
}

static STATE: LazyLock<State> = LazyLock::new(|| State::of(&accounts(0)).unwrap());

fn most_gas(tx: TxEip1559) -> Bytes {
    sign(0, TxEip1559 { gas_limit: MAX_TX_GAS, ..tx })
}

/// A creation whose initcode reads the first `count` of the crowd.
fn reads(how: u8, count: u64) -> Bytes {
    let code = (0..count).fold(Code::new(), |code, n| read(code, how, big(n)));
    most_gas(create(0, code.op(op::STOP).build()))
}

fn slots(count: u64) -> Bytes {
    most_gas(call(0, SLOTS, U256::from(count).to_be_bytes::<32>().into()))
}

/// The most of something that a transaction can use under a limit.
fn last_under(limit: u32, most: u64, raw: impl Fn(u64) -> Bytes) -> u64 {
    let passes = |count| !exhausted(&record(&STATE, limit, &raw(count)).runs[0]);
    let (mut under, mut over) = (0, most);
    assert!(passes(under) && !passes(over));
    while over - under > 1 {
        let middle = under.midpoint(over);
        if passes(middle) { under = middle } else { over = middle }
    }
    under
}

/// The last transaction under the limit and the first one over it: one outcome in engine, recorder and `EXECUTE`, proven
/// by what was read, and by nothing less.
fn holds_at_the_edge(limit: u32, most: u64, raw: impl Fn(u64) -> Bytes) -> (u64, Recorded) {
    let count = last_under(limit, most, &raw);
    let (under, over) = (raw(count), raw(count + 1));
    let whole = record(&STATE, NO_LIMIT, &under);
    let passed = agree(&STATE, limit, &under, &whole.witness);
    assert!(bytes(&passed.witness) <= limit as usize && !exhausted(&passed.runs[0]));
    assert_eq!(passed.witness, whole.witness);
    every_part_is_needed(&STATE, &passed);

    fails(&STATE, limit, &over);
    let failed = fails(&STATE, limit, &raw(most));
    (count, failed)
}

fn fails(state: &State, limit: u32, raw: &Bytes) -> Recorded {
    let whole = record(state, NO_LIMIT, raw);
    let least = record(state, 0, raw);
    let failed = agree(state, limit, raw, &whole.witness);
    assert!(exhausted(&failed.runs[0]) && bytes(&whole.witness) > limit as usize);
    proven_by_the_part_read(limit, &failed.witness, &whole.witness, &least.witness);
    // At most one part more than the limit allows: what L1 has to be shown is bounded, whatever the whole would be.
    assert!(bytes(&failed.witness) <= limit as usize + BIG);
    assert_eq!(failed.gas_used, MAX_TX_GAS);
    fails_like_out_of_gas(state, &failed);
    every_part_is_needed(state, &failed);
    failed
}

/// Without a node or code the answer is no. Of many parts some are tried, the last and the first among them.
fn every_part_is_needed(state: &State, recorded: &Recorded) {
    let trace = recorded.trace.abi_encode();
    let claim = claim(state.root(), recorded, &trace);
    let Witness { nodes, codes } = &recorded.witness;
    for at in some(nodes.len()) {
        let mut short = recorded.witness.clone();
        short.nodes.remove(at);
        assert!(!with_witness(&claim, &recorded.trace, short.encode()), "node {at}");
    }
    for at in some(codes.len()) {
        let mut short = recorded.witness.clone();
        short.codes.remove(at);
        assert!(!with_witness(&claim, &recorded.trace, short.encode()), "code {at}");
    }
    // With another limit it is another claim.
    let mut other = recorded.trace.clone();
    other.maxWitnessBytes = if exhausted(&recorded.runs[0]) { NO_LIMIT } else { 0 };
    let trace = other.abi_encode();
    assert!(!crate::settle::is_true(&Claim { trace: &trace, ..claim }));
}

fn some(len: usize) -> HashSet<usize> {
    let few = (0..len).step_by(len.div_ceil(12).max(1));
    few.chain(len.checked_sub(1)).collect()
}

#[test]
fn hundreds_of_large_contracts_by_every_instruction() {
    let [by_default, least] = LIMITS;
    for how in [op::EXTCODESIZE, op::EXTCODECOPY, op::CALL, op::STATICCALL] {
        let (count, _) = holds_at_the_edge(by_default, CROWD, |count| reads(how, count));
        assert_eq!(count, 41, "{how:x}: {BIG} bytes each, and the nodes");
    }
    for how in [op::DELEGATECALL, op::CALLCODE] {
        let (count, failed) = holds_at_the_edge(least, CROWD, |count| reads(how, count));
        assert_eq!(count, 20, "{how:x}");
        assert_eq!(failed.witness.codes.len(), 21);
    }
}

/// All of the crowd, and no code: neither reads bytes nor length.
#[test]
fn hashes_and_balances_read_no_code() {
    for how in [op::EXTCODEHASH, op::BALANCE] {
        let raw = reads(how, CROWD);
        let whole = record(&STATE, NO_LIMIT, &raw);
        assert!(whole.witness.codes.is_empty());
        for limit in LIMITS {
            let run = agree(&STATE, limit, &raw, &whole.witness);
            assert!(!exhausted(&run.runs[0]));
        }
        // Their nodes count all the same.
        let limit = bytes(&whole.witness) as u32 - 1;
        fails(&STATE, limit, &raw);
    }
}

/// The frame that reads reverts; its caller goes on. It fails all the same, and pays for all of it.
#[test]
fn hundreds_of_large_contracts_in_a_frame_that_reverts() {
    let code = Code::new().call(REVERTS, 0, 15_000_000).store(1, 1).op(op::STOP);
    let raw = most_gas(create(0, code.build()));
    for limit in LIMITS {
        let failed = fails(&STATE, limit, &raw);
        let child = scene::account(0).create(0);
        assert!(failed.state.account(child).unwrap().is_none());
    }
}

#[test]
fn thousands_of_slots() {
    for (limit, at_least) in LIMITS.into_iter().zip([3_000, 1_500]) {
        let (count, failed) = holds_at_the_edge(limit, 7_500, slots);
        assert!(count > at_least, "{count}");
        assert!(failed.witness.nodes.len() > at_least as usize);
        assert_eq!(failed.witness.codes.len(), 1);
    }
}

/// Just at the limit, to the byte: a code as long as what is left passes, one byte more does not.
#[test]
fn the_limits_are_exact_to_the_byte() {
    for (limit, count) in LIMITS.into_iter().zip([41, 20]) {
        let code = (0..count).fold(Code::new(), |code, n| read(code, op::EXTCODESIZE, big(n)));
        let code = read(code, op::EXTCODESIZE, PAD).op(op::STOP);
        let raw = most_gas(create(0, code.build()));
        // The code is not empty, so that no node changes its length with it.
        let state = |pad| State::of(&accounts(pad)).unwrap();
        let used = bytes(&record(&state(1), NO_LIMIT, &raw).witness) - 1;
        let left = limit as usize - used;
        assert!((1..BIG).contains(&left), "{left}");

        let exact = state(left);
        let whole = record(&exact, NO_LIMIT, &raw);
        let passed = agree(&exact, limit, &raw, &whole.witness);
        assert!(!exhausted(&passed.runs[0]));
        assert_eq!(bytes(&passed.witness), limit as usize);
        let failed = fails(&state(left + 1), limit, &raw);
        assert_eq!(bytes(&failed.witness), limit as usize + 1);
    }
}

/// Accounts as deep in the trie as a quarter of a million hashes allow, all of whose nodes count.
#[test]
fn deep_accounts() {
    let mut accounts = scene::genesis().alloc;
    let rich = GenesisAccount { balance: U256::from(1), ..Default::default() };
    let (deep, depth) = deepest(250_000);
    accounts.extend(deep.iter().map(|address| (*address, rich.clone())));
    let state = State::of(&accounts).unwrap();
    let target = deep[0];
    assert!(state.proof(target, &[]).unwrap().nodes.len() >= depth, "{depth}");
    let code = deep.iter().fold(Code::new(), |code, a| read(code, op::BALANCE, *a));
    let raw = most_gas(create(0, code.op(op::STOP).build()));
    let whole = record(&state, NO_LIMIT, &raw);
    let mut limit = 0;
    while limit < bytes(&whole.witness) {
        let run = agree(&state, limit as u32, &raw, &whole.witness);
        assert!(exhausted(&run.runs[0]));
        limit = bytes(&run.witness);
    }
    assert!(!exhausted(&agree(&state, limit as u32, &raw, &whole.witness).runs[0]));
}

/// Addresses whose hashes share the first 0, 1, 2 ... nibbles with the first one's: a branch at every depth.
fn deepest(tries: u64) -> (Vec<Address>, usize) {
    let target = keccak256(filler(1 << 40));
    let mut found = BTreeMap::new();
    for address in (0..tries).map(|index| filler((1 << 41) + index)) {
        found.entry(shared_nibbles(target, keccak256(address))).or_insert(address);
    }
    let depth = found.len();
    (std::iter::once(filler(1 << 40)).chain(found.into_values()).collect(), depth)
}

fn shared_nibbles(one: B256, other: B256) -> u32 {
    (U256::from_be_bytes(one.0) ^ U256::from_be_bytes(other.0)).leading_zeros() as u32 / 4
}
