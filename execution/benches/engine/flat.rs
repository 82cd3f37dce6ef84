//! State in hash maps, read by value.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256, map::AddressMap};
use recourse_execution::{
    StateError,
    parallel::{FlatAccount, FlatState, Weighed},
    state::Code,
};
use revm::{
    DatabaseRef,
    state::{AccountInfo, Bytecode},
};

use crate::known::Accounts;

/// An account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code: Option<(B256, Bytecode)>,
    pub(crate) storage: HashMap<U256, U256, alloy_primitives::map::DefaultHashBuilder>,
}

/// The state before a block, wholly in memory.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub(crate) accounts: AddressMap<Account>,
    pub(crate) codes: alloy_primitives::map::HashMap<B256, Bytecode>,
    pub(crate) hashes: HashMap<u64, B256>,
}

impl Flat {
    pub(crate) fn new(accounts: &Accounts) -> Self {
        let mut flat = Self::default();
        for (address, account) in accounts.iter().filter(|(_, account)| !account.is_empty()) {
            let code = Code::new(account.code.clone()).bytecode().clone();
            let code = (account.code_hash != KECCAK256_EMPTY).then_some((account.code_hash, code));
            let storage = account.storage.iter().map(|(slot, value)| (*slot, *value)).collect();
            let account = Account { nonce: account.nonce, balance: account.balance, code, storage };
            flat.insert(*address, account);
        }
        flat
    }

    pub(crate) fn insert(&mut self, address: Address, account: Account) {
        if let Some((hash, code)) = &account.code {
            self.codes.insert(*hash, code.clone());
        }
        self.accounts.insert(address, account);
    }

    /// With this code.
    pub(crate) fn contract(code: Vec<u8>) -> Account {
        let hash = keccak256(&code);
        let code = Code::new(code.into()).bytecode().clone();
        Account { nonce: 1, code: Some((hash, code)), ..Account::default() }
    }
}

impl FlatState for Flat {
    fn account(&self, address: Address) -> Result<Weighed<Option<FlatAccount>>, StateError> {
        let account = self.accounts.get(&address).map(|account| FlatAccount {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code.as_ref().map_or(KECCAK256_EMPTY, |(hash, _)| *hash),
            // No creation of these blocks collides with storage.
            has_storage: false,
        });
        Ok(account.into())
    }

    fn storage(&self, address: Address, slot: U256) -> Result<Weighed<U256>, StateError> {
        let account = self.accounts.get(&address);
        let value = account.and_then(|account| account.storage.get(&slot)).copied();
        Ok(value.unwrap_or_default().into())
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.codes.get(&hash).cloned().ok_or(StateError::MissingCode(hash))
    }
}

/// For plain revm: an account comes with its code.
impl DatabaseRef for Flat {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.accounts.get(&address).map(|account| {
            let (code_hash, code) =
                account.code.clone().unwrap_or((KECCAK256_EMPTY, Bytecode::default()));
            AccountInfo {
                balance: account.balance,
                nonce: account.nonce,
                code_hash,
                code: Some(code),
                ..AccountInfo::default()
            }
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        FlatState::code(self, hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        FlatState::storage(self, address, slot).map(|weighed| weighed.value)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.hashes.get(&number).copied().ok_or(StateError::MissingAncestor(number))
    }
}
