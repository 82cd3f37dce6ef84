//! The state of the L1: persistent tries, so that a clone is a snapshot and the state of every
//! recent block is kept at the price of what it changed.

mod base;
mod change;
mod database;
mod edit;
mod error;
mod written;

use std::sync::Arc;

use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{KECCAK_EMPTY, Nibbles};
use recourse_execution::{
    Account,
    trie::{InMemory, Trie},
};
use revm::state::{AccountInfo, Bytecode};
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

pub(crate) use base::{BaseState, EmptyBase};
pub(crate) use change::Edit;
pub(crate) use error::{StateError, evm_error};
use written::Written;

/// Accounts, storage, code and recent block hashes.
#[derive(Debug, Clone)]
pub(crate) struct State {
    base: Arc<dyn BaseState>,
    accounts: Trie<Account>,
    /// What is this chain's own, whatever became of it: the base is not asked for it.
    written: HashTrieMapSync<Address, Written>,
    codes: HashTrieMapSync<B256, Bytecode>,
    hashes: RedBlackTreeMapSync<u64, B256>,
    /// Before EIP-161 an empty account that was touched stayed.
    keeps_empty: bool,
    /// Why a commit failed, which revm cannot be told.
    failure: Option<Arc<StateError>>,
}

impl State {
    /// The state of a chain that has executed nothing yet.
    pub(crate) fn new(base: Arc<dyn BaseState>) -> Self {
        Self {
            base,
            accounts: Trie::default(),
            written: HashTrieMapSync::new_sync(),
            codes: HashTrieMapSync::new_sync(),
            hashes: RedBlackTreeMapSync::new_sync(),
            keeps_empty: false,
            failure: None,
        }
    }

    /// Balance, nonce and code hash; `None` for an absent account.
    pub(crate) fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        match self.own(address)? {
            Some(account) => Ok(Some(account.info())),
            None if self.written.contains_key(&address) => Ok(None),
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
        if !self.written.get(&address).is_some_and(|written| written.has(slot)) {
            return self.base.storage(address, slot);
        }
        let Some(account) = self.own(address)? else { return Ok(U256::ZERO) };
        let value = account.storage.get(&slot_path(slot), &mut InMemory)?;
        Ok(value.map_or(U256::ZERO, |value| value.0))
    }

    /// The root of all that this chain has written.
    pub(crate) fn root(&self) -> Result<B256, StateError> {
        match &self.failure {
            Some(error) => Err(StateError::Commit(Arc::clone(error))),
            None => Ok(self.accounts.root()),
        }
    }

    /// EIP-1186 proof of an account and of these slots, against [`Self::root`]. What the root does not cover is an error:
    /// over a base that is not empty, a proof that it is absent would be false.
    pub(crate) fn proof(
        &self,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, StateError> {
        let written = self.written.get(&address);
        let covered = |written: bool| self.base.is_whole() || written;
        if !covered(written.is_some()) {
            return Err(StateError::Uncovered { address, slot: None });
        }
        let account = self.own(address)?.unwrap_or_default();
        let prove = |slot: &B256| {
            if !covered(written.is_some_and(|written| written.has((*slot).into()))) {
                return Err(StateError::Uncovered { address, slot: Some(*slot) });
            }
            let path = slot_path((*slot).into());
            let value = account.storage.get(&path, &mut InMemory)?;
            Ok(EIP1186StorageProof {
                key: (*slot).into(),
                value: value.map_or(U256::ZERO, |value| value.0),
                proof: account.storage.proof(&path)?,
            })
        };
        Ok(EIP1186AccountProofResponse {
            address,
            balance: account.balance,
            code_hash: account.code_hash,
            nonce: account.nonce,
            storage_hash: account.storage.root(),
            account_proof: self.accounts.proof(&account_path(address))?,
            storage_proof: slots.iter().map(prove).collect::<Result<_, StateError>>()?,
        })
    }

    /// The account as this chain wrote it.
    fn own(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(&account_path(address), &mut InMemory)?)
    }
}

fn account_path(address: Address) -> Nibbles {
    Nibbles::unpack(keccak256(address))
}

fn slot_path(slot: U256) -> Nibbles {
    Nibbles::unpack(keccak256(B256::from(slot)))
}

#[cfg(test)]
mod tests;
