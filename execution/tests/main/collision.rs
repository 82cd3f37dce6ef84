//! Creations over storage (EIP-7610). On L2 there is no account with storage alone; a state root given to EXECUTE may have one.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use recourse_execution::{Genesis, GenesisAccount, State};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{account, call, contract, create, genesis, sign},
    settle::{executed, run},
};

const CREATOR: Address = Address::repeat_byte(0x77);
const FIVE: U256 = U256::from_limbs([5, 0, 0, 0]);

/// With 5 in slot 0, and 1 wei.
fn storage_only() -> GenesisAccount {
    GenesisAccount {
        balance: U256::from(1),
        storage: BTreeMap::from([(U256::ZERO, FIVE)]),
        ..GenesisAccount::default()
    }
}

/// The scene with a contract of this code, and storage alone at `occupied`.
fn state(code: Bytes, occupied: Address) -> State {
    let Genesis { mut alloc } = genesis();
    alloc.insert(CREATOR, contract(code));
    alloc.insert(occupied, storage_only());
    State::of(&alloc).unwrap()
}

fn is_untouched(state: &State, occupied: Address) -> bool {
    let account = state.account(occupied).unwrap().unwrap();
    account.nonce == 0
        && account.balance == U256::from(1)
        && state.storage(occupied, U256::ZERO).unwrap() == FIVE
}

#[test]
fn a_creation_transaction_fails_over_storage_and_takes_all_gas() {
    let occupied = account(0).create(0);
    let state = state(Bytes::new(), occupied);
    let recorded = run(&state, &sign(0, create(0, Bytes::new())));
    assert!(!executed(&recorded).receipt.status());
    assert_eq!(recorded.gas_used, 1_000_000);
    assert_eq!(recorded.state.account(account(0)).unwrap().unwrap().nonce, 1);
    assert!(is_untouched(&recorded.state, occupied));
}

#[test]
fn contracts_that_create_over_storage_get_zero_and_count_the_nonce() {
    // The result plus 7 goes to slot 0.
    let store = [op::PUSH1, 7, op::ADD, op::PUSH0, op::SSTORE];
    let first = Code::new().ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::CREATE]).ops(&store);
    let second = Code::new().ops(&[op::PUSH0; 4]).op(op::CREATE2).ops(&store);
    for (code, occupied) in [
        (first, CREATOR.create(1)),
        (second, CREATOR.create2(U256::ZERO.to_be_bytes(), keccak256([]))),
    ] {
        let state = state(code.build(), occupied);
        // The collision leaves a 64th.
        let tx = TxEip1559 { gas_limit: 4_000_000, ..call(0, CREATOR, Bytes::new()) };
        let after = run(&state, &sign(0, tx)).state;
        assert_eq!(after.storage(CREATOR, U256::ZERO).unwrap(), U256::from(7));
        assert_eq!(after.account(CREATOR).unwrap().unwrap().nonce, 2);
        assert!(is_untouched(&after, occupied));
    }
}

#[test]
fn a_creation_that_fails_earlier_does_not_read_who_is_there() {
    let occupied = CREATOR.create(1);
    for (value, reads) in [(1_000_u64, true), (1_001, false)] {
        let code = Code::new().ops(&[op::PUSH0, op::PUSH0]).push(value).ops(&[op::CREATE, op::POP]);
        let state = state(code.build(), occupied);
        let leaf = state.proof(occupied, &[]).unwrap().nodes.pop().unwrap();
        let recorded = run(&state, &sign(0, call(0, CREATOR, Bytes::new())));
        assert_eq!(recorded.witness.nodes.contains(&leaf), reads, "{value} wei");
    }
}
