//! Frames in frames.

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256};
use recourse_execution::{Claim, Recorded, RuleSet, Schedule, State, TxRun, stateless};
use recourse_protocol::{MAX_TX_GAS, bindings::BlockContext};
use revm::{bytecode::opcode as op, primitives::hardfork::SpecId};

use crate::{
    assembler::Code,
    scene::{self, call, contract, create, sign},
    small::{Case, MIB, QUARTER, ask_on, on_stack},
};

const DIVER: Address = Address::repeat_byte(0xd1);
/// The most that the tests' deepest calls may allocate.
const MOST: usize = 160 * MIB;

/// Calls itself in all the ways that keep its storage, one level deeper each time, and keeps the depth. The outermost
/// frame stores and returns how deep it was.
fn diver(how: u8) -> Code {
    let value = usize::from(how == op::CALL);
    let code = Code::new()
        // depth = calldata + 1; tstore(0, depth); mstore(0, depth)
        .ops(&[op::PUSH0, op::CALLDATALOAD, op::PUSH1, 1, op::ADD])
        .ops(&[op::DUP1, op::PUSH0, op::TSTORE, op::PUSH0, op::MSTORE])
        // how(gas, address, [0,] 0, 32, 0, 0)
        .ops(&[op::PUSH0, op::PUSH0, op::PUSH1, 32, op::PUSH0])
        .ops(&vec![op::PUSH0; value])
        .ops(&[op::ADDRESS, op::GAS, how, op::POP])
        // if calldata == 0 { sstore(0, tload(0)); return tload(0) }
        .ops(&[op::PUSH0, op::CALLDATALOAD, op::PUSH1]);
    let stores = [op::JUMPI, op::PUSH0, op::TLOAD, op::DUP1, op::PUSH0, op::SSTORE];
    let returns = [op::PUSH0, op::MSTORE, op::PUSH1, 32, op::PUSH0, op::RETURN];
    let end = code.clone().build().len() + 1 + stores.len() + returns.len();
    code.op(end as u8).ops(&stores).ops(&returns).ops(&[op::JUMPDEST, op::STOP])
}

fn dive(how: u8) -> State {
    let mut accounts = scene::genesis().alloc;
    accounts.get_mut(&scene::account(0)).unwrap().balance = U256::from(10).pow(U256::from(24));
    accounts.insert(DIVER, contract(diver(how).build()));
    State::of(&accounts).unwrap()
}

fn calls(gas_limit: u64) -> Bytes {
    sign(0, TxEip1559 { gas_limit, ..call(0, DIVER, Bytes::new()) })
}

/// All gas that a transaction can have does not buy the 1,024th frame: each keeps 1/64.
#[test]
fn the_deepest_calls_of_a_transaction() {
    for how in [op::CALL, op::DELEGATECALL] {
        let case = Case::new(&dive(how), &calls(MAX_TX_GAS));
        let depth = case.recorded.state.storage(DIVER, U256::ZERO).unwrap();
        assert!((400..1_024).contains(&depth.to::<u64>()), "{depth}");
        let bytes = case.is_true();
        assert!(bytes < MOST, "{} MiB", bytes / MIB);
        assert_eq!(ask_on(QUARTER, &case.truth(), &case.schedule).0, Ok(()));
        // Stopped at any depth.
        for part in 0..16 {
            let less = case.recorded.gas_used * part / 16;
            assert!(ask_on(QUARTER, &case.claim(less), &case.schedule).0.is_err());
        }
    }
}

/// Before EIP-7825 gas for all of the 1,024 could be had, though not in a claim: that is why `stateless` is asked, which is
/// the same run without a bound.
#[test]
fn a_thousand_and_twenty_four_nested_calls() {
    let prague = RuleSet { spec: SpecId::PRAGUE, blobs: None };
    let schedule = Schedule::new(prague, Vec::new());
    let block = BlockContext { gasLimit: 1 << 40, ..scene::block() };
    for how in [op::CALL, op::DELEGATECALL] {
        let state = dive(how);
        let mut case = Case::under(schedule.clone(), &block, &state, &calls(1 << 22));
        case.recorded.trace.transactions = vec![calls(1 << 40)];
        let (ran, bytes) = on_stack(QUARTER, || {
            let Recorded { trace, witness, .. } = &case.recorded;
            stateless(case.pre, trace, &schedule, witness.clone()).unwrap()
        });
        let TxRun::Included(run) = &ran.runs[0] else { panic!("{:?}", ran.runs) };
        // The outermost frame is at depth 0, the innermost at 1,024.
        assert_eq!(U256::from_be_slice(&run.output), U256::from(1_025));
        assert!(bytes < MOST, "{} MiB", bytes / MIB);
        // A claim about it is refused, however true.
        case.trace = alloy_sol_types::SolValue::abi_encode(&case.recorded.trace);
        let claim = Claim { post: ran.state_root, ..case.claim(ran.gas_used) };
        assert!(ask_on(QUARTER, &claim, &schedule).0.is_err());
    }
}

/// Initcode that creates with itself.
#[test]
fn the_deepest_creations() {
    let code = Code::new()
        .ops(&[op::CODESIZE, op::PUSH0, op::PUSH0, op::CODECOPY])
        .ops(&[op::CODESIZE, op::PUSH0, op::PUSH0, op::CREATE, op::STOP])
        .build();
    let tx = TxEip1559 { gas_limit: MAX_TX_GAS, ..create(0, code) };
    let case = Case::new(&scene::state(), &sign(0, tx));
    let bytes = case.is_true();
    assert!(bytes < MOST, "{} MiB", bytes / MIB);
    assert_eq!(ask_on(QUARTER, &case.truth(), &case.schedule).0, Ok(()));
}
