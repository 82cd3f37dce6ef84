//! The provability rule and the bound on gross gas.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, ExecuteError, Executed, ExecutionError, Recorded, Recorder, State, StateError, replay,
};
use recourse_protocol::TxPosition;
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    scene::{
        self, CODE_READER, COINBASE, STORER, account, block, call, create, schedule, sign,
        transfer, writes,
    },
    settle::{claim, executed, no_pointers, settles},
};

const BIG: usize = 24_576;

fn big_contract(index: u8) -> Address {
    Address::repeat_byte(0xb0 | index)
}

/// The scene with five different codes of the largest size.
fn state() -> State {
    let mut genesis = scene::genesis();
    for index in 0..5 {
        let mut code = vec![0_u8; BIG];
        code[1] = index;
        genesis.alloc.insert(big_contract(index), scene::contract(code.into()));
    }
    genesis.build().unwrap()
}

fn words(addresses: &[Address]) -> Bytes {
    addresses.iter().flat_map(|address| address.into_word().0).collect::<Vec<_>>().into()
}

fn run_with(state: &State, limit: usize, raw: &[u8]) -> Recorded {
    let schedule = schedule();
    Recorder::new(&schedule, limit as u32)
        .transact(state, &block(), TxPosition::default(), raw)
        .unwrap()
}

fn bytes(recorded: &Recorded) -> usize {
    let nodes = recorded.witness.nodes.iter().map(|part| part.len());
    let codes = recorded.witness.codes.iter().map(|part| part.len());
    nodes.chain(codes).sum()
}

/// The limit is exact: what a transaction uses is what its witness holds, and one byte less makes it fail.
fn limit_is_exact(state: &State, raw: &[u8]) -> (Recorded, Recorded) {
    let free = run_with(state, 1 << 30, raw);
    assert!(!executed(&free).exhausted);
    let used = bytes(&free);
    let exact = run_with(state, used, raw);
    assert_eq!(exact.state_root, free.state_root);
    let short = run_with(state, used - 1, raw);
    assert!(executed(&short).exhausted);
    settles(state, &exact);
    settles(state, &short);
    fails_like_out_of_gas(state, &short);
    (free, short)
}

pub fn fails_like_out_of_gas(pre: &State, recorded: &Recorded) {
    let Executed { transaction, sender, receipt, .. } = executed(recorded);
    use alloy::consensus::Transaction;
    assert!(!receipt.is_success());
    assert!(receipt.logs().is_empty());
    assert_eq!(recorded.gas_used, transaction.gas_limit());

    // Nothing but the sender and the coinbase changed.
    let gas = U256::from(transaction.gas_limit());
    let before = pre.account(*sender).unwrap().unwrap();
    let after = recorded.state.account(*sender).unwrap().unwrap();
    assert_eq!(after.nonce, before.nonce + 1);
    let price = U256::from(executed(recorded).effective_gas_price);
    assert_eq!(before.balance - after.balance, gas * price);
    let balance = |state: &State| {
        let account = state.account(COINBASE).unwrap();
        account.map_or(U256::ZERO, |account| account.balance)
    };
    let tip = price - U256::from(scene::BASE_FEE);
    assert_eq!(balance(&recorded.state) - balance(pre), gas * tip);
    for index in 0..8 {
        if account(index) != *sender {
            same_account(pre, &recorded.state, account(index));
        }
    }
    for address in [STORER, CODE_READER, big_contract(0)] {
        same_account(pre, &recorded.state, address);
    }
}

fn same_account(one: &State, other: &State, address: Address) {
    let root = |state: &State| state.proof(address, &[]).unwrap();
    let (one, other) = (root(one), root(other));
    assert_eq!(
        (one.nonce, one.balance, one.code_hash, one.storage_root),
        (other.nonce, other.balance, other.code_hash, other.storage_root)
    );
}

#[test]
fn codes_count_once_and_their_limit_is_exact() {
    let all: Vec<_> = (0..5).map(big_contract).collect();
    let twice = [&all[..], &all[..]].concat();
    let raw = sign(0, call(0, CODE_READER, words(&twice)));
    let (free, short) = limit_is_exact(&state(), &raw);
    assert!(bytes(&free) > 5 * BIG && bytes(&free) < 6 * BIG + 20_000);
    // The part read so far proves the failure.
    assert!(bytes(&short) <= bytes(&free));
}

#[test]
fn writes_and_deletes_count_their_siblings() {
    let state = state();
    for pairs in [
        vec![(0, 0)],
        vec![(5, 0), (6, 0), (7, 0), (8, 1), (100, 1)],
        (0..24).map(|slot| (slot, 0)).collect(),
        (1_000..1_010).map(|slot| (slot, 1)).collect(),
    ] {
        limit_is_exact(&state, &sign(0, call(0, STORER, writes(&pairs))));
    }
}

#[test]
fn transfers_creations_delegations_count() {
    let state = state();
    limit_is_exact(&state, &sign(0, transfer(0, Address::repeat_byte(0x99), 1)));
    limit_is_exact(&state, &sign(0, create(0, Code::new().store(1, 2).deployer().build())));
    let (_, short) = limit_is_exact(&state, &sign(0, scene::delegation(0, 1, 0, STORER)));
    assert!(short.state.code_at(account(1)).unwrap().is_empty());
}

