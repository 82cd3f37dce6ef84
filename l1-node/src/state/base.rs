//! State that a chain starts from without having executed it.

use std::fmt::Debug;

use alloy_primitives::{Address, B256, U256};
use revm::state::{AccountInfo, Bytecode};

use super::StateError;

/// Where reads go that no block of this chain has written: nowhere for a new chain; for a fork,
/// the chain that it forks, read lazily.
pub(crate) trait BaseState: Debug + Send + Sync {
    /// Balance, nonce and code hash; `None` for an absent account.
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError>;

    /// The code of this hash.
    fn code(&self, hash: B256) -> Result<Bytecode, StateError>;

    /// A storage slot.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;

    /// The hash of a block before the first one of this chain.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;

    /// Whether what it does not hold is in no state root either: otherwise only what this chain wrote can be proven.
    fn is_whole(&self) -> bool;
}

/// Nothing at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EmptyBase;

impl BaseState for EmptyBase {
    fn account(&self, _address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(None)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        Err(StateError::UnknownCode(hash))
    }

    fn storage(&self, _address: Address, _slot: U256) -> Result<U256, StateError> {
        Ok(U256::ZERO)
    }

    fn block_hash(&self, _number: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }

    fn is_whole(&self) -> bool {
        true
    }
}
