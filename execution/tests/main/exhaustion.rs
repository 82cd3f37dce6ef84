//! Where a limit can run out: at every node and code that a transaction uses, one after the other.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_eips::eip2935;
use alloy_primitives::{Address, Bytes, U256};
use proptest::prelude::*;
use recourse_execution::{GenesisAccount, Recorded, State, Witness};
use revm::bytecode::opcode as op;

use crate::{
    agreement::{NO_LIMIT, agree, bytes, exhausted, proven_by_the_part_read, record},
    assembler::{self, Code},
    random::{acts, assemble},
    scene::{
        self, CODE_READER, COINBASE, STORER, account, call, contract, create, filler, sign,
        transfer, writes,
    },
    settle::{executed, settles},
};

/// Two slots, so that a removal leaves a lone sibling.
const PAIR: Address = Address::repeat_byte(0x5a);
/// Code that is the very bytes of a node of `PAIR`'s storage.
const TWIN: Address = Address::repeat_byte(0x5b);
/// Delegates to [`STORER`] from the start.
const DELEGATED: u8 = 7;

/// The scene, with a coinbase that exists, an EIP-2935 contract with hashes, and the accounts above.
fn state() -> State {
    let mut accounts = scene::genesis().alloc;
    accounts.insert(COINBASE, GenesisAccount { balance: U256::from(1), ..Default::default() });
    let hashes = (0..40_u64).map(|slot| (U256::from(slot), U256::MAX - U256::from(slot)));
    let code = eip2935::HISTORY_STORAGE_CODE.clone();
    let history = GenesisAccount { storage: hashes.collect(), ..contract(code) };
    accounts.insert(eip2935::HISTORY_STORAGE_ADDRESS, history);
    let storage: BTreeMap<_, _> = [1, 2].map(|slot| (U256::from(slot), U256::MAX)).into();
    accounts.insert(PAIR, GenesisAccount { storage, ..contract(assembler::storer()) });
    let sender = accounts.get_mut(&account(DELEGATED)).unwrap();
    (sender.nonce, sender.code) = (1, [&[0xef, 1, 0], &STORER[..]].concat().into());
    let node = slot_node(&State::of(&accounts).unwrap(), PAIR, 1);
    accounts.insert(TWIN, contract(node));
    State::of(&accounts).unwrap()
}

/// The last node on the way to an account.
fn account_node(state: &State, address: Address) -> Bytes {
    state.proof(address, &[]).unwrap().nodes.pop().unwrap()
}

/// The last node on the way to a slot.
fn slot_node(state: &State, address: Address, slot: u64) -> Bytes {
    let mut proof = state.proof(address, &[U256::from(slot)]).unwrap();
    proof.storage.remove(0).nodes.pop().unwrap()
}

/// Runs a transaction at every limit at which it stops somewhere else, and one byte less. Gives the parts at which it
/// stopped.
fn every_stop(state: &State, raw: &[u8]) -> Vec<Bytes> {
    let whole = record(state, NO_LIMIT, raw);
    assert!(!exhausted(&whole.runs[0]));
    let least = agree(state, 0, raw, &whole.witness);
    let (mut limit, mut stops) = (0, Vec::new());
    let mut before = Witness::default();
    loop {
        let run = agree(state, limit as u32, raw, &whole.witness);
        if !exhausted(&run.runs[0]) {
            assert_eq!(limit, bytes(&whole.witness), "the least limit at which it passes");
            return stops;
        }
        proven_by_the_part_read(limit as u32, &run.witness, &whole.witness, &least.witness);
        stops.extend(since(&before, &run.witness));
        let next = bytes(&run.witness);
        // One byte less than this part needs: it stops at the same place.
        let same = agree(state, (next - 1) as u32, raw, &whole.witness);
        assert_eq!((same.state_root, &same.witness), (run.state_root, &run.witness));
        (limit, before) = (next, run.witness);
    }
}

