//! The bound on gross gas: whatever work a transaction does and whatever gas is claimed, it is stopped in time. The gas
//! that was spent until then is told by the error.

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, ExecuteError, ExecutionError, Recorded, State, StateError, replay,
};
use revm::bytecode::opcode as op;

use crate::{
    agreement::{NO_LIMIT, record},
    assembler::Code,
    inputs,
    loops::{self, Program},
    scene::{self, call, contract, schedule, sign},
    settle::{claim, executed, no_pointers},
};

/// Gas of the transactions: enough for several rounds of every loop.
const GAS: u64 = 1_500_000;
/// What may be spent after the bound is passed: one code of cheap instructions without a jump (the longest is initcode of
/// 49,152 bytes, the dearest unwatched instruction takes 8 gas), then one instruction whose gas is not looked at before.
const SLACK: u64 = 49_152 * 8 + 60_000;

fn ask(state: &State, recorded: &Recorded, gas_used: u64) -> Result<(), ExecuteError> {
    let trace = recorded.trace.abi_encode();
    let claim = Claim { gas_used, ..claim(state.root(), recorded, &trace) };
    replay(&claim, &schedule(), &no_pointers)
}

/// What was spent when it was stopped, if it was.
fn stopped_at(answer: &Result<(), ExecuteError>, gas_used: u64) -> Option<u64> {
    let Err(ExecuteError::Execution(ExecutionError::State(error))) = answer else { return None };
    let StateError::GasBound { allowed, spent } = error else { return None };
    assert_eq!(*allowed, gas_used + gas_used / 4);
    Some(*spent)
}

/// From nothing to just too little, dense where transactions begin.
fn claims(gas_used: u64) -> impl Iterator<Item = u64> {
    let parts = (0..8).map(move |part| gas_used * part / 8);
    let start = [1, 16_800, 20_999, 21_000, 21_100, 23_000, 30_000];
    parts.chain(start).chain([gas_used * 4 / 5 - 1, gas_used - 1]).filter(move |c| *c < gas_used)
}

fn is_bounded(state: &State, name: &str, raw: &Bytes, slack: u64) {
    let recorded = record(state, NO_LIMIT, raw);
    let gas_used = recorded.gas_used;
    assert_eq!(ask(state, &recorded, gas_used), Ok(()), "{name}");
    for less in claims(gas_used) {
        let answer = ask(state, &recorded, less);
        let allowed = less + less / 4;
        match stopped_at(&answer, less) {
            Some(spent) => {
                assert!(spent <= allowed + slack, "{name}: {less} claimed, {spent} spent")
            }
            // It came to its end within what is allowed.
            None => {
                let wrong = matches!(answer, Err(ExecuteError::GasUsed { .. }));
                assert!(wrong && allowed >= gas_used, "{name}: {less} claimed: {answer:?}");
            }
        }
    }
}

#[test]
fn every_kind_of_work_is_stopped_in_time() {
    let state = loops::state();
    for program in loops::programs() {
        let Program { name, .. } = program;
        // Memory is paid for by the gas limit: that program may pass the bound by what its memory costs.
        let slack = if name.starts_with("memory") { GAS } else { SLACK };
        is_bounded(&state, name, &program.call(GAS), slack);
    }
}

/// Loops pass a watched instruction in every round: no more than a round is too much.
#[test]
fn tight_loops_are_stopped_within_a_round() {
    let state = loops::state();
    for (name, round) in [("JUMP only", 20), ("KECCAK256 of 16 KiB", 60), ("SSTORE, warm", 25_000)]
    {
        let program = loops::programs().into_iter().find(|program| program.name == name).unwrap();
        is_bounded(&state, name, &program.call(GAS), round);
    }
}

/// A precompile that would spend too much does not start. (One that fails takes the gas of its call without work for it.)
#[test]
fn precompiles_do_not_start_what_they_may_not_end() {
    let state = loops::state();
    let names: Vec<_> = inputs::all().into_iter().map(|(name, ..)| name).collect();
    for program in loops::programs() {
        if names.contains(&program.name) {
            is_bounded(&state, program.name, &program.call(GAS), loops::FAILING_CALL_GAS + 5_000);
        }
    }
}

/// Calls `inner` with all gas but 1/64, then burns what it kept.
fn caller(inner: Address) -> Code {
    let code = Code::new().ops(&[op::PUSH0; 5]).address(inner).ops(&[
        op::GAS,
        op::CALL,
        op::POP,
        op::JUMPDEST,
    ]);
    let start = code.clone().build().len() as u64 - 1;
    code.push(start).op(op::JUMP)
}

/// Frames in frames, each of which keeps 1/64: the bound is passed in the innermost one, or in any of those that go on
/// after it ran out of gas.
#[test]
fn gas_kept_by_outer_frames_is_not_spent() {
    let mut accounts = scene::genesis().alloc;
    let address = |depth: u8| Address::repeat_byte(0x90 + depth);
    let burner = Code::new().ops(&[op::JUMPDEST, op::PUSH0, op::JUMP]).build();
    accounts.insert(address(0), contract(burner));
    for depth in 1..8 {
        accounts.insert(address(depth), contract(caller(address(depth - 1)).build()));
    }
    let state = State::of(&accounts).unwrap();
    let tx = TxEip1559 { gas_limit: GAS, ..call(0, address(7), Bytes::new()) };
    let raw = sign(0, tx);
    is_bounded(&state, "nested", &raw, 2_600 + 100);
    let recorded = record(&state, NO_LIMIT, &raw);
    // Densely around what each of the frames keeps.
    for less in (GAS * 7 / 10..GAS).step_by(1_777) {
        let answer = ask(&state, &recorded, less);
        match stopped_at(&answer, less) {
            Some(spent) => assert!(spent <= less + less / 4 + 100),
            None => assert!(less + less / 4 >= GAS),
        }
    }
}

