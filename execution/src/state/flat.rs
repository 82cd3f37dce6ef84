//! States as lists, and states made of lists.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use alloy_trie::Nibbles;
use rayon::prelude::*;

use super::{Account, Code, Slot, State, World, bulk::apply_slots};
use crate::{
    error::StateError,
    trie::{Change, InMemory, Trie, TrieError},
};

/// Accounts from which on they are made into several tries first.
const APART: usize = 4096;

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct FlatAccount {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// `keccak256` of its code.
    pub code_hash: B256,
}

impl Default for FlatAccount {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl FlatAccount {
    /// With its storage.
    #[must_use]
    pub fn with(self, storage: Trie<Slot>) -> Account {
        let Self { nonce, balance, code_hash } = self;
        Account { nonce, balance, code_hash, storage }
    }
}

impl From<&Account> for FlatAccount {
    fn from(account: &Account) -> Self {
        let Account { nonce, balance, code_hash, .. } = *account;
        Self { nonce, balance, code_hash }
    }
}

/// Makes a state of lists in key order, page by page: first all slots, then all accounts. The lists are not trusted: who
/// made them says what root must come out.
#[derive(Debug, Default)]
pub struct FlatState {
    world: World,
    /// By hashed address, ascending; those of the accounts to come.
    storages: Vec<(B256, Trie<Slot>)>,
    /// How many of them have found their account.
    taken: usize,
}

impl FlatState {
    /// Adds slots: hashed address, hashed slot, value; ascending, behind those added before.
    ///
    /// # Errors
    /// [`StateError::Trie`] when they are not.
    pub fn slots(&mut self, slots: &[(B256, B256, U256)]) -> Result<(), StateError> {
        let first = slots.first().map(|(address, slot, _)| (*address, *slot));
        let last = self.storages.last().map(|(address, _)| *address);
        if !slots.is_sorted_by(|one, next| (one.0, one.1) < (next.0, next.1))
            || first.is_some_and(|(address, _)| last.is_some_and(|last| address < last))
        {
            return Err(TrieError::Malformed("slots are not in order").into());
        }
        let mut groups: Vec<_> = slots.chunk_by(|one, next| one.0 == next.0).collect();
        // A page may end within an account.
        if let (Some(group), Some((address, storage))) = (groups.first(), self.storages.last_mut())
            && group.first().is_some_and(|(of, ..)| of == address)
        {
            apply_slots(storage, group.iter().map(|(_, slot, value)| (*slot, *value)).collect())?;
            groups.remove(0);
        }
        let made = groups.into_par_iter().filter_map(|group| {
            let address = group.first()?.0;
            let slots = group.iter().filter(|(.., value)| !value.is_zero());
            let slots: Vec<_> = slots.map(|(_, slot, value)| (*slot, Slot(*value))).collect();
            Some(Trie::of_list(&slots, |_, slot| *slot).map(|storage| (address, storage)))
        });
        self.storages.extend(made.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    /// Adds accounts by hashed address, ascending, behind those added before. Many at once are best added first: threads of the
    /// rayon pool that this runs in then make and hash a subtrie each, which never leaves their caches.
    ///
    /// # Errors
    /// [`StateError::Trie`] when they are not, or when there is storage without an account.
    pub fn accounts(&mut self, accounts: &[(B256, FlatAccount)]) -> Result<(), StateError> {
        if !accounts.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(TrieError::Malformed("accounts are not in order").into());
        }
        if !self.world.accounts.is_empty() {
            let change = |(key, account): &(B256, FlatAccount)| {
                (Nibbles::unpack(key), Some(account.with(self.storage(key))))
            };
            let mut changes: Vec<Change<Account>> = accounts.iter().map(change).collect();
            return Ok(self.world.accounts.apply_all(&mut changes)?);
        }
        if accounts.len() < APART || !self.storages.is_empty() {
            self.world.accounts =
                Trie::of_list(accounts, |key, account| account.with(self.storage(key)))?;
            return Ok(());
        }
        let parts: Vec<_> =
            accounts.chunk_by(|one, next| one.0.first() == next.0.first()).collect();
        let made = parts
            .into_par_iter()
            .with_max_len(1)
            .map(|part| Trie::of_list(part, |_, account| account.with(Trie::default())));
        self.world.accounts = Trie::join(made.collect::<Result<Vec<_>, TrieError>>()?)?;
        Ok(())
    }

    /// Adds the accounts of states, each of which has all those whose hashed addresses begin with one byte. Codes are not taken
    /// over. What these states hashed stays so.
    ///
    /// # Errors
    /// [`StateError::Trie`] when they begin otherwise, or accounts were added already.
    pub fn parts(&mut self, parts: Vec<State>) -> Result<(), StateError> {
        if !self.world.accounts.is_empty() {
            return Err(TrieError::Malformed("accounts of parts come first").into());
        }
        let tries = parts.iter().map(|part| part.world().accounts().clone());
        self.world.accounts = Trie::join(tries)?;
        Ok(())
    }

    fn storage(&mut self, key: &B256) -> Trie<Slot> {
        match self.storages.get_mut(self.taken) {
            Some((of, storage)) if of == key => {
                self.taken = self.taken.saturating_add(1);
                std::mem::take(storage)
            }
            _ => Trie::default(),
        }
    }

    /// Adds a code.
    ///
    /// # Errors
    /// Never in practice: codes are in memory.
    pub fn code(&mut self, code: Bytes) -> Result<(), StateError> {
        let key = Nibbles::unpack(keccak256(&code));
        Ok(self.world.codes.apply([(&key, Some(Code::new(code)))], &mut InMemory)?)
    }

    /// The state.
    ///
    /// # Errors
    /// [`StateError::Trie`] when there is storage without an account.
    pub fn finish(self) -> Result<State, StateError> {
        if self.taken < self.storages.len() {
            return Err(TrieError::Malformed("storage without an account").into());
        }
        Ok(State::new(self.world))
    }
}
