use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_trie::EMPTY_ROOT_HASH;

use super::{State, hashed_address, hashed_slot};
use crate::error::StateError;

/// What `eth_getProof` answers (EIP-1186).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Whose proof it is.
    pub address: Address,
    /// Nonce; 0 when there is no such account.
    pub nonce: u64,
    /// In wei; 0 when there is no such account.
    pub balance: U256,
    /// `keccak256` of the code.
    pub code_hash: B256,
    /// Root of the storage trie.
    pub storage_root: B256,
    /// Nodes from the state root to the account, or to where it would be.
    pub nodes: Vec<Bytes>,
    /// One for each slot asked for.
    pub storage: Vec<StorageProof>,
}

/// The proof of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot's number.
    pub slot: U256,
    /// Its value; 0 when it is not set.
    pub value: U256,
    /// Nodes from the storage root to the slot, or to where it would be.
    pub nodes: Vec<Bytes>,
}

impl State {
    /// Proves an account, and some of its slots.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let nodes = self.world().accounts().proof(&hashed_address(address))?;
        let account = self.account(address)?;
        let storage = slots
            .iter()
            .map(|slot| {
                let nodes = match &account {
                    Some(account) => account.storage.proof(&hashed_slot(*slot))?,
                    None => Vec::new(),
                };
                Ok(StorageProof { slot: *slot, value: self.storage(address, *slot)?, nodes })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(AccountProof {
            address,
            nonce: account.as_ref().map_or(0, |account| account.nonce),
            balance: account.as_ref().map_or(U256::ZERO, |account| account.balance),
            code_hash: account.as_ref().map_or(KECCAK256_EMPTY, |account| account.code_hash),
            storage_root: account
                .as_ref()
                .map_or(EMPTY_ROOT_HASH, |account| account.storage.root()),
            nodes,
            storage,
        })
    }
}
