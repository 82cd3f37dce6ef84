//! Hand-made transactions through `execute`.

use alloy::consensus::TxEip4844;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{Genesis, Invalid};
use recourse_protocol::{TxPosition, bindings::BlockContext};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{
        self, STORER, account, block, call, create, delegation, legacy, sign, state, transfer, tx,
        writes,
    },
    settle::{executed, no_op, run, run_in},
};

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

/// The `EXECUTE` precompiles are L1's: on L2 their addresses are empty accounts.
#[test]
fn execute_is_not_on_l2() {
    let addresses = [
        address!("0000000000000000000000000000000000000101"),
        address!("0000000000000000000000000000000000000102"),
    ];
    for to in addresses {
        let recorded = run(&state(), &sign(0, call(0, to, Bytes::from_static(&[1; 64]))));
        assert!(executed(&recorded).receipt.is_success());
        assert!(executed(&recorded).output.is_empty());
    }
}

#[test]
fn genesis_only_needs_its_alloc() {
    let empty = Genesis::default().build().unwrap();
    let recorded = run(&empty, &sign(0, tx(0, TxKind::Call(account(1)))));
    no_op(&recorded);
}
