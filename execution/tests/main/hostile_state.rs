//! Corners of the state transition, each with its witness spoiled in every way.

use std::collections::BTreeMap;

use alloy::consensus::TxEip1559;
use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use recourse_execution::{GenesisAccount, Recorded, Recorder, State};
use recourse_protocol::{TxPosition, bindings::BlockContext, bindings::Credit};
use revm::bytecode::opcode as op;

use crate::{
    assembler::Code,
    hostile_witness::{ask, missing_code, missing_node, withstands},
    scene::{
        COINBASE, MAX_WITNESS, STORER, account, block, call, contract, create, delegation, filler,
        genesis, schedule, sign, state, transfer, writes,
    },
    settle::{executed, run, run_in},
};

/// Runs a transaction, settles it, and spoils its witness.
fn tried(pre: &State, raw: &Bytes) -> Recorded {
    let recorded = run(pre, raw);
    withstands(pre.root(), &recorded);
    recorded
}

fn succeeded(recorded: &Recorded) -> bool {
    executed(recorded).receipt.is_success()
}

fn exists(state: &State, address: Address) -> bool {
    state.account(address).unwrap().is_some()
}

/// A state with this contract at [`CONTRACT`].
fn with_contract(code: Code) -> State {
    let mut genesis = genesis();
    genesis.alloc.insert(CONTRACT, contract(code.build()));
    genesis.build().unwrap()
}

const CONTRACT: Address = Address::repeat_byte(0xc0);
const NOBODY: Address = Address::repeat_byte(0x99);

/// Where a path ends is a part of the proof: without it an account is not absent but unknown.
#[test]
fn an_absent_account_is_proven_absent() {
    let pre =
        with_contract(Code::new().address(NOBODY).ops(&[op::BALANCE, op::PUSH1, 1, op::SSTORE]));
    for raw in [sign(0, transfer(0, NOBODY, 5)), sign(0, call(0, CONTRACT, Bytes::new()))] {
        let recorded = tried(&pre, &raw);
        let path = pre.proof(NOBODY, &[]).unwrap().nodes;
        assert!(path.iter().all(|node| recorded.witness.nodes.contains(node)));
    }
}

/// One who is there can't be made absent by leaving away the end of its path.
#[test]
fn a_present_account_is_not_made_absent() {
    let pre = state();
    let recorded = tried(&pre, &sign(0, transfer(0, filler(7), 5)));
    let path = pre.proof(filler(7), &[]).unwrap().nodes;
    let leaf = path.last().unwrap();
    let mut witness = recorded.witness.clone();
    witness.nodes.retain(|node| node != leaf);
    assert_eq!(ask(pre.root(), &recorded, &witness), Err(missing_node(keccak256(leaf))));
}

#[test]
fn an_absent_slot_is_proven_absent() {
    let pre = with_contract(Code::new().ops(&[op::PUSH1, 77, op::SLOAD, op::PUSH1, 1, op::SSTORE]));
    tried(&pre, &sign(0, call(0, CONTRACT, Bytes::new())));
    // One that is absent beside others, and one that is there.
    let recorded = tried(&pre, &sign(0, call(0, STORER, writes(&[(500, 0), (3, 4)]))));
    for slot in [500_u64, 3] {
        let proof = pre.proof(STORER, &[U256::from(slot)]).unwrap();
        let end = proof.storage[0].nodes.last().unwrap().clone();
        let mut witness = recorded.witness.clone();
        witness.nodes.retain(|node| *node != end);
        assert_eq!(ask(pre.root(), &recorded, &witness), Err(missing_node(keccak256(&end))));
    }
}

/// By a call, by its length, by a copy; its hash is the account's and needs no code.
#[test]
fn absent_code_is_an_error() {
    let reads: [(&[u8], usize); 3] = [
        (&[op::EXTCODESIZE, op::POP], 2),
        (&[op::PUSH1, 32, op::PUSH0, op::PUSH0, op::DUP4, op::EXTCODECOPY], 2),
        (&[op::EXTCODEHASH, op::POP], 1),
    ];
    for (ops, codes) in reads {
        let pre = with_contract(Code::new().address(STORER).ops(ops));
        let recorded = tried(&pre, &sign(0, call(0, CONTRACT, Bytes::new())));
        assert_eq!(recorded.witness.codes.len(), codes);
        let mut witness = recorded.witness.clone();
        let last = witness.codes.pop().unwrap();
        assert_eq!(ask(pre.root(), &recorded, &witness), Err(missing_code(keccak256(last))));
    }
}