#[test]
fn the_smallest_limit_still_takes_the_fee() {
    let state = state();
    let raw = sign(0, transfer(0, account(1), 1));
    for limit in [0, 1, 600] {
        let recorded = run_with(&state, limit, &raw);
        assert!(executed(&recorded).exhausted);
        settles(&state, &recorded);
        fails_like_out_of_gas(&state, &recorded);
    }
    // An invalid transaction is a no-op whatever it reads.
    let invalid = run_with(&state, 0, &sign(0, transfer(1, account(1), 1)));
    assert_eq!((invalid.gas_used, invalid.state_root), (0, state.root()));
    settles(&state, &invalid);
}

#[test]
fn a_sender_that_is_the_coinbase_pays_itself_the_tip() {
    let mut genesis = scene::genesis();
    let funded = genesis.alloc[&account(0)].clone();
    genesis.alloc = BTreeMap::from([(account(0), funded)]);
    let state = genesis.build().unwrap();
    let block = recourse_protocol::bindings::BlockContext { coinbase: account(0), ..block() };
    let schedule = schedule();
    let recorded = Recorder::new(&schedule, 0)
        .transact(&state, &block, TxPosition::default(), &sign(0, transfer(0, account(1), 1)))
        .unwrap();
    settles(&state, &recorded);
    let paid = state.account(account(0)).unwrap().unwrap().balance
        - recorded.state.account(account(0)).unwrap().unwrap().balance;
    assert_eq!(paid, U256::from(1_000_000_u64) * U256::from(scene::BASE_FEE));
}

#[test]
fn warming_is_no_use() {
    let state = state();
    let plain = transfer(0, account(1), 1);
    let mut warm = plain.clone();
    warm.access_list = vec![alloy::eips::eip2930::AccessListItem {
        address: STORER,
        storage_keys: (0..20_u64).map(|slot| U256::from(slot).into()).collect(),
    }]
    .into();
    let (plain, warm) =
        (run_with(&state, 1 << 20, &sign(0, plain)), run_with(&state, 1 << 20, &sign(0, warm)));
    assert_eq!(plain.witness, warm.witness);
}

#[test]
fn code_created_in_the_transaction_does_not_count() {
    // Deploys a contract and calls it: no code in the witness.
    let child = Code::new().store(1, 5).op(op::STOP).deployer().build();
    let word = U256::from_be_slice(&[&child[..], &vec![0; 32 - child.len()]].concat());
    let code = Code::new()
        .push(word)
        .ops(&[op::PUSH0, op::MSTORE])
        .push(child.len() as u64)
        .ops(&[op::PUSH0, op::PUSH0, op::CREATE])
        // CALL(gas, address, 0, 0, 0, 0, 0)
        .ops(&[
            op::PUSH0,
            op::PUSH0,
            op::PUSH0,
            op::PUSH0,
            op::PUSH0,
            op::DUP6,
            op::GAS,
            op::CALL,
            op::STOP,
        ]);
    let state = state();
    let recorded = run_with(&state, 1 << 20, &sign(0, create(0, code.build())));
    assert!(executed(&recorded).receipt.is_success());
    let child = executed(&recorded).contract_address.unwrap().create(1);
    assert_eq!(recorded.state.storage(child, U256::from(1)).unwrap(), U256::from(5));
    assert!(recorded.witness.codes.is_empty());
    settles(&state, &recorded);
}

/// A contract whose code is the RLP of a trie node is in the witness twice, once as each.
#[test]
fn a_code_that_is_a_node_counts_as_both() {
    let mut accounts = scene::genesis().alloc;
    let leaf = U256::from(1) << 200;
    let storage: BTreeMap<_, _> = [(U256::ZERO, leaf)].into();
    let twin = Address::repeat_byte(0x61);
    accounts.insert(
        twin,
        recourse_execution::GenesisAccount {
            storage,
            ..scene::contract(crate::assembler::storer())
        },
    );
    let node = State::of(&accounts).unwrap().proof(twin, &[U256::ZERO]).unwrap().storage[0].nodes
        [0]
    .clone();
    let reader = Address::repeat_byte(0x62);
    accounts.insert(reader, scene::contract(node.clone()));
    // Reads the storage node by a write of slot 0, then the code of `reader`.
    let caller = Address::repeat_byte(0x63);
    let code = Code::new()
        .ops(&[op::PUSH0; 2])
        .push(64_u64)
        .ops(&[op::PUSH0, op::PUSH0])
        .address(twin)
        .ops(&[op::GAS, op::CALL, op::POP])
        .address(reader)
        .ops(&[op::EXTCODESIZE, op::POP, op::STOP]);
    accounts.insert(caller, scene::contract(code.build()));
    let state = State::of(&accounts).unwrap();
    let recorded = run_with(&state, 1 << 20, &sign(0, call(0, caller, Bytes::new())));
    assert!(executed(&recorded).receipt.is_success());
    assert!(recorded.witness.nodes.contains(&node));
    assert!(recorded.witness.codes.contains(&node));
    settles(&state, &recorded);
    limit_is_exact(&state, &sign(0, call(0, caller, Bytes::new())));
}

