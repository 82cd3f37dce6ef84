//! Writes to the state.

use alloy_primitives::{Address, B256, U256, keccak256};
use revm::state::Bytecode;

use super::{
    State, StateError,
    account::{Account, Present},
};

impl State {
    /// Sets an account's balance in wei.
    pub(crate) fn set_balance(&mut self, address: Address, wei: U256) -> Result<(), StateError> {
        self.edit(address, |account| account.balance = wei)
    }

    /// Sets an account's nonce.
    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) -> Result<(), StateError> {
        self.edit(address, |account| account.nonce = nonce)
    }

    /// Sets an account's code.
    pub(crate) fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), StateError> {
        let hash = self.learn(code);
        self.edit(address, |account| account.code_hash = hash)
    }

    /// Sets a storage slot.
    pub(crate) fn set_storage(
        &mut self,
        address: Address,
        slot: U256,
        value: U256,
    ) -> Result<(), StateError> {
        self.edit(address, |account| account.set_slot(slot, value))
    }

    /// Remembers a block hash for BLOCKHASH.
    pub(crate) fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.hashes.insert_mut(number, hash);
        if let Some(old) = number.checked_sub(256) {
            self.hashes.remove_mut(&old);
        }
    }

    /// Remembers a code and returns its hash.
    pub(super) fn learn(&mut self, code: Bytecode) -> B256 {
        let hash = code.hash_slow();
        if !code.is_empty() {
            self.codes.insert_mut(hash, code);
        }
        hash
    }

    /// Changes an account, which comes into being if need be and goes if it is empty after.
    fn edit(
        &mut self,
        address: Address,
        change: impl FnOnce(&mut Present),
    ) -> Result<(), StateError> {
        let mut present = self.present(address)?;
        change(&mut present);
        self.put(address, present);
        Ok(())
    }

    /// The account to change: as written, as in the base, or new.
    pub(super) fn present(&self, address: Address) -> Result<Present, StateError> {
        match self.written(address) {
            Some(Account::Present(present)) => Ok(present.clone()),
            Some(Account::Deleted) => Ok(Present::new(false)),
            None => Ok(match self.base.account(address)? {
                Some(info) => Present {
                    balance: info.balance,
                    nonce: info.nonce,
                    code_hash: info.code_hash,
                    ..Present::new(true)
                },
                None => Present::new(false),
            }),
        }
    }

    pub(super) fn put(&mut self, address: Address, present: Present) {
        let key = keccak256(address);
        let account = if present.is_empty() && present.slots.is_empty() {
            Account::Deleted
        } else {
            Account::Present(present)
        };
        self.accounts.insert_mut(key, account);
        self.dirty.insert(key);
    }

    pub(super) fn delete(&mut self, address: Address) {
        let key = keccak256(address);
        self.accounts.insert_mut(key, Account::Deleted);
        self.dirty.remove(&key);
    }
}