/// A call that fails has read its target all the same.
#[test]
fn the_target_of_a_failed_call_is_needed() {
    let reverts = Code::new().ops(&[op::PUSH0, op::PUSH0, op::REVERT]);
    let born = account(0).create(0);
    let cases = [
        // More wei than there is, no gas, a revert, and a frame around it that fails.
        (filler(5), Code::new().call(filler(5), 1_000_000, 50_000).store(1, 1)),
        (STORER, Code::new().call(STORER, 0, 0).store(1, 1)),
        (born, Code::new().call(born, 0, 50_000).store(1, 1)),
        (filler(5), Code::new().call(filler(5), 1, 50_000).store(1, 1).op(op::INVALID)),
        (NOBODY, Code::new().call(NOBODY, 1_000_000, 50_000).store(1, 1)),
    ];
    for (target, code) in cases {
        let mut genesis = genesis();
        genesis.alloc.insert(CONTRACT, contract(code.build()));
        genesis.alloc.insert(born, contract(reverts.clone().build()));
        let pre = genesis.build().unwrap();
        let recorded = tried(&pre, &sign(0, call(0, CONTRACT, Bytes::new())));
        let before = pre.account(target).unwrap().map(|account| account.balance);
        let after = recorded.state.account(target).unwrap().map(|account| account.balance);
        assert_eq!(before, after, "it failed");
        let end = pre.proof(target, &[]).unwrap().nodes.pop().unwrap();
        let mut witness = recorded.witness.clone();
        witness.nodes.retain(|node| *node != end);
        assert_eq!(ask(pre.root(), &recorded, &witness), Err(missing_node(keccak256(&end))));
    }
}

/// Its input is no pairing: the call fails, and the caller goes on.
#[test]
fn a_precompile_that_fails_needs_its_account() {
    let precompile = Address::with_last_byte(8);
    let code = Code::new().ops(&[op::PUSH0, op::PUSH0, op::PUSH1, 5, op::PUSH0, op::PUSH0]);
    let code = code.address(precompile).push(50_000_u64).ops(&[op::CALL, op::PUSH1, 1, op::SSTORE]);
    let recorded = tried(&with_contract(code), &sign(0, call(0, CONTRACT, Bytes::new())));
    assert!(succeeded(&recorded));
    assert_eq!(recorded.state.storage(CONTRACT, U256::from(1)).unwrap(), U256::ZERO);
}

fn delegated(pre: &State, authority: u8, nonce: u64, to: Address, sender_nonce: u64) -> Recorded {
    tried(pre, &sign(0, delegation(sender_nonce, authority, nonce, to)))
}

#[test]
fn a_delegation_is_set_used_and_cleared() {
    let set = delegated(&state(), 1, 0, STORER, 0);
    let used = tried(&set.state, &sign(2, call(0, account(1), writes(&[(5, 6), (6, 7)]))));
    assert_eq!(used.state.storage(account(1), U256::from(5)).unwrap(), U256::from(6));
    // Both codes: the designator, and what it designates.
    assert_eq!(used.witness.codes.len(), 2);
    for code in &used.witness.codes {
        let mut witness = used.witness.clone();
        witness.codes.retain(|kept| kept != code);
        let why = missing_code(keccak256(code));
        assert_eq!(ask(set.state.root(), &used, &witness), Err(why));
    }
    let cleared = delegated(&used.state, 1, 1, Address::ZERO, 1);
    assert!(cleared.state.code_at(account(1)).unwrap().is_empty());
    let called = tried(&cleared.state, &sign(2, call(1, account(1), writes(&[(5, 9)]))));
    assert_eq!(called.state.storage(account(1), U256::from(5)).unwrap(), U256::from(6));
}

