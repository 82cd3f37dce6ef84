use alloy_eips::eip2935;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{
    DatabaseRef,
    state::{AccountInfo, Bytecode},
};

use super::{Account, World, hashed_slot};
use crate::{
    error::StateError,
    evm::history_slot,
    trie::{By, InMemory},
};

/// The whole L2 state in memory. A clone is O(1) and stays what it was, so that any number of points of history can
/// be held and gone back to.
#[derive(Clone, Debug, Default)]
pub struct State {
    world: World,
}

impl State {
    pub(crate) fn new(world: World) -> Self {
        Self::from(world)
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The state root. Hashes what changed since the last call; threads of the rayon pool that this runs in share the work if
    /// it is much.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.world.root_by(By::Threads)
    }

    /// The account at `address`.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.world.account(address, &mut InMemory)?)
    }

    /// The value of a storage slot; zero when it is not set or there is no such account.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(account) = self.account(address)? else {
            return Ok(U256::ZERO);
        };
        let value = account.storage.get(&hashed_slot(slot), &mut InMemory)?;
        Ok(value.map_or(U256::ZERO, |slot| slot.0))
    }

    /// The code with a hash.
    ///
    /// # Errors
    /// [`StateError::MissingCode`] when no account of this state ever had it.
    pub fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        match self.world.code(hash)? {
            Some(code) => Ok(code.bytes()),
            None => Err(StateError::MissingCode(hash)),
        }
    }

    /// The code of an account; empty when it has none.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn code_at(&self, address: Address) -> Result<Bytes, StateError> {
        match self.account(address)? {
            Some(account) => self.code(account.code_hash),
            None => Ok(Bytes::new()),
        }
    }
}

impl AsRef<World> for State {
    fn as_ref(&self) -> &World {
        &self.world
    }
}

/// Whoever makes a state of a world vouches that it is in memory: reading what is blinded is an error.
impl From<World> for State {
    fn from(world: World) -> Self {
        Self { world }
    }
}

/// For calls and traces outside of blocks. Blocks themselves run on an account of what they use.
impl DatabaseRef for State {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.account(address)?;
        Ok(account.map(|account| account.info()))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        match self.world.code(hash)? {
            Some(code) => Ok(code.bytecode().clone()),
            None => Err(StateError::MissingCode(hash)),
        }
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage(address, slot)
    }

    /// From the EIP-2935 contract; the caller (revm) keeps to its range of blocks.
    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        let hash = self.storage(eip2935::HISTORY_STORAGE_ADDRESS, history_slot(number))?;
        Ok(hash.into())
    }
}
