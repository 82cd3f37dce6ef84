use std::collections::BTreeMap;

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

use super::{Account, AccountChange, Code, State, World};
use crate::error::StateError;

/// What an account starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisAccount {
    /// In wei.
    pub balance: U256,
    /// Nonce.
    pub nonce: u64,
    /// Code, possibly empty.
    pub code: Bytes,
    /// Storage; zeros are left out.
    pub storage: BTreeMap<U256, U256>,
}

/// The accounts that L2 starts with. The EIP-2935 and EIP-4788 contracts are always among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Genesis {
    /// By address.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

impl Genesis {
    /// The state that this describes: [`State::of`] the accounts and the predeploys, which cannot be replaced.
    ///
    /// # Errors
    /// [`StateError::StorageOnly`] for an account with storage but neither nonce nor code: nothing but a genesis
    /// could make one, and creations fail there (EIP-7610).
    pub fn build(&self) -> Result<State, StateError> {
        let storage_only = self.alloc.iter().find(|(_, account)| {
            account.nonce == 0 && account.code.is_empty() && !account.storage.is_empty()
        });
        if let Some((address, _)) = storage_only {
            return Err(StateError::StorageOnly(*address));
        }
        let mut accounts = self.alloc.clone();
        for (address, code) in [
            (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
            (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
        ] {
            accounts.insert(address, predeploy(code));
        }
        State::of(&accounts)
    }
}

impl State {
    /// A state of just these accounts. Those that are empty in the sense of EIP-161 are left out.
    ///
    /// # Errors
    /// Never in practice: the state is wholly in memory.
    pub fn of(accounts: &BTreeMap<Address, GenesisAccount>) -> Result<Self, StateError> {
        let changes: BTreeMap<B256, AccountChange> = accounts
            .iter()
            .map(|(address, account)| (keccak256(address), change(account)))
            .collect();
        let mut world = World::default();
        world.apply_all(changes)?;
        Ok(Self::new(world))
    }
}

fn predeploy(code: &Bytes) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: code.clone(), ..GenesisAccount::default() }
}

fn change(genesis: &GenesisAccount) -> AccountChange {
    let code_hash =
        if genesis.code.is_empty() { KECCAK256_EMPTY } else { keccak256(&genesis.code) };
    let account =
        Account { nonce: genesis.nonce, balance: genesis.balance, code_hash, ..Account::default() };
    AccountChange {
        before: None,
        after: (!account.is_empty()).then_some(account),
        code: (!genesis.code.is_empty()).then(|| Code::new(genesis.code.clone())),
        slots: genesis
            .storage
            .iter()
            .filter(|(_, value)| !value.is_zero())
            .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), *value))
            .collect(),
    }
}