/// Only one hop is followed: the code at its end is a designator, which does not run.
#[test]
fn a_chained_delegation_is_followed_once() {
    let last = delegated(&state(), 2, 0, STORER, 0);
    let chained = delegated(&last.state, 1, 0, account(2), 1);
    let called = tried(&chained.state, &sign(3, call(0, account(1), writes(&[(5, 6)]))));
    assert!(!succeeded(&called));
    let storer = state().code_at(STORER).unwrap();
    assert!(!called.witness.codes.contains(&storer));
    assert_eq!(called.witness.codes.len(), 2);
}

#[test]
fn delegations_to_oneself_to_nobody_and_to_a_precompile() {
    for (to, works) in [(account(1), false), (NOBODY, true), (Address::with_last_byte(4), true)] {
        let set = delegated(&state(), 1, 0, to, 0);
        let called = tried(&set.state, &sign(3, call(0, account(1), writes(&[(5, 6)]))));
        assert_eq!(succeeded(&called), works, "{to}");
    }
}

/// Two authorities, one of them twice, one with a wrong nonce: all are read.
#[test]
fn authorities_that_are_refused_are_needed() {
    let pre = state();
    let mut tx = delegation(0, 1, 0, STORER);
    tx.authorization_list.extend(delegation(0, 2, 9, STORER).authorization_list);
    tx.authorization_list.extend(delegation(0, 1, 0, NOBODY).authorization_list);
    let recorded = tried(&pre, &sign(0, tx));
    assert!(recorded.state.code_at(account(2)).unwrap().is_empty());
    let refused = pre.proof(account(2), &[]).unwrap().nodes.pop().unwrap();
    assert!(recorded.witness.nodes.contains(&refused));
}

/// Into an heir that is there, one that is not, and itself.
#[test]
fn a_destruction_within_the_creating_transaction_leaves_nothing() {
    let pre = state();
    let born = account(0).create(0);
    for heir in [filler(3), NOBODY, born, COINBASE] {
        let code = Code::new().store(1, 5).store(2, 6).address(heir).op(op::SELFDESTRUCT);
        let tx = TxEip1559 { value: U256::from(9), ..create(0, code.build()) };
        let recorded = tried(&pre, &sign(0, tx));
        assert!(succeeded(&recorded) && !exists(&recorded.state, born));
        let heir_before = pre.proof(heir, &[]).unwrap().nodes;
        assert!(heir_before.iter().all(|node| recorded.witness.nodes.contains(node)));
    }
}

/// Since EIP-6780 one that is older stays, and gives its wei away.
#[test]
fn a_destruction_later_only_moves_the_balance() {
    let pre = with_contract(Code::new().store(1, 5).address(NOBODY).op(op::SELFDESTRUCT));
    let recorded = tried(&pre, &sign(0, call(0, CONTRACT, Bytes::new())));
    let left = recorded.state.account(CONTRACT).unwrap().unwrap();
    assert_eq!((left.balance, left.nonce), (U256::ZERO, 1));
    assert_eq!(recorded.state.storage(CONTRACT, U256::from(1)).unwrap(), U256::from(5));
    assert!(exists(&recorded.state, NOBODY));
}

/// Creates from its calldata with CREATE2 and salt 0, then calls what it made; tells the address in slot 1.
fn factory() -> Code {
    Code::new()
        .ops(&[op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY])
        .ops(&[op::PUSH0, op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CREATE2])
        .ops(&[op::DUP1, op::PUSH1, 1, op::SSTORE])
        .ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0])
        .ops(&[op::DUP6, op::GAS, op::CALL, op::POP, op::STOP])
}

/// Init code that writes two slots and leaves this runtime.
fn child(runtime: Code) -> Bytes {
    let deployer = runtime.deployer().build();
    // The deployer copies itself from byte 10 on: the writes run on its stack before, so shift by their length.
    let writes = Code::new().store(1, 5).store(2, 6).build();
    let mut code = [&writes[..], &deployer].concat();
    code[writes.len() + 5] += writes.len() as u8;
    code.into()
}