/// What a longer part of a witness has more.
fn since(before: &Witness, after: &Witness) -> Vec<Bytes> {
    let nodes = after.nodes.iter().skip(before.nodes.len());
    nodes.chain(after.codes.iter().skip(before.codes.len())).cloned().collect()
}

fn stops_at(state: &State, raw: &[u8], parts: &[(&str, Bytes)]) {
    let stops = every_stop(state, raw);
    for (what, part) in parts {
        assert!(stops.contains(part), "never stopped at {what}");
    }
}

#[test]
fn it_runs_out_at_a_call_target_and_at_its_code() {
    let state = state();
    let raw = sign(0, call(0, STORER, writes(&[(3, 4)])));
    let parts = [
        ("the target", account_node(&state, STORER)),
        ("its code", state.code_at(STORER).unwrap()),
        ("the slot", slot_node(&state, STORER, 3)),
    ];
    stops_at(&state, &raw, &parts);
}

#[test]
fn it_runs_out_at_the_slot_of_a_block_hash() {
    let state = state();
    let code = Code::new().ops(&[op::PUSH0, op::BLOCKHASH, op::PUSH0, op::SSTORE, op::STOP]);
    let parts = [
        ("the EIP-2935 account", account_node(&state, eip2935::HISTORY_STORAGE_ADDRESS)),
        ("its slot", slot_node(&state, eip2935::HISTORY_STORAGE_ADDRESS, 0)),
    ];
    stops_at(&state, &sign(0, create(0, code.build())), &parts);
}

#[test]
fn it_runs_out_at_an_authority_and_no_delegation_stays() {
    let state = state();
    let raw = sign(0, scene::delegation(0, 1, 0, CODE_READER));
    let authority = account_node(&state, account(1));
    let delegate = state.code_at(CODE_READER).unwrap();
    let parts = [("the authority", authority.clone()), ("its delegate's code", delegate)];
    stops_at(&state, &raw, &parts);
    for limit in 0..bytes(&record(&state, NO_LIMIT, &raw).witness) as u32 {
        let run = record(&state, limit, &raw);
        assert!(exhausted(&run.runs[0]));
        assert!(run.state.code_at(account(1)).unwrap().is_empty());
        assert_eq!(run.state.account(account(1)).unwrap().unwrap().nonce, 0);
    }
}

/// Nothing but the removal of slot 1 at the very end reads slot 2.
#[test]
fn it_runs_out_at_a_sibling_at_the_end() {
    let state = state();
    let parts = [("the sibling", slot_node(&state, PAIR, 2))];
    stops_at(&state, &sign(0, call(0, PAIR, writes(&[(1, 0)]))), &parts);
}

#[test]
fn it_runs_out_at_a_precompile_that_is_called() {
    let state = state();
    let precompile = Address::with_last_byte(4);
    let code = Code::new().call(precompile, 0, 1_000).op(op::STOP).build();
    let parts = [("the way to it", account_node(&state, precompile))];
    stops_at(&state, &sign(0, create(0, code)), &parts);
}

/// As a node of a trie and as a code it is in the witness twice, and counts twice: in both orders.
#[test]
fn it_runs_out_at_a_code_that_is_a_node() {
    let state = state();
    let node = state.code_at(TWIN).unwrap();
    let read = |code: Code| code.address(TWIN).ops(&[op::EXTCODESIZE, op::POP]);
    // The storer reads the slot: PAIR.call(1, MAX).
    let slot = |code: Code| {
        code.push(1_u64)
            .ops(&[op::PUSH0, op::MSTORE])
            .push(7_u64)
            .ops(&[op::PUSH1, 32, op::MSTORE, op::PUSH0, op::PUSH0, op::PUSH1, 64])
            .ops(&[op::PUSH0, op::PUSH0])
            .address(PAIR)
            .ops(&[op::GAS, op::CALL, op::POP])
    };
    for code in [read(slot(Code::new())), slot(read(Code::new()))] {
        let stops = every_stop(&state, &sign(0, create(0, code.op(op::STOP).build())));
        assert_eq!(stops.iter().filter(|part| **part == node).count(), 2);
    }
}

