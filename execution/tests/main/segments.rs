//! Hand-made segments through `execute`.

use alloy::consensus::TxEip4844;
use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, ExecuteError, Executed, Genesis, Invalid, RecordError, Recorded, Recorder, State,
    TraceShape, TxRun,
    block::{BlockBody, BlockExecutor, Opening, Sequential},
    execute, replay,
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit, Trace},
};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{
        self, MAX_WITNESS, STORER, account, block, call, create, delegation, filler, legacy,
        schedule, sign, state, transfer, tx, writes,
    },
};

pub fn no_pointers(_: Address) -> Option<Bytes> {
    None
}

pub fn claim<'a>(pre: B256, recorded: &Recorded, trace: &'a [u8]) -> Claim<'a> {
    Claim { pre, post: recorded.state_root, trace, gas_used: recorded.gas_used }
}

fn is_true(claim: &Claim<'_>) -> bool {
    execute(claim, &schedule(), &no_pointers)
}

/// `execute` says yes; says no when anything is changed, and when any part of the witness is left out.
pub fn settles(pre: &State, recorded: &Recorded) {
    let bytes = recorded.trace.abi_encode();
    let claim = claim(pre.root(), recorded, &bytes);
    assert_eq!(replay(&claim, &schedule(), &no_pointers), Ok(()));
    assert!(is_true(&claim));

    assert!(!is_true(&Claim { post: B256::repeat_byte(1), ..claim }));
    assert!(!is_true(&Claim { pre: B256::repeat_byte(1), ..claim }));
    for gas_used in [claim.gas_used + 1, claim.gas_used.wrapping_sub(1), 0, u64::MAX] {
        if gas_used != claim.gas_used {
            assert!(!is_true(&Claim { gas_used, ..claim }), "gas {gas_used}");
        }
    }
    let mut digest = recorded.trace.clone();
    digest.receiptDigestAfter = keccak256(digest.receiptDigestAfter);
    assert!(!is_true(&Claim { trace: &digest.abi_encode(), ..claim }));

    for index in 0..recorded.witness.nodes.len() {
        let mut witness = recorded.witness.clone();
        witness.nodes.remove(index);
        assert!(!with_witness(&claim, &recorded.trace, witness.encode()), "node {index}");
    }
    for index in 0..recorded.witness.codes.len() {
        let mut witness = recorded.witness.clone();
        witness.codes.remove(index);
        assert!(!with_witness(&claim, &recorded.trace, witness.encode()), "code {index}");
    }
    // What is too much does not matter.
    let mut witness = recorded.witness.clone();
    witness.nodes.insert(0, Bytes::from_static(b"garbage"));
    witness.codes.push(Bytes::from_static(b"garbage"));
    assert!(with_witness(&claim, &recorded.trace, witness.encode()));
}

fn with_witness(claim: &Claim<'_>, trace: &Trace, witness: Bytes) -> bool {
    let trace = Trace { witness, ..trace.clone() }.abi_encode();
    is_true(&Claim { trace: &trace, ..*claim })
}

/// Runs a transaction, settles it, and gives what became of it.
pub fn run(state: &State, raw: &[u8]) -> Recorded {
    run_in(state, &block(), TxPosition::default(), raw)
}

fn run_in(state: &State, block: &BlockContext, position: TxPosition, raw: &[u8]) -> Recorded {
    let schedule = schedule();
    let recorded =
        Recorder::new(&schedule, MAX_WITNESS).transact(state, block, position, raw).unwrap();
    settles(state, &recorded);
    recorded
}

pub fn executed(recorded: &Recorded) -> &Executed {
    match &recorded.runs[0] {
        TxRun::Included(executed) => executed,
        TxRun::NoOp(why) => panic!("a no-op: {why}"),
    }
}

fn no_op(recorded: &Recorded) -> &Invalid {
    assert_eq!(recorded.gas_used, 0);
    assert_eq!(recorded.receipt_digest, recorded.trace.receiptDigestBefore);
    match &recorded.runs[0] {
        TxRun::NoOp(why) => why,
        TxRun::Included(executed) => panic!("included: {executed:?}"),
    }
}