fn made(state: &State) -> U256 {
    state.storage(CONTRACT, U256::from(1)).unwrap()
}

/// Its storage was written and went with it, twice at the same address.
#[test]
fn create2_over_destroyed_storage() {
    let pre = with_contract(factory());
    let init = child(Code::new().store(3, 7).address(filler(3)).op(op::SELFDESTRUCT));
    let address = CONTRACT.create2(B256::ZERO, keccak256(&init));
    let once = tried(&pre, &sign(0, call(0, CONTRACT, init.clone())));
    assert_eq!(made(&once.state), U256::from_be_bytes(address.into_word().0));
    assert!(!exists(&once.state, address));
    let twice = tried(&once.state, &sign(1, call(0, CONTRACT, init)));
    assert_eq!(made(&twice.state), U256::from_be_bytes(address.into_word().0));
    assert!(!exists(&twice.state, address));
}

/// Its storage was written and emptied again, but it is still there: the second creation fails.
#[test]
fn create2_over_emptied_storage_collides() {
    let pre = with_contract(factory());
    let init = child(Code::new().store(1, 0).store(2, 0).op(op::STOP));
    let address = CONTRACT.create2(B256::ZERO, keccak256(&init));
    let once = tried(&pre, &sign(0, call(0, CONTRACT, init.clone())));
    assert!(once.state.account(address).unwrap().unwrap().storage.is_empty());
    let twice = tried(&once.state, &sign(1, call(0, CONTRACT, init)));
    assert_eq!(made(&twice.state), U256::ZERO);
    let left = |recorded: &Recorded| recorded.state.account(address).unwrap().unwrap().nonce;
    assert_eq!((left(&once), left(&twice)), (1, 1));
}

/// Onto wei that somebody sent there before.
#[test]
fn create2_over_a_balance() {
    let init = child(Code::new().op(op::STOP));
    let address = CONTRACT.create2(B256::ZERO, keccak256(&init));
    let funded = tried(&with_contract(factory()), &sign(1, transfer(0, address, 5)));
    let recorded = tried(&funded.state, &sign(0, call(0, CONTRACT, init)));
    let born = recorded.state.account(address).unwrap().unwrap();
    assert_eq!((born.balance, born.nonce), (U256::from(5), 1));
    assert_eq!(recorded.state.storage(address, U256::from(2)).unwrap(), U256::from(6));
}

/// Touched and empty: no account comes to be, and that there is none is proven.
#[test]
fn empty_accounts_do_not_come_to_be() {
    let zero_call = with_contract(Code::new().call(NOBODY, 0, 50_000));
    let heir = with_contract(Code::new().call(CONTRACT, 0, 0).address(NOBODY).op(op::SELFDESTRUCT));
    let tipless = TxEip1559 { max_priority_fee_per_gas: 0, ..transfer(0, NOBODY, 0) };
    let poor = {
        let mut genesis = genesis();
        let code = Code::new().address(NOBODY).op(op::SELFDESTRUCT).build();
        genesis.alloc.insert(CONTRACT, GenesisAccount { balance: U256::ZERO, ..contract(code) });
        genesis.build().unwrap()
    };
    let cases = [
        (state(), sign(0, transfer(0, NOBODY, 0)), true),
        (state(), sign(0, tipless), true),
        (zero_call, sign(0, call(0, CONTRACT, Bytes::new())), true),
        (poor, sign(0, call(0, CONTRACT, Bytes::new())), true),
        // With wei it does.
        (heir, sign(0, call(0, CONTRACT, Bytes::new())), false),
    ];
    for (pre, raw, nobody) in cases {
        let recorded = tried(&pre, &raw);
        assert_eq!(!exists(&recorded.state, NOBODY), nobody);
        let absence = pre.proof(NOBODY, &[]).unwrap().nodes;
        assert!(absence.iter().all(|node| recorded.witness.nodes.contains(node)));
    }
    let schedule = schedule();
    let credits = [Credit { to: NOBODY, amountGwei: 0 }];
    let pre = state();
    let sealed = Recorder::new(&schedule, MAX_WITNESS).seal(&pre, &block(), &credits).unwrap();
    withstands(pre.root(), &sealed);
    assert_eq!(sealed.state_root, pre.root());
}

