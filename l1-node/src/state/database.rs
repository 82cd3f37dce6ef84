//! The state as revm's database.

use alloy_primitives::{Address, B256, U256, map::AddressMap};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    state::{Account, AccountInfo, Bytecode},
};

use super::{State, StateError, account::Present};

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
        for (address, account) in changes {
            if account.is_touched() {
                self.commit_account(address, account);
            }
        }
    }
}

impl State {
    fn commit_account(&mut self, address: Address, account: Account) {
        if account.is_selfdestructed() {
            return self.delete(address);
        }
        let mut present = if account.is_created() {
            Present::new(false)
        } else {
            // The EVM has read this account through `basic`, so the base has answered before.
            self.present(address).unwrap_or_else(|_| Present::new(true))
        };
        if let Some(code) = account.info.code {
            self.learn(code);
        }
        present.balance = account.info.balance;
        present.nonce = account.info.nonce;
        present.code_hash = account.info.code_hash;
        for (slot, value) in account.storage {
            if value.is_changed() {
                present.set_slot(slot, value.present_value);
            }
        }
        if present.is_empty() { self.delete(address) } else { self.put(address, present) }
    }
}
