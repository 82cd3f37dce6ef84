//! Writes to the state.

use alloy_primitives::{Address, B256, U256};
use recourse_execution::{Account, state::Slot, trie::InMemory};
use revm::state::Bytecode;

use super::{State, StateError, account_path, slot_path, written::Written};

/// An account to change.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) account: Account,
    pub(super) written: Written,
}

impl Draft {
    /// An account that comes into being.
    pub(super) fn new() -> Self {
        Self { account: Account::default(), written: Written::All }
    }

    pub(super) fn set_slot(&mut self, slot: U256, value: U256) -> Result<(), StateError> {
        let value = (!value.is_zero()).then_some(Slot(value));
        self.account.storage.apply([(&slot_path(slot), value)], &mut InMemory)?;
        self.written.add(slot);
        Ok(())
    }
}

impl State {
    /// Sets an account's balance in wei.
    pub(crate) fn set_balance(&mut self, address: Address, wei: U256) -> Result<(), StateError> {
        let mut draft = self.draft(address)?;
        draft.account.balance = wei;
        self.put(address, draft)
    }

    /// Sets an account's nonce.
    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) -> Result<(), StateError> {
        let mut draft = self.draft(address)?;
        draft.account.nonce = nonce;
        self.put(address, draft)
    }

    /// Sets an account's code.
    pub(crate) fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), StateError> {
        let mut draft = self.draft(address)?;
        draft.account.code_hash = self.learn(code);
        self.put(address, draft)
    }

    /// Sets a storage slot.
    pub(crate) fn set_storage(
        &mut self,
        address: Address,
        slot: U256,
        value: U256,
    ) -> Result<(), StateError> {
        let mut draft = self.draft(address)?;
        draft.set_slot(slot, value)?;
        self.put(address, draft)
    }

    /// Whether empty accounts that are touched stay, as before EIP-161.
    pub(crate) const fn keep_empty(&mut self, on: bool) {
        self.keeps_empty = on;
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

    /// The account to change: as written, as in the base, or new.
    pub(super) fn draft(&self, address: Address) -> Result<Draft, StateError> {
        if let Some(written) = self.written.get(&address) {
            let account = self.own(address)?.unwrap_or_default();
            return Ok(Draft { account, written: written.clone() });
        }
        Ok(self.base.account(address)?.map_or_else(Draft::new, |info| Draft {
            account: Account {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
                ..Account::default()
            },
            written: Written::none(),
        }))
    }

    /// Writes an account; an empty one without storage is deleted.
    pub(super) fn put(&mut self, address: Address, draft: Draft) -> Result<(), StateError> {
        let Draft { account, written } = draft;
        if account.is_empty() && account.storage.is_empty() && !self.keeps_empty {
            return self.delete(address);
        }
        self.accounts.apply([(&account_path(address), Some(account))], &mut InMemory)?;
        self.written.insert_mut(address, written);
        Ok(())
    }

    pub(super) fn delete(&mut self, address: Address) -> Result<(), StateError> {
        self.accounts.apply([(&account_path(address), None)], &mut InMemory)?;
        self.written.insert_mut(address, Written::All);
        Ok(())
    }
}
