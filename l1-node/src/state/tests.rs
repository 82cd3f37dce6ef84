//! Roots and proofs, checked with alloy-trie's own verifier.
#![allow(clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, U256, address, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieAccount,
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};

use revm::{
    DatabaseCommit as _,
    state::{Account, AccountInfo, AccountStatus, Bytecode},
};

use super::{BaseState, EmptyBase, State, StateError};

/// A chain in which every account has one wei, and every slot of it 7.
#[derive(Debug)]
struct FullBase;

impl BaseState for FullBase {
    fn account(&self, _address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(Some(AccountInfo::from_balance(U256::ONE)))
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        Err(StateError::UnknownCode(hash))
    }

    fn storage(&self, _address: Address, _slot: U256) -> Result<U256, StateError> {
        Ok(U256::from(7))
    }

    fn block_hash(&self, _number: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }

    fn is_whole(&self) -> bool {
        false
    }
}

/// What a transaction that does this to an account leaves.
fn commit(state: &mut State, address: Address, status: AccountStatus, wei: u64) {
    let info = AccountInfo::from_balance(U256::from(wei));
    let mut account = Account::from(info);
    account.status = status | AccountStatus::Touched;
    state.commit([(address, account)].into_iter().collect());
}

fn state() -> State {
    let mut state = State::new(Arc::new(EmptyBase));
    for index in 0..50_u8 {
        state.set_balance(Address::with_last_byte(index), U256::from(index) + U256::ONE).unwrap();
    }
    state
}

#[test]
fn an_empty_state_has_the_empty_root() {
    assert_eq!(State::new(Arc::new(EmptyBase)).root().unwrap(), EMPTY_ROOT_HASH);
}

#[test]
fn the_root_forgets_what_was_undone() {
    let mut state = state();
    let before = state.root().unwrap();
    let account = address!("0x0000000000000000000000000000000000000005");
    state.set_storage(account, U256::from(3), U256::from(4)).unwrap();
    assert_ne!(state.root().unwrap(), before);
    state.set_storage(account, U256::from(3), U256::ZERO).unwrap();
    assert_eq!(state.root().unwrap(), before);
}

#[test]
fn a_clone_is_a_snapshot() {
    let mut state = state();
    let old = state.clone();
    let account = address!("0x0000000000000000000000000000000000000005");
    state.set_nonce(account, 9).unwrap();
    assert_eq!(old.account(account).unwrap().unwrap().nonce, 0);
    assert_eq!(state.account(account).unwrap().unwrap().nonce, 9);
}

#[test]
fn proofs_of_presence_and_absence_verify() {
    let mut state = state();
    let account = address!("0x0000000000000000000000000000000000000005");
    for slot in 0..20_u64 {
        state.set_storage(account, U256::from(slot), U256::from(slot + 1)).unwrap();
    }
    let root = state.root().unwrap();
    let slots = [B256::with_last_byte(7), B256::with_last_byte(200)];
    let proof = state.proof(account, &slots).unwrap();
    let leaf = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
    let key = Nibbles::unpack(keccak256(account));
    verify_proof(root, key, Some(alloy_rlp::encode(leaf)), &proof.account_proof).unwrap();
    for (slot, expected) in slots.iter().zip([Some(alloy_rlp::encode(U256::from(8))), None]) {
        let one = proof.storage_proof.iter().find(|one| one.key.as_b256() == *slot).unwrap();
        let key = Nibbles::unpack(keccak256(slot));
        verify_proof(proof.storage_hash, key, expected, &one.proof).unwrap();
    }
    let absent = address!("0x00000000000000000000000000000000000000ff");
    let proof = state.proof(absent, &slots).unwrap();
    verify_proof(root, Nibbles::unpack(keccak256(absent)), None, &proof.account_proof).unwrap();
    assert!(proof.storage_proof.iter().all(|one| one.proof.is_empty()));
}

#[test]
fn the_root_is_that_of_a_second_library() {
    let mut state = state();
    let account = address!("0x0000000000000000000000000000000000000005");
    let slots = (1..40_u64).map(|slot| (U256::from(slot), U256::from(slot * slot)));
    let mut expected: BTreeMap<Address, TrieAccount> = (0..50_u8)
        .map(|index| {
            let leaf = TrieAccount { balance: U256::from(index) + U256::ONE, ..Default::default() };
            (Address::with_last_byte(index), leaf)
        })
        .collect();
    for (slot, value) in slots.clone() {
        state.set_storage(account, slot, value).unwrap();
    }
    let storage = storage_root_unhashed(slots.map(|(slot, value)| (slot.into(), value)));
    expected.get_mut(&account).unwrap().storage_root = storage;
    assert_eq!(state.root().unwrap(), state_root_unhashed(expected));
}

#[test]
fn what_was_written_hides_its_slot_of_the_base_only() {
    let (account, slot) = (Address::with_last_byte(1), U256::from(3));
    let mut state = State::new(Arc::new(FullBase));
    state.set_storage(account, slot, U256::ZERO).unwrap();
    assert_eq!(state.storage(account, slot).unwrap(), U256::ZERO, "zero was written");
    assert_eq!(state.storage(account, U256::from(4)).unwrap(), U256::from(7));
    assert_eq!(state.account(account).unwrap().unwrap().balance, U256::ONE);
    commit(&mut state, account, AccountStatus::empty(), 5);
    assert_eq!(state.storage(account, slot).unwrap(), U256::ZERO);
    assert_eq!(state.storage(account, U256::from(4)).unwrap(), U256::from(7), "a payment keeps it");
}

#[test]
fn nothing_of_the_base_shines_through_what_ended_here() {
    let slot = U256::from(3);
    for (last, then) in
        [(1, None), (2, Some(AccountStatus::empty())), (3, Some(AccountStatus::Created))]
    {
        let account = Address::with_last_byte(last);
        let mut state = State::new(Arc::new(FullBase));
        let before = state.clone();
        commit(&mut state, account, AccountStatus::SelfDestructed, 0);
        assert_eq!(state.account(account).unwrap(), None);
        assert_eq!(state.storage(account, slot).unwrap(), U256::ZERO);
        if let Some(status) = then {
            commit(&mut state, account, status, 9);
            assert_eq!(state.account(account).unwrap().unwrap().balance, U256::from(9));
            assert_eq!(state.storage(account, slot).unwrap(), U256::ZERO, "{status:?}");
        }
        assert_eq!(
            before.storage(account, slot).unwrap(),
            U256::from(7),
            "a snapshot is as it was"
        );
    }
}

#[test]
fn what_came_into_being_here_has_no_slots_of_the_base() {
    let account = Address::with_last_byte(1);
    let mut state = State::new(Arc::new(FullBase));
    commit(&mut state, account, AccountStatus::Created, 9);
    assert_eq!(state.storage(account, U256::from(3)).unwrap(), U256::ZERO);
}
