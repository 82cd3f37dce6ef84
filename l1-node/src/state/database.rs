//! The state as revm's database.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, map::AddressMap};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    state::{Account, AccountInfo, Bytecode},
};

use super::{State, StateError, edit::Draft};

impl DatabaseRef for State {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.account(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.code(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.hashes.get(&number).copied().map_or_else(|| self.base.block_hash(number), Ok)
    }
}

impl Database for State {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        self.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.block_hash_ref(number)
    }
}

impl DatabaseCommit for State {
    fn commit(&mut self, changes: AddressMap<Account>) {
        for (address, account) in changes.into_iter().filter(|(_, account)| account.is_touched()) {
            if let Err(error) = self.commit_account(address, account) {
                self.failure.get_or_insert_with(|| Arc::new(error));
            }
        }
    }
}

impl State {
    fn commit_account(&mut self, address: Address, account: Account) -> Result<(), StateError> {
        if account.is_selfdestructed() {
            return self.delete(address);
        }
        let mut draft = if account.is_created() { Draft::new() } else { self.draft(address)? };
        if let Some(code) = account.info.code {
            self.learn(code);
        }
        draft.account.balance = account.info.balance;
        draft.account.nonce = account.info.nonce;
        draft.account.code_hash = account.info.code_hash;
        for (slot, value) in account.storage {
            if value.is_changed() {
                draft.set_slot(slot, value.present_value)?;
            }
        }
        if draft.account.is_empty() && !self.keeps_empty {
            self.delete(address)
        } else {
            self.put(address, draft)
        }
    }
}
