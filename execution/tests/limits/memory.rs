//! Memory of the EVM: what a transaction's gas buys, and nothing for gas that is not claimed.

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes};
use recourse_execution::{ExecuteError, ExecutionError, RuleSet, Schedule, State, StateError};
use recourse_protocol::{MAX_TX_GAS, bindings::BlockContext};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    loops,
    scene::{self, call, contract, sign},
    small::{Case, MIB, STACK, ask_on},
};

/// The most that any transaction of 2^24 gas was made to allocate here, with room; see docs/bounded-work.md.
const MOST: usize = 256 * MIB;
const GREEDY: Address = Address::repeat_byte(0xd2);

fn state(code: Code) -> State {
    let mut accounts = scene::genesis().alloc;
    accounts.insert(GREEDY, contract(code.build()));
    State::of(&accounts).unwrap()
}

fn run(gas_limit: u64) -> Bytes {
    sign(0, TxEip1559 { gas_limit, ..call(0, GREEDY, Bytes::new()) })
}

/// `mload(at)`, then stops.
fn touch(at: u64) -> Code {
    Code::new().push(at).ops(&[op::MLOAD, op::POP, op::STOP])
}

/// Words of memory that an amount of gas buys in one frame.
fn words(gas: u64) -> u64 {
    (0..1 << 20).rev().find(|words: &u64| words * 3 + words * words / 512 <= gas).unwrap()
}

#[test]
fn one_frame_with_all_the_memory_that_it_can_have() {
    let most = words(MAX_TX_GAS - 30_000);
    let case = Case::new(&state(touch((most - 1) * 32)), &run(MAX_TX_GAS));
    assert!(case.recorded.gas_used > MAX_TX_GAS - 31_000 && case.recorded.gas_used < MAX_TX_GAS);
    let bytes = case.is_true();
    assert!((most as usize * 32..16 * MIB).contains(&bytes), "{} MiB", bytes / MIB);
}

/// Each frame takes a part of its gas for memory, and calls itself with the rest.
#[test]
fn frames_in_frames_with_much_memory_each() {
    let mut highest = 0;
    for words in [200_u64, 700, 1_500, 2_500, 5_000] {
        let code = Code::new()
            .push(words * 32)
            .ops(&[op::MLOAD, op::POP])
            .ops(&[op::PUSH0; 5])
            .ops(&[op::ADDRESS, op::GAS, op::CALL, op::STOP]);
        let bytes = Case::new(&state(code), &run(MAX_TX_GAS)).is_true();
        highest = highest.max(bytes);
    }
    println!("nested memory: {} MiB", highest / MIB);
    assert!((16 * MIB..MOST).contains(&highest), "{} MiB", highest / MIB);
}

/// Every kind of work for all of the gas of a transaction: what it leaves behind in journals, logs and codes is bounded.
#[test]
fn all_kinds_of_work() {
    let state = loops::state();
    let (mut highest, mut by) = (0, "");
    for program in loops::programs().iter().filter(|program| keeps_memory(program.name)) {
        let case = Case::new(&state, &program.call(MAX_TX_GAS));
        let bytes = case.is_true();
        println!("{:28} {:6.1} MiB", program.name, bytes as f64 / MIB as f64);
        assert!(bytes < MOST, "{}: {} MiB", program.name, bytes / MIB);
        if bytes > highest {
            (highest, by) = (bytes, program.name);
        }
    }
    println!("most: {} MiB, by {by}", highest / MIB);
}

/// Programs that do not only compute.
fn keeps_memory(name: &str) -> bool {
    let kinds = [
        "LOG", "SLOAD", "SSTORE", "TSTORE", "BALANCE", "CALL", "DELEGATE", "CREATE", "SELF", "EXT",
    ];
    kinds.iter().any(|kind| name.starts_with(kind))
}

fn is_stopped(answer: &Result<(), ExecuteError>) -> bool {
    let Err(ExecuteError::Execution(ExecutionError::State(error))) = answer else { return false };
    matches!(error, StateError::GasBound { .. })
}

/// Under rules without EIP-7825 a gas limit can pay for terabytes; a claim that does not pay gets none of them. Hundreds of
/// megabytes are asked for here, which would show, and not end the machine.
#[test]
fn memory_that_is_not_claimed_is_not_had() {
    let block = BlockContext { gasLimit: u64::MAX, ..scene::block() };
    let cancun = || Schedule::new(RuleSet::CANCUN, Vec::new());
    for at in [40 << 20, 160 << 20] {
        let state = state(touch(at));
        // The trace is made for a limit that does not pay, for a recorder has to run it.
        let mut case = Case::under(cancun(), &block, &state, &run(1 << 20));
        for gas_limit in [1 << 31, 1 << 32, (1 << 32) + 1, 1 << 36] {
            case.recorded.trace.transactions = vec![rich(gas_limit)];
            case.trace = alloy_sol_types::SolValue::abi_encode(&case.recorded.trace);
            for gas_used in [21_000, 1 << 24] {
                let (answer, bytes) = ask_on(STACK, &case.claim(gas_used), &case.schedule);
                assert!(is_stopped(&answer), "{answer:?}");
                assert!(bytes < 60 * MIB, "{gas_limit}: {} MiB", bytes / MIB);
            }
        }
    }
}

/// As [`run`], for a price that the sender can pay.
fn rich(gas_limit: u64) -> Bytes {
    let tx = call(0, GREEDY, Bytes::new());
    sign(0, TxEip1559 { gas_limit, max_fee_per_gas: u128::from(scene::BASE_FEE) + 7, ..tx })
}

/// Under the rules in force the gas limit pays for 2.9 MB at most, and that is what a low claim can get.
#[test]
fn a_low_claim_gets_one_expansion_at_most() {
    let most = words(MAX_TX_GAS - 30_000);
    let case = Case::new(&state(touch((most - 1) * 32)), &run(MAX_TX_GAS));
    for gas_used in [0, 21_000, 30_000, 1 << 20] {
        let (answer, bytes) = ask_on(STACK, &case.claim(gas_used), &case.schedule);
        assert!(is_stopped(&answer), "{answer:?}");
        assert!(bytes < 8 * MIB, "{gas_used}: {} MiB", bytes / MIB);
    }
}