/// Refunds of a fifth: true with 5/4 of what is claimed spent, to the unit.
#[test]
fn the_most_that_is_refunded_is_admitted() {
    let mut accounts = scene::genesis().alloc;
    let clears = (0..24).fold(Code::new(), |code, slot| code.store(slot, 0));
    let at = Address::repeat_byte(0x98);
    let storage = (0..24_u64).map(|slot| (U256::from(slot), U256::from(1))).collect();
    let account = recourse_execution::GenesisAccount { storage, ..contract(clears.build()) };
    accounts.insert(at, account);
    let state = State::of(&accounts).unwrap();
    let raw = sign(0, call(0, at, Bytes::new()));
    let recorded = record(&state, NO_LIMIT, &raw);
    assert!(executed(&recorded).receipt.is_success());
    let used = recorded.gas_used;
    // 21,000 and 24 x (2 + 3 + 5,000) are spent, but for slot 0, which is pushed for 2; a fifth comes back, for 24 x 4,800 would be more.
    let gross = 21_000 + 24 * 5_005 - 1;
    assert_eq!(used, gross - gross / 5);
    assert_eq!(ask(&state, &recorded, used), Ok(()));
    is_bounded(&state, "refunds", &raw, SLACK);
}

/// What is left for the second transaction is what the first did not spend.
#[test]
fn the_bound_is_over_all_transactions_of_a_segment() {
    use recourse_execution::{Recorder, block::BlockBody};
    let state = loops::state();
    let jumps = loops::programs().remove(0);
    let again = TxEip1559 { gas_limit: GAS, ..call(0, jumps.address(), Bytes::new()) };
    let transactions = vec![jumps.call(GAS), sign(1, again)];
    let body = BlockBody { transactions, ..BlockBody::default() };
    let schedule = schedule();
    let recorded = Recorder::new(&schedule, NO_LIMIT)
        .piece(&state, &scene::block(), Default::default(), &body)
        .unwrap();
    assert_eq!(recorded.gas_used, 2 * GAS);
    assert_eq!(ask(&state, &recorded, 2 * GAS), Ok(()));
    let less = GAS + GAS / 5;
    let answer = ask(&state, &recorded, less);
    let Err(ExecuteError::Execution(ExecutionError::State(StateError::GasBound {
        allowed,
        spent,
    }))) = answer
    else {
        panic!("{answer:?}")
    };
    assert_eq!(allowed, less + less / 4 - GAS);
    assert!(spent <= allowed + 20);
}

/// A precompile as the transaction's own target: there is nothing but the first frame.
#[test]
fn transactions_of_one_frame_are_stopped() {
    let state = loops::state();
    for (name, precompile, input) in inputs::all() {
        let to = Address::from_word(U256::from(precompile).into());
        let floor = floor(&input);
        let raw = sign(0, TxEip1559 { gas_limit: GAS, ..call(0, to, input.into()) });
        // What EIP-7623 adds for calldata is no work.
        if record(&state, NO_LIMIT, &raw).gas_used > floor {
            // A failure takes all gas, and is no work either.
            let slack = if name.starts_with("point") { GAS } else { 0 };
            is_bounded(&state, name, &raw, slack);
        }
    }
}

/// Least gas of a transaction with this calldata (EIP-7623).
fn floor(input: &[u8]) -> u64 {
    let tokens: u64 = input.iter().map(|byte| if *byte == 0 { 1 } else { 4 }).sum();
    21_000 + 10 * tokens
}

/// Frames that call themselves first, and then all work straight on to their end: no jump, no call, nothing that is looked
/// at, in any of some 400 frames that are left one after the other.
#[test]
fn work_after_calls_is_stopped() {
    let mut code = Code::new().ops(&[op::PUSH0; 5]).ops(&[op::ADDRESS, op::GAS, op::CALL]);
    code = code.ops(&[op::DUP1; 3]);
    for _ in 0..8_000 {
        code = code.ops(&[op::DUP1, op::DUP1, op::MULMOD]);
    }
    let at = Address::repeat_byte(0x97);
    let mut accounts = scene::genesis().alloc;
    accounts.insert(at, contract(code.op(op::STOP).build()));
    let state = State::of(&accounts).unwrap();
    let raw = sign(0, TxEip1559 { gas_limit: 1 << 24, ..call(0, at, Bytes::new()) });
    is_bounded(&state, "work after calls", &raw, SLACK);
    // Claims that pay for many frames on the way down, and for none of the work on the way up.
    let recorded = record(&state, NO_LIMIT, &raw);
    for less in [40_000, 60_000, 80_000, 100_000, 200_000] {
        let spent = stopped_at(&ask(&state, &recorded, less), less);
        assert!(spent.is_some_and(|spent| spent <= less + less / 4 + SLACK), "{less}: {spent:?}");
    }
}
