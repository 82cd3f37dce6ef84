//! The full state: genesis, proofs, going back.

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use recourse_execution::{
    AccountProof, Recorder, State, StateError, StateExecutor, trie::TrieError,
};
use recourse_protocol::{Executor, TxPosition};

use crate::scene::{self, STORER, block, schedule, state};

fn verify_account(root: B256, proof: &AccountProof) {
    let account = TrieAccount {
        nonce: proof.nonce,
        balance: proof.balance,
        storage_root: proof.storage_root,
        code_hash: proof.code_hash,
    };
    let mut rlp = Vec::new();
    account.encode(&mut rlp);
    let exists = account != TrieAccount::default();
    let key = Nibbles::unpack(keccak256(proof.address));
    verify_proof(root, key, exists.then_some(rlp), &proof.nodes).unwrap();
}

#[test]
fn genesis_has_the_predeploys_and_proves_them() {
    let state = state();
    for (address, code) in [
        (eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE.clone()),
        (eip4788::BEACON_ROOTS_ADDRESS, eip4788::BEACON_ROOTS_CODE.clone()),
    ] {
        assert_eq!(state.code_at(address).unwrap(), code);
        let proof = state.proof(address, &[]).unwrap();
        assert_eq!((proof.nonce, proof.code_hash), (1, keccak256(&code)));
        verify_account(state.root(), &proof);
    }
}

#[test]
fn genesis_root_is_that_of_another_implementation() {
    let alloc = scene::genesis().alloc;
    let state = state();
    let accounts = alloc
        .keys()
        .copied()
        .chain([eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS])
        .map(|address| {
            let storage =
                alloc.get(&address).map(|account| account.storage.clone()).unwrap_or_default();
            let slots = storage.into_iter().map(|(slot, value)| (B256::from(slot), value));
            let account = state.account(address).unwrap().unwrap();
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: alloy_trie::root::storage_root_unhashed(slots),
                code_hash: account.code_hash,
            };
            (address, account)
        });
    assert_eq!(state.root(), alloy_trie::root::state_root_unhashed(accounts));
}

#[test]
fn storage_and_absence_are_proven() {
    let state = state();
    let slots = [3, 23, 24, 1_000].map(U256::from);
    let proof = state.proof(STORER, &slots).unwrap();
    verify_account(state.root(), &proof);
    for slot in &proof.storage {
        let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(proof.storage_root, key, value, &slot.nodes).unwrap();
    }
    assert_eq!(proof.storage[0].value, U256::from(4));
    assert_eq!(proof.storage[3].value, U256::ZERO);
    let nobody = state.proof(Address::repeat_byte(0x99), &[U256::ZERO]).unwrap();
    verify_account(state.root(), &nobody);
}

#[test]
fn unknown_code_is_an_error() {
    let hash = keccak256("nobody's code");
    assert_eq!(state().code(hash), Err(StateError::MissingCode(hash)));
}

#[test]
fn the_executor_refuses_another_pre_state_and_goes_back() {
    let mut executor = StateExecutor::new(state(), schedule(), scene::MAX_WITNESS);
    let genesis = executor.state().clone();
    let raw = scene::sign(0, scene::transfer(0, scene::account(1), 9));
    let position = TxPosition::default();
    assert!(executor.transact(B256::ZERO, &block(), position, &raw).is_err());

    let first = executor.transact(genesis.root(), &block(), position, &raw).unwrap();
    assert_eq!(executor.take_executed().len(), 1);
    executor.restore(genesis.clone());
    let again = executor.transact(genesis.root(), &block(), position, &raw).unwrap();
    assert_eq!(first, again);
    assert_ne!(first.state_root, genesis.root());
}

#[test]
fn genesis_refuses_storage_without_nonce_and_code() {
    let mut genesis = scene::genesis();
    let storage = [(U256::ZERO, U256::ONE)].into();
    let address = Address::repeat_byte(0x61);
    genesis
        .alloc
        .insert(address, recourse_execution::GenesisAccount { storage, ..Default::default() });
    assert_eq!(genesis.build().err(), Some(StateError::StorageOnly(address)));
}

#[test]
fn a_partial_state_knows_what_its_witness_proves_and_nothing_else() {
    let (full, schedule) = (state(), schedule());
    let recorder = Recorder::new(&schedule, scene::MAX_WITNESS);
    let raw = scene::sign(0, scene::call(0, STORER, scene::writes(&[(0, 0), (1, 7)])));
    let start = TxPosition::default();
    let recorded = recorder.transact(&full, &block(), start, &raw).unwrap();
    let partial = State::partial(full.root(), &recorded.witness).unwrap();
    assert_eq!(partial.root(), full.root());
    assert_eq!(partial.storage(STORER, U256::from(1)), full.storage(STORER, U256::from(1)));
    assert_eq!(partial.code_at(STORER), full.code_at(STORER));
    let unproven = scene::account(5);
    assert!(full.account(unproven).unwrap().is_some());
    assert!(matches!(partial.account(unproven), Err(StateError::Trie(TrieError::Missing(_)))));
    let again = recorder.transact(&partial, &block(), start, &raw).unwrap();
    assert_eq!((again.state_root, again.witness), (recorded.state_root, recorded.witness));
}