#[test]
fn a_transfer() {
    let pre = state();
    let recorded = run(&pre, &sign(0, transfer(0, account(1), 77)));
    let done = executed(&recorded);
    assert_eq!(recorded.gas_used, 21_000);
    assert!(done.receipt.is_success());
    let before = pre.account(account(1)).unwrap().unwrap().balance;
    let after = recorded.state.account(account(1)).unwrap().unwrap().balance;
    assert_eq!(after - before, U256::from(77));
    let tip = recorded.state.account(scene::COINBASE).unwrap().unwrap().balance;
    assert_eq!(tip, U256::from(21_000 * 7));
}

#[test]
fn a_legacy_transfer_to_a_new_account() {
    let recorded = run(&state(), &sign(2, legacy(0, Address::repeat_byte(0x99))));
    assert_eq!(executed(&recorded).effective_gas_price, 2_000_000_000);
}

#[test]
fn a_creation_and_a_call_to_it() {
    let runtime = Code::new().store(1, 5).op(op::STOP);
    let created = run(&state(), &sign(0, create(0, runtime.clone().deployer().build())));
    let contract = executed(&created).contract_address.unwrap();
    assert_eq!(created.state.code_at(contract).unwrap(), runtime.build());

    let called = run(&created.state, &sign(1, call(0, contract, Bytes::new())));
    assert_eq!(called.state.storage(contract, U256::from(1)).unwrap(), U256::from(5));
    // The code is used, so it is in the witness.
    assert_eq!(called.witness.codes.len(), 1);
}

#[test]
fn writes_inserts_and_deletes() {
    let pairs = [(0, 0), (1, 0), (2, 99), (100, 1), (101, 2), (3, 0), (23, 0)];
    let recorded = run(&state(), &sign(0, call(0, STORER, writes(&pairs))));
    for (slot, value) in pairs {
        assert_eq!(recorded.state.storage(STORER, U256::from(slot)).unwrap(), U256::from(value));
    }
}

#[test]
fn all_slots_deleted() {
    let pairs: Vec<_> = (0..24).map(|slot| (slot, 0)).collect();
    let recorded = run(&state(), &sign(0, call(0, STORER, writes(&pairs))));
    let account = recorded.state.account(STORER).unwrap().unwrap();
    assert!(account.storage.is_empty());
}

/// A refund of a fifth: gross gas is 5/4 of the gas used, as much as the bound allows.
#[test]
fn the_largest_refund_is_within_the_gas_bound() {
    let pairs: Vec<_> = (0..24).map(|slot| (slot, 0)).collect();
    let recorded = run(&state(), &sign(0, call(0, STORER, writes(&pairs))));
    let all_kept: Vec<_> = (0..24).map(|slot| (slot, slot + 1)).collect();
    let without = run(&state(), &sign(0, call(0, STORER, writes(&all_kept))));
    assert!(recorded.gas_used > 0 && without.gas_used > 0);
}

#[test]
fn reverts_and_failures_pay() {
    let reverting = Code::new().store(1, 5).ops(&[op::PUSH0, op::PUSH0, op::REVERT]);
    let created = run(&state(), &sign(0, create(0, reverting.deployer().build())));
    let contract = executed(&created).contract_address.unwrap();
    let reverted = run(&created.state, &sign(1, call(0, contract, Bytes::new())));
    assert!(!executed(&reverted).receipt.is_success());
    assert!(reverted.gas_used < 1_000_000);

    let invalid = run(&state(), &sign(0, create(0, Bytes::from_static(&[op::INVALID]))));
    assert!(!executed(&invalid).receipt.is_success());
    assert_eq!(invalid.gas_used, 1_000_000);
}

#[test]
fn logs_and_their_bloom() {
    let code = Code::new().push(7_u64).ops(&[op::PUSH0, op::PUSH0, op::LOG1, op::STOP]);
    let recorded = run(&state(), &sign(0, create(0, code.build())));
    let receipt = &executed(&recorded).receipt;
    assert_eq!(receipt.logs().len(), 1);
    assert!(!receipt.logs_bloom().is_zero());
}