/// Sender, sender's code and coinbase are read whatever the limit: all limits below their bytes have one outcome.
#[test]
fn sender_and_coinbase_are_read_whatever_the_limit() {
    let state = state();
    let raw = sign(DELEGATED, transfer(1, filler(3), 1));
    let whole = record(&state, NO_LIMIT, &raw).witness;
    let least = agree(&state, 0, &raw, &whole);
    for part in [account_node(&state, account(DELEGATED)), account_node(&state, COINBASE)] {
        assert!(least.witness.nodes.contains(&part));
    }
    assert_eq!(least.witness.codes, [state.code_at(account(DELEGATED)).unwrap()]);
    for limit in 0..bytes(&least.witness) as u32 {
        let run = agree(&state, limit, &raw, &whole);
        assert_eq!((run.state_root, &run.witness), (least.state_root, &least.witness));
    }
    settles(&state, &least);
    every_stop(&state, &raw);
}

/// A frame that reverts, or runs out of gas, used what it used.
#[test]
fn reverted_frames_count() {
    let mut accounts = scene::genesis().alloc;
    let (reverts, halts) = (Address::repeat_byte(0x5c), Address::repeat_byte(0x5d));
    let reads = |address| Code::new().address(address).ops(&[op::EXTCODESIZE, op::POP]);
    let ends = [(reverts, op::REVERT, STORER), (halts, op::INVALID, CODE_READER)];
    for (at, end, reads_code_of) in ends {
        let code = reads(reads_code_of).ops(&[op::PUSH0, op::PUSH0, end]);
        accounts.insert(at, contract(code.build()));
    }
    let state = State::of(&accounts).unwrap();
    let code = Code::new().call(reverts, 0, 50_000).call(halts, 0, 50_000).op(op::STOP);
    let codes = [STORER, CODE_READER].map(|address| ("a code", state.code_at(address).unwrap()));
    stops_at(&state, &sign(0, create(0, code.build())), &codes);
}

/// Gas and the limit run out independently: whichever comes first decides, and all agree which it was.
#[test]
fn gas_may_run_out_first() {
    let state = state();
    let raw =
        |gas_limit| sign(0, TxEip1559 { gas_limit, ..call(0, STORER, writes(&[(3, 4), (9, 9)])) });
    for gas_limit in [24_000, 26_000, 30_000, 60_000] {
        let raw = raw(gas_limit);
        let whole = record(&state, NO_LIMIT, &raw);
        for limit in (0..bytes(&whole.witness) as u32 + 200).step_by(97) {
            let run = agree(&state, limit, &raw, &whole.witness);
            assert_eq!(exhausted(&run.runs[0]), (limit as usize) < bytes(&whole.witness));
            fee_is_paid(&state, &run);
        }
    }
}

fn fee_is_paid(pre: &State, run: &Recorded) {
    let balance = |state: &State| state.account(account(0)).unwrap().unwrap().balance;
    let price = U256::from(executed(run).effective_gas_price);
    assert_eq!(balance(pre) - balance(&run.state), U256::from(run.gas_used) * price);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_reads_at_random_limits(acts in acts(), part in 0_u64..1_100, deploys: bool) {
        let state = state();
        let code = if deploys { assemble(&acts).deployer() } else { assemble(&acts) };
        let raw = sign(0, create(0, code.build()));
        let whole = record(&state, NO_LIMIT, &raw);
        let least = record(&state, 0, &raw);
        let limit = (bytes(&whole.witness) as u64 * part / 1_000) as u32;
        let run = agree(&state, limit, &raw, &whole.witness);
        if exhausted(&run.runs[0]) {
            proven_by_the_part_read(limit, &run.witness, &whole.witness, &least.witness);
        } else {
            prop_assert_eq!(run.state_root, whole.state_root);
        }
        settles(&state, &run);
    }
}
