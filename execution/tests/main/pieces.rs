//! Openings, credits, and whole blocks.

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_execution::{
    ExecuteError, RecordError, Recorder, State,
    block::{BlockBody, BlockExecutor, Opening, Sequential},
};
use recourse_protocol::{TxPosition, bindings::BlockContext, bindings::Credit};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{
        self, MAX_WITNESS, STORER, account, block, call, create, delegation, schedule, sign, state,
        transfer, writes,
    },
    settle::{executed, run, run_in, settles},
};

fn opening() -> Opening {
    Opening { parent_hash: B256::repeat_byte(0xaa), anchor: B256::repeat_byte(0xbb) }
}

#[test]
fn an_opening_makes_both_system_calls() {
    let pre = state();
    let schedule = schedule();
    let recorded = Recorder::new(&schedule, MAX_WITNESS).open(&pre, &block(), opening()).unwrap();
    settles(&pre, &recorded);
    let post = &recorded.state;
    assert_eq!(
        post.storage(eip2935::HISTORY_STORAGE_ADDRESS, U256::ZERO).unwrap(),
        U256::from_be_bytes(opening().parent_hash.0)
    );
    let at = U256::from(block().timestamp % 8_191);
    assert_eq!(
        post.storage(eip4788::BEACON_ROOTS_ADDRESS, at).unwrap(),
        U256::from(block().timestamp)
    );
    assert_eq!(
        post.storage(eip4788::BEACON_ROOTS_ADDRESS, at + U256::from(8_191)).unwrap(),
        U256::from_be_bytes(opening().anchor.0)
    );
    assert!(post.account(revm::handler::SYSTEM_ADDRESS).unwrap().is_none());
}

#[test]
fn an_opening_needs_the_standard_codes() {
    let schedule = schedule();
    for bad in [eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS] {
        // A transaction cannot change a predeploy; a hostile pre-state can have another one.
        let pre = replace_code(bad);
        let refused = Recorder::new(&schedule, MAX_WITNESS).open(&pre, &block(), opening());
        assert!(
            matches!(refused, Err(RecordError::Refused(ExecuteError::Predeploy(at))) if at == bad)
        );
    }
}

/// A state with an endless loop at a predeploy.
fn replace_code(address: Address) -> State {
    let mut accounts = scene::genesis().alloc;
    for predeploy in [eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS] {
        accounts.insert(predeploy, scene::contract(state().code_at(predeploy).unwrap()));
    }
    let looping = Code::new().ops(&[op::JUMPDEST, op::PUSH0, op::JUMP]).build();
    accounts.get_mut(&address).unwrap().code = looping;
    State::of(&accounts).unwrap()
}

#[test]
fn credits_are_withdrawals() {
    let pre = state();
    let schedule = schedule();
    let credits = vec![
        Credit { to: account(1), amountGwei: 3 },
        Credit { to: Address::repeat_byte(0x77), amountGwei: u64::MAX },
        Credit { to: account(1), amountGwei: 4 },
        Credit { to: Address::repeat_byte(0x78), amountGwei: 0 },
    ];
    let recorded = Recorder::new(&schedule, MAX_WITNESS).seal(&pre, &block(), &credits).unwrap();
    settles(&pre, &recorded);
    let balance = |state: &State, who| state.account(who).unwrap().map(|account| account.balance);
    let grown = balance(&recorded.state, account(1)).unwrap() - balance(&pre, account(1)).unwrap();
    assert_eq!(grown, U256::from(7_000_000_000_u64));
    assert_eq!(balance(&recorded.state, Address::repeat_byte(0x78)), None);

    let none = Recorder::new(&schedule, MAX_WITNESS).seal(&pre, &block(), &[]).unwrap();
    assert_eq!(none.state_root, pre.root());
}

#[test]
fn blockhash_reads_the_history_contract() {
    let schedule = schedule();
    let opened = Recorder::new(&schedule, MAX_WITNESS).open(&state(), &block(), opening()).unwrap();
    // storage[1] = blockhash(0), storage[2] = blockhash(number), in block 1.
    let code = Code::new().ops(&[op::PUSH0, op::BLOCKHASH, op::PUSH1, 1, op::SSTORE]).ops(&[
        op::NUMBER,
        op::BLOCKHASH,
        op::PUSH1,
        2,
        op::SSTORE,
        op::STOP,
    ]);
    let recorded = run(&opened.state, &sign(0, create(0, code.build())));
    let contract = executed(&recorded).contract_address.unwrap();
    assert_eq!(
        recorded.state.storage(contract, U256::from(1)).unwrap(),
        U256::from_be_bytes(opening().parent_hash.0)
    );
    assert_eq!(recorded.state.storage(contract, U256::from(2)).unwrap(), U256::ZERO);

    // Out of range in block 300.
    let late = BlockContext { number: 300, ..block() };
    let recorded =
        run_in(&opened.state, &late, TxPosition::default(), &sign(0, create(0, code_at_zero())));
    let contract = executed(&recorded).contract_address.unwrap();
    assert_eq!(recorded.state.storage(contract, U256::from(1)).unwrap(), U256::ZERO);
}

fn code_at_zero() -> Bytes {
    Code::new().ops(&[op::PUSH0, op::BLOCKHASH, op::PUSH1, 1, op::SSTORE, op::STOP]).build()
}

#[test]
fn a_whole_block_is_its_steps() {
    let body = BlockBody {
        opening: Some(opening()),
        transactions: vec![
            sign(0, transfer(0, account(1), 5)),
            Bytes::from_static(b"garbage"),
            sign(0, create(1, Code::new().store(1, 5).deployer().build())),
            sign(1, call(0, account(0).create(1), Bytes::new())),
            sign(2, call(0, STORER, writes(&[(1, 0), (2, 0), (200, 3)]))),
            sign(0, delegation(2, 3, 0, STORER)),
            sign(4, transfer(3, account(1), 5)),
        ],
        credits: Some(vec![Credit { to: account(6), amountGwei: 5 }]),
    };
    whole_is_steps(&state(), &body, MAX_WITNESS);
}

/// Executes a block at once and step by step, and settles each step, the whole, and some pieces.
pub fn whole_is_steps(pre: &State, body: &BlockBody, max_witness: u32) {
    let schedule = schedule();
    let whole = Sequential::new(schedule.clone(), max_witness)
        .execute(pre, &block(), TxPosition::default(), body)
        .unwrap();
    let recorder = Recorder::new(&schedule, max_witness);
    let all = recorder.piece(pre, &block(), TxPosition::default(), body).unwrap();
    settles(pre, &all);
    assert_eq!(all.state_root, whole.state.root());

    let opened = recorder.open(pre, &block(), body.opening.unwrap()).unwrap();
    let (mut at, mut position) = (opened.state, TxPosition::default());
    for raw in &body.transactions {
        let step = recorder.transact(&at, &block(), position, raw).unwrap();
        settles(&at, &step);
        position = step.runs[0].after(position);
        assert_eq!(position.receipt_digest_before, step.receipt_digest);
        at = step.state;
    }
    assert_eq!(position, whole.position);
    let sealed = recorder.seal(&at, &block(), body.credits.as_ref().unwrap()).unwrap();
    assert_eq!(sealed.state_root, whole.state.root());
}
