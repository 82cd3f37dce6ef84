//! Many changes of a state that is wholly in memory, at once.

use std::collections::BTreeMap;

use alloy_primitives::{B256, KECCAK256_EMPTY, U256};
use alloy_trie::Nibbles;
use rayon::prelude::*;

use super::{Account, AccountChange, Code, FlatAccount, Slot, State, World};
use crate::{
    error::StateError,
    trie::{Change, InMemory, Trie, TrieError},
};

/// Accounts that a thread takes at once, at least.
const TOGETHER: usize = 16;

/// What an account becomes, whatever it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPatch {
    /// Its hashed address.
    pub key: B256,
    /// What it is from now on; none when it ends, with all its storage.
    pub account: Option<FlatAccount>,
    /// Hashed slots that change, ascending, with their new values; zero removes. Others stay.
    pub slots: Vec<(B256, U256)>,
}

/// An account to be changed: with the storage that the slots apply to.
struct Work {
    key: B256,
    account: Option<Account>,
    slots: Vec<(B256, U256)>,
}

impl World {
    /// What [`World::apply`] does, for a state that is wholly in memory: the same result sooner, with threads of the rayon
    /// pool that this runs in. Nobody counts the nodes on the way. What changed is settled.
    ///
    /// # Errors
    /// When a node is missing. The state is then as before.
    pub fn apply_all(&mut self, changes: BTreeMap<B256, AccountChange>) -> Result<(), StateError> {
        let mut codes = Vec::new();
        let mut work = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            if change.is_nothing() {
                continue;
            }
            if let (Some(code), Some(account)) = (change.code, &change.after)
                && account.code_hash != KECCAK256_EMPTY
            {
                codes.push((account.code_hash, code));
            }
            let slots = change.slots.into_iter().collect();
            work.push(Work { key, account: change.after, slots });
        }
        self.carry_out(work, codes)
    }

    fn carry_out(
        &mut self,
        work: Vec<Work>,
        codes: impl IntoIterator<Item = (B256, Code)>,
    ) -> Result<(), StateError> {
        let changes = work.into_par_iter().with_min_len(TOGETHER).map(Work::done);
        let mut changes = changes.collect::<Result<Vec<_>, _>>()?;
        let mut next = self.clone();
        next.accounts.apply_all(&mut changes)?;
        for (hash, code) in codes {
            next.codes.apply([(&Nibbles::unpack(hash), Some(code))], &mut InMemory)?;
        }
        *self = next;
        Ok(())
    }
}

impl Work {
    fn done(self) -> Result<Change<Account>, TrieError> {
        let account = match self.account {
            None => None,
            Some(mut account) => {
                apply_slots(&mut account.storage, self.slots)?;
                Some(account)
            }
        };
        Ok((Nibbles::unpack(self.key), account))
    }
}

pub(super) fn apply_slots(
    storage: &mut Trie<Slot>,
    slots: Vec<(B256, U256)>,
) -> Result<(), TrieError> {
    if slots.is_empty() {
        return Ok(());
    }
    let change = |(key, value): (B256, U256)| {
        (Nibbles::unpack(key), (!value.is_zero()).then_some(Slot(value)))
    };
    let mut changes: Vec<Change<Slot>> = slots.into_iter().map(change).collect();
    storage.apply_all(&mut changes)
}

impl State {
    /// The state after these changes, given by hashed address: what a block's executor ends with. Threads of the rayon pool
    /// that this runs in share the work.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn with_changes(&self, changes: BTreeMap<B256, AccountChange>) -> Result<Self, StateError> {
        let mut world = self.world().clone();
        world.apply_all(changes)?;
        Ok(Self::new(world))
    }

    /// The state with some accounts as they were, or will be: ascending by key, none twice. Codes stay as they are.
    ///
    /// # Errors
    /// Never in practice: a state is wholly in memory.
    pub fn patched(&self, patches: Vec<AccountPatch>) -> Result<Self, StateError> {
        let accounts = self.world().accounts();
        let work = patches.into_par_iter().with_min_len(TOGETHER).map(|patch| {
            let AccountPatch { key, account, slots } = patch;
            let account = match account {
                None => None,
                Some(account) => {
                    let known = accounts.get(&Nibbles::unpack(key), &mut InMemory)?;
                    Some(account.with(known.map(|known| known.storage).unwrap_or_default()))
                }
            };
            Ok(Work { key, account, slots })
        });
        let work = work.collect::<Result<Vec<_>, TrieError>>()?;
        let mut world = self.world().clone();
        world.carry_out(work, [])?;
        Ok(Self::new(world))
    }
}