#[test]
fn a_contract_that_ends_where_it_begins() {
    // Has a balance before, is created there, writes, and destructs itself.
    let code = Code::new().store(1, 5).address(account(3)).op(op::SELFDESTRUCT);
    let contract = account(0).create(1);
    let funded = run(&state(), &sign(0, transfer(0, contract, 50)));
    let ended = run(&funded.state, &sign(0, create(1, code.build())));
    assert!(ended.state.account(contract).unwrap().is_none());
}

#[test]
fn a_delegation_and_its_end() {
    let delegated = run(&state(), &sign(0, delegation(0, 1, 0, STORER)));
    let code = delegated.state.code_at(account(1)).unwrap();
    assert_eq!(&code[..3], &[0xef, 0x01, 0x00]);

    // A delegated account is called, then sends.
    let called = run(&delegated.state, &sign(2, call(0, account(1), writes(&[(5, 6)]))));
    assert_eq!(called.state.storage(account(1), U256::from(5)).unwrap(), U256::from(6));
    let sent = run(&called.state, &sign(1, transfer(1, account(2), 1)));
    assert!(executed(&sent).receipt.is_success());

    let ended = run(&sent.state, &sign(0, delegation(1, 1, 2, Address::ZERO)));
    assert!(ended.state.code_at(account(1)).unwrap().is_empty());
}

#[test]
fn bad_authorizations_are_skipped() {
    let mut wrong = delegation(0, 1, 0, STORER);
    wrong.authorization_list.extend(delegation(0, 2, 9, STORER).authorization_list);
    wrong.authorization_list.extend(delegation(0, 1, 0, STORER).authorization_list);
    let recorded = run(&state(), &sign(0, wrong));
    assert!(recorded.state.code_at(account(2)).unwrap().is_empty());
    assert!(!recorded.state.code_at(account(1)).unwrap().is_empty());
}

#[test]
fn invalid_transactions_are_no_ops() {
    let pre = state();
    let good = transfer(0, account(1), 1);
    let cases: Vec<(&str, Bytes)> = vec![
        ("nothing", Bytes::new()),
        ("garbage", Bytes::from_static(b"garbage")),
        ("trailing", [&sign(0, good.clone())[..], &[0]].concat().into()),
        ("chain", sign(0, alloy::consensus::TxEip1559 { chain_id: 1, ..good.clone() })),
        ("nonce", sign(0, transfer(1, account(1), 1))),
        ("intrinsic", sign(0, alloy::consensus::TxEip1559 { gas_limit: 20_999, ..good.clone() })),
        ("cap", sign(0, alloy::consensus::TxEip1559 { gas_limit: (1 << 24) + 1, ..good.clone() })),
        (
            "fee",
            sign(
                0,
                alloy::consensus::TxEip1559 {
                    max_fee_per_gas: 1,
                    max_priority_fee_per_gas: 0,
                    ..good.clone()
                },
            ),
        ),
        (
            "tip",
            sign(
                0,
                alloy::consensus::TxEip1559 { max_priority_fee_per_gas: 1 << 60, ..good.clone() },
            ),
        ),
        ("poor", sign(20, good.clone())),
        ("value", sign(0, alloy::consensus::TxEip1559 { value: U256::MAX, ..good.clone() })),
        (
            "no authorization",
            sign(
                0,
                alloy::consensus::TxEip7702 {
                    authorization_list: vec![],
                    ..delegation(0, 1, 0, STORER)
                },
            ),
        ),
        ("an expensive one that is invalid", sign(0, delegation(5, 1, 0, STORER))),
    ];
    for (what, raw) in cases {
        let recorded = run(&pre, &raw);
        no_op(&recorded);
        assert_eq!(recorded.state_root, pre.root(), "{what}");
    }
}

