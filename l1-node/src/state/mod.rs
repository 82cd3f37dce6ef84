//! The state of the L1: persistent maps, so that a clone is a snapshot and the state of every
//! recent block is kept at the price of what it changed.

mod account;
mod base;
mod database;
mod edit;
mod trie;

use std::sync::Arc;

use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_primitives::{Address, B256, U256, keccak256, map::B256Set};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use revm::state::{AccountInfo, Bytecode};
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

use account::{Account, Present, slot_key};
pub(crate) use base::{BaseState, EmptyBase};
use trie::Accounts;

/// Why a state could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// No account deployed this code.
    #[error("no code with hash {0}")]
    UnknownCode(B256),
}

impl revm::database_interface::DBErrorMarker for StateError {}

/// Accounts, storage, code and recent block hashes.
#[derive(Debug, Clone)]
pub(crate) struct State {
    base: Arc<dyn BaseState>,
    accounts: Accounts,
    /// Accounts whose storage root must be computed anew.
    dirty: B256Set,
    codes: HashTrieMapSync<B256, Bytecode>,
    hashes: RedBlackTreeMapSync<u64, B256>,
}

impl State {
    /// The state of a chain that has executed nothing yet.
    pub(crate) fn new(base: Arc<dyn BaseState>) -> Self {
        Self {
            base,
            accounts: Accounts::new_sync(),
            dirty: B256Set::default(),
            codes: HashTrieMapSync::new_sync(),
            hashes: RedBlackTreeMapSync::new_sync(),
        }
    }

    /// Balance, nonce and code hash; `None` for an absent account.
    pub(crate) fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.written(address) {
            Some(Account::Present(present)) => Ok(Some(present.info())),
            Some(Account::Deleted) => Ok(None),
            None => self.base.account(address),
        }
    }

    /// The code of this hash.
    pub(crate) fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        self.codes.get(&hash).cloned().map_or_else(|| self.base.code(hash), Ok)
    }

    /// A storage slot; an absent one is zero.
    pub(crate) fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.written(address) {
            Some(Account::Present(present)) => match present.slots.get(&slot_key(slot)) {
                Some(value) => Ok(*value),
                None if present.over_base => self.base.storage(address, slot),
                None => Ok(U256::ZERO),
            },
            Some(Account::Deleted) => Ok(U256::ZERO),
            None => self.base.storage(address, slot),
        }
    }

    /// The state root. Storage roots are kept for the next time.
    pub(crate) fn root(&mut self) -> B256 {
        for key in std::mem::take(&mut self.dirty) {
            if let Some(Account::Present(present)) = self.accounts.get_mut(&key) {
                present.storage_root = Some(present.storage_root());
            }
        }
        trie::state_root(&self.accounts)
    }

    /// EIP-1186 proof of an account and of these slots.
    pub(crate) fn proof(&self, address: Address, slots: &[B256]) -> EIP1186AccountProofResponse {
        let key = keccak256(address);
        let absent = Present::new(false);
        let (present, storage_hash) = match self.accounts.get(&key) {
            Some(Account::Present(present)) => (present, present.storage_root()),
            Some(Account::Deleted) | None => (&absent, EMPTY_ROOT_HASH),
        };
        let prove = |slot: &B256| {
            let hashed = keccak256(slot);
            EIP1186StorageProof {
                key: (*slot).into(),
                value: present.slots.get(&hashed).copied().unwrap_or_default(),
                proof: trie::storage_proof(&present.slots, hashed),
            }
        };
        EIP1186AccountProofResponse {
            address,
            balance: present.balance,
            code_hash: present.code_hash,
            nonce: present.nonce,
            storage_hash,
            account_proof: trie::account_proof(&self.accounts, key),
            storage_proof: slots.iter().map(prove).collect(),
        }
    }

    fn written(&self, address: Address) -> Option<&Account> {
        self.accounts.get(&keccak256(address))
    }
}

#[cfg(test)]
mod tests;