fn hash_of(number: u64) -> U256 {
    keccak256(number.to_be_bytes()).into()
}

/// A state whose history contract knows the blocks before `number`, as many as it keeps, but for one.
fn with_history(number: u64, unknown: u64) -> State {
    let mut accounts = genesis().alloc;
    let window = eip2935::HISTORY_SERVE_WINDOW as u64;
    let known = (number.saturating_sub(400)..number).filter(|at| *at != unknown);
    let storage: BTreeMap<_, _> = known.map(|at| (U256::from(at % window), hash_of(at))).collect();
    let history = contract(eip2935::HISTORY_STORAGE_CODE.clone());
    accounts.insert(eip2935::HISTORY_STORAGE_ADDRESS, GenesisAccount { storage, ..history });
    accounts.insert(eip4788::BEACON_ROOTS_ADDRESS, contract(eip4788::BEACON_ROOTS_CODE.clone()));
    State::of(&accounts).unwrap()
}

/// `storage[1] = blockhash(asked)`, run in block `number`.
fn ask_for_hash(pre: &State, number: u64, asked: U256) -> (Recorded, U256) {
    let block = BlockContext { number, ..block() };
    let code = Code::new().push(asked).ops(&[op::BLOCKHASH, op::PUSH1, 1, op::SSTORE]);
    let raw = sign(0, create(0, code.build()));
    let recorded = run_in(pre, &block, TxPosition::default(), &raw);
    withstands(pre.root(), &recorded);
    let contract = executed(&recorded).contract_address.unwrap();
    let got = recorded.state.storage(contract, U256::from(1)).unwrap();
    (recorded, got)
}

/// In a block far on, where the slots of the history contract have wrapped: the 256 before it are known, and proven.
#[test]
fn blockhash_at_every_distance() {
    let (number, unknown) = (20_000, 19_990);
    let pre = with_history(number, unknown);
    let root = pre.root();
    for distance in [0, 1, 2, 10, 11, 255, 256, 257, 258, 8_191, 20_000] {
        let asked = number - distance;
        let (recorded, got) = ask_for_hash(&pre, number, U256::from(asked));
        let in_range = (1..=256).contains(&distance);
        let known = in_range && asked != unknown;
        assert_eq!(got, if known { hash_of(asked) } else { U256::ZERO }, "distance {distance}");

        let slot = U256::from(asked % 8_191);
        let path = pre.proof(eip2935::HISTORY_STORAGE_ADDRESS, &[slot]).unwrap();
        let end = path.storage[0].nodes.last().unwrap();
        assert_eq!(recorded.witness.nodes.contains(end), in_range, "distance {distance}");
        if in_range {
            let mut unproven = recorded.witness.clone();
            unproven.nodes.retain(|node| node != end);
            assert_eq!(ask(root, &recorded, &unproven), Err(missing_node(keccak256(end))));
        }
    }
    for asked in [
        U256::from(number + 1),
        U256::from(u64::MAX),
        (U256::from(1) << 64) + U256::from(number - 1),
        U256::MAX,
    ] {
        assert_eq!(ask_for_hash(&pre, number, asked).1, U256::ZERO, "{asked}");
    }
}

/// Where fewer than 256 blocks are: the first one is known, nothing is before it.
#[test]
fn blockhash_near_genesis() {
    let number = 10;
    let pre = with_history(number, u64::MAX);
    assert_eq!(ask_for_hash(&pre, number, U256::ZERO).1, hash_of(0));
    assert_eq!(ask_for_hash(&pre, number, U256::from(9)).1, hash_of(9));
    let before_genesis = U256::ZERO.wrapping_sub(U256::from(1));
    assert_eq!(ask_for_hash(&pre, number, before_genesis).1, U256::ZERO);
    assert_eq!(ask_for_hash(&pre, 0, U256::ZERO).1, U256::ZERO);
}