#[test]
fn stateless_checks_need_no_witness() {
    for raw in [
        Bytes::from_static(b"garbage"),
        sign(0, alloy::consensus::TxEip1559 { gas_limit: 1, ..transfer(0, account(1), 1) }),
        sign(0, alloy::consensus::TxEip1559 { chain_id: 1, ..transfer(0, account(1), 1) }),
    ] {
        let recorded = run(&state(), &raw);
        no_op(&recorded);
        assert_eq!(recorded.witness.encode(), Bytes::from_static(&[0xc2, 0xc0, 0xc0]));
    }
}

#[test]
fn blob_transactions_are_invalid() {
    let blob = TxEip4844 {
        chain_id: scene::CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: 10_000_000_000,
        max_fee_per_blob_gas: 10_000_000_000,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    let recorded = run(&state(), &sign(0, blob));
    assert!(matches!(no_op(&recorded), Invalid::Blob));
}

#[test]
fn a_sender_with_code_is_refused() {
    let mut genesis = scene::genesis();
    genesis.alloc.get_mut(&account(0)).unwrap().code = Bytes::from_static(&[op::STOP]);
    let recorded = run(&genesis.build().unwrap(), &sign(0, transfer(0, account(1), 1)));
    no_op(&recorded);
    assert_eq!(recorded.witness.codes.len(), 1);
}

#[test]
fn what_is_left_of_the_block_bounds_the_gas_limit() {
    let block = BlockContext { gasLimit: 30_000_000, ..block() };
    let position = |gas_used_before| TxPosition {
        gas_used_before,
        receipt_digest_before: B256::repeat_byte(5),
    };
    let raw = sign(0, transfer(0, account(1), 1));
    let fits = run_in(&state(), &block, position(29_000_000), &raw);
    assert_eq!(executed(&fits).receipt.cumulative_gas_used(), 29_021_000);
    for before in [29_000_001, 30_000_000, u64::MAX] {
        let over = run_in(&state(), &block, position(before), &raw);
        assert!(matches!(no_op(&over), Invalid::BlockGas { gas_limit: 1_000_000, .. }));
    }
}

#[test]
fn receipts_fold() {
    let before = B256::repeat_byte(5);
    let recorded = run_in(
        &state(),
        &block(),
        TxPosition { gas_used_before: 9, receipt_digest_before: before },
        &sign(0, transfer(0, account(1), 1)),
    );
    use alloy_eips::eip2718::Encodable2718;
    let receipt = executed(&recorded).receipt.encoded_2718();
    // type 2, [status, cumulative gas, bloom, no logs]
    assert_eq!(receipt[0], 2);
    let folded = keccak256((before, keccak256(&receipt)).abi_encode());
    assert_eq!(recorded.receipt_digest, folded);
}

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
fn the_environment_is_that_of_l2() {
    // storage[k] = what the opcode gives
    let code = Code::new()
        .ops(&[op::BLOBBASEFEE, op::PUSH1, 1, op::SSTORE])
        .ops(&[op::CHAINID, op::PUSH1, 2, op::SSTORE])
        .ops(&[op::COINBASE, op::PUSH1, 3, op::SSTORE])
        .ops(&[op::DIFFICULTY, op::PUSH1, 4, op::SSTORE])
        .ops(&[op::GASLIMIT, op::PUSH1, 5, op::SSTORE])
        .ops(&[op::PUSH2, 0x01, 0x01, op::EXTCODEHASH, op::PUSH1, 6, op::SSTORE, op::STOP]);
    let recorded = run(&state(), &sign(0, create(0, code.build())));
    let contract = executed(&recorded).contract_address.unwrap();
    let slot = |slot: u64| recorded.state.storage(contract, U256::from(slot)).unwrap();
    assert_eq!(slot(1), U256::from(1));
    assert_eq!(slot(2), U256::from(scene::CHAIN));
    assert_eq!(slot(3), U256::from_be_slice(scene::COINBASE.as_slice()));
    assert_eq!(slot(4), U256::from_be_bytes(block().prevRandao.0));
    assert_eq!(slot(5), U256::from(block().gasLimit));
    assert_eq!(slot(6), U256::ZERO);
}

/// The `EXECUTE` precompile is L1's: on L2 its address is an empty account.
#[test]
fn execute_is_not_on_l2() {
    let to = address!("0000000000000000000000000000000000000101");
    let recorded = run(&state(), &sign(0, call(0, to, Bytes::from_static(&[1; 64]))));
    assert!(executed(&recorded).receipt.is_success());
    assert!(executed(&recorded).output.is_empty());
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

#[test]
fn witness_parts_lie_behind_pointers() {
    let pre = state();
    let recorded = run(&pre, &sign(0, call(0, STORER, writes(&[(1, 0)]))));
    let witness = recorded.witness.encode();
    let (first, rest) = witness.split_at(10);
    let (second, third) = rest.split_at(300);
    let code = |part: &[u8]| Bytes::from([&[0], part].concat());
    let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let trace = Trace {
        witness: Bytes::copy_from_slice(first),
        pointers: vec![one, two],
        ..recorded.trace.clone()
    }
    .abi_encode();
    let claim = claim(pre.root(), &recorded, &trace);
    let parts = |address: Address| match address {
        at if at == one => Some(code(second)),
        at if at == two => Some(code(third)),
        _ => None,
    };
    assert!(execute(&claim, &schedule(), &parts));
    assert!(!execute(&claim, &schedule(), &no_pointers));
    // Without the leading zero byte.
    let bare = |address: Address| parts(address).map(|code| [&[1], &code[1..]].concat().into());
    assert!(
        matches!(replay(&claim, &schedule(), &bare), Err(ExecuteError::Pointer(at)) if at == one)
    );
}

#[test]
fn only_the_canonical_encoding_is_true() {
    let pre = state();
    let recorded = run(&pre, &sign(0, transfer(0, account(1), 1)));
    let good = recorded.trace.abi_encode();
    let says =
        |trace: &[u8]| replay(&claim(pre.root(), &recorded, trace), &schedule(), &no_pointers);
    assert_eq!(says(&good), Ok(()));
    assert_eq!(says(&[&good[..], &[0; 32]].concat()), Err(ExecuteError::Trace));
    assert_eq!(says(&good[..good.len() - 32]), Err(ExecuteError::Trace));
    assert_eq!(says(&[]), Err(ExecuteError::Trace));
    // A dirty bool, and credits that nobody seals.
    let mut dirty = good.clone();
    dirty[32 + 7 * 32 + 31] = 2;
    assert_eq!(says(&dirty), Err(ExecuteError::Trace));
    let mut credits = recorded.trace.clone();
    credits.credits.push(Credit { to: account(1), amountGwei: 1 });
    assert_eq!(says(&credits.abi_encode()), Err(ExecuteError::CreditsWithoutSeal));
}

#[test]
fn a_base_fee_over_64_bits_is_false() {
    let pre = state();
    let recorded = run(&pre, &sign(0, transfer(0, account(1), 1)));
    let mut trace = recorded.trace.clone();
    trace.context.baseFee = U256::from(1) << 64;
    let bytes = trace.abi_encode();
    assert!(!is_true(&claim(pre.root(), &recorded, &bytes)));
}

#[test]
fn shapes_are_counted() {
    let trace = Trace {
        opens: true,
        credits: vec![Credit { to: account(1), amountGwei: 1 }; 3],
        transactions: vec![Bytes::from_static(&[1; 40]), Bytes::new()],
        pointers: vec![filler(1), filler(2)],
        ..Trace::default()
    };
    let bytes = trace.abi_encode();
    let whole = TraceShape {
        opens: true,
        transactions: 2,
        credits: 3,
        pointers: vec![filler(1), filler(2)],
    };
    assert_eq!(TraceShape::of(&bytes), whole);
    assert_eq!(TraceShape::of(&[]), TraceShape::default());
    // The last word is the second pointer: without it, all else still counts.
    let cut = TraceShape::of(&bytes[..bytes.len() - 1]);
    assert_eq!(cut, TraceShape { pointers: vec![filler(1)], ..whole });
}

#[test]
fn genesis_only_needs_its_alloc() {
    let empty = Genesis::default().build().unwrap();
    let recorded = run(&empty, &sign(0, tx(0, TxKind::Call(account(1)))));
    no_op(&recorded);
}