fn gas_bound(state: &State, recorded: &Recorded, gas_used: u64) -> Result<(), ExecuteError> {
    let trace = recorded.trace.abi_encode();
    let claim = Claim { gas_used, ..claim(state.root(), recorded, &trace) };
    replay(&claim, &schedule(), &no_pointers)
}

fn is_stopped(answer: &Result<(), ExecuteError>) -> bool {
    let Err(ExecuteError::Execution(ExecutionError::State(error))) = answer else { return false };
    matches!(error, StateError::GasBound { .. })
}

/// Dishonestly little gas stops early, in every kind of work.
#[test]
fn too_little_gas_stops_early() {
    let state = state();
    let looping = Code::new().ops(&[op::JUMPDEST, op::PUSH0, op::JUMP]).build();
    let hashing =
        Code::new().push(2_000_000_u64).ops(&[op::PUSH0, op::KECCAK256, op::STOP]).build();
    // MODEXP of 1,024-byte numbers.
    let modexp = Code::new()
        .push(1_024_u64)
        .ops(&[op::PUSH0, op::MSTORE])
        .push(1_024_u64)
        .ops(&[op::PUSH1, 32, op::MSTORE])
        .push(1_024_u64)
        .ops(&[op::PUSH1, 64, op::MSTORE])
        .push(0xff_u64)
        .push(96 + 1_024_u64)
        .op(op::MSTORE8)
        .push(0xff_u64)
        .push(96 + 2_048_u64)
        .op(op::MSTORE8)
        .push(0xff_u64)
        .push(96 + 3_071_u64)
        .op(op::MSTORE8)
        .ops(&[op::PUSH0, op::PUSH0])
        .push(96 + 3_072_u64)
        .ops(&[op::PUSH0, op::PUSH0])
        .push(5_u64)
        .ops(&[op::GAS, op::CALL, op::STOP])
        .build();
    let nested = Code::new().call(STORER, 0, 3_000_000).call(STORER, 1, 3_000_000).build();
    for (what, code) in
        [("loop", looping), ("keccak", hashing), ("modexp", modexp), ("calls", nested)]
    {
        let tx = alloy::consensus::TxEip1559 { gas_limit: 15_000_000, ..create(0, code) };
        let recorded = run_with(&state, 1 << 20, &sign(0, tx));
        assert!(recorded.gas_used > 55_000, "{what}: {}", recorded.gas_used);
        assert_eq!(gas_bound(&state, &recorded, recorded.gas_used), Ok(()), "{what}");
        for less in [0, 21_000, 43_000, recorded.gas_used * 3 / 4] {
            assert!(is_stopped(&gas_bound(&state, &recorded, less)), "{what} {less}");
        }
        // Too much is only wrong.
        let wrong = gas_bound(&state, &recorded, recorded.gas_used + 1);
        assert!(matches!(wrong, Err(ExecuteError::GasUsed { .. })), "{what}");
        settles(&state, &recorded);
    }
}

/// The bound changes nothing that a transaction can see: gas read in nested frames, precompiles, stipends.
#[test]
fn the_bound_is_invisible() {
    let inner = Address::repeat_byte(0x71);
    let outer = Address::repeat_byte(0x72);
    let mut accounts = scene::genesis().alloc;
    let reads =
        Code::new().ops(&[op::GAS, op::PUSH1, 1, op::SSTORE, op::GAS, op::PUSH1, 2, op::SSTORE]);
    accounts.insert(inner, scene::contract(reads.build()));
    let sha256 = Address::with_last_byte(2);
    let hashes = Address::repeat_byte(0x73);
    let endless = Code::new().push(U256::MAX).ops(&[op::PUSH0, op::KECCAK256]);
    accounts.insert(hashes, scene::contract(endless.build()));
    let code = Code::new()
        .call(inner, 1, 90_000)
        .call(sha256, 0, 50_000)
        .call(sha256, 0, 10) // out of gas
        .call(Address::with_last_byte(8), 0, 100_000)
        .call(hashes, 0, 100_000) // out of gas
        .ops(&[op::GAS, op::PUSH1, 3, op::SSTORE]);
    accounts.insert(outer, scene::contract(code.build()));
    let state = State::of(&accounts).unwrap();
    let recorded = run_with(&state, 1 << 20, &sign(0, call(0, outer, Bytes::new())));
    assert!(executed(&recorded).receipt.is_success());
    assert!(!recorded.state.storage(outer, U256::from(3)).unwrap().is_zero());
    settles(&state, &recorded);
}

#[test]
fn an_empty_coinbase_stays_away() {
    let state = state();
    let tx =
        alloy::consensus::TxEip1559 { max_priority_fee_per_gas: 0, ..transfer(0, account(1), 1) };
    for limit in [0, 1 << 20] {
        let recorded = run_with(&state, limit, &sign(0, tx.clone()));
        assert!(recorded.state.account(COINBASE).unwrap().is_none());
        settles(&state, &recorded);
    }
}
