use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::Nibbles;

use super::{Account, Code, Slot};
use crate::{
    error::StateError,
    trie::{Below, By, InMemory, Nodes, Nothing, Trie, TrieError, hash_all},
};

/// The state that blocks run on, full or partly blinded. A clone is O(1) and stays what it was.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(super) accounts: Trie<Account>,
    pub(super) codes: Trie<Code>,
}

/// What becomes of one account.
#[derive(Clone, Debug)]
pub struct AccountChange {
    /// The account before, as it was read.
    pub before: Option<Account>,
    /// Nonce, balance, code hash, and the storage trie that `slots` apply to; none when the account ends.
    pub after: Option<Account>,
    /// Code that is new.
    pub code: Option<Code>,
    /// Hashed slots that change, with their new values.
    pub slots: BTreeMap<B256, U256>,
}

impl AccountChange {
    pub(super) fn is_nothing(&self) -> bool {
        match (&self.before, &self.after) {
            (None, None) => true,
            (Some(before), Some(after)) => {
                self.slots.is_empty()
                    && before.nonce == after.nonce
                    && before.balance == after.balance
                    && before.code_hash == after.code_hash
            }
            _ => false,
        }
    }
}

/// Accounts commit to their storage.
pub(super) struct Storages;

impl Below<Account> for Storages {
    const ANY: bool = true;

    fn hash(accounts: &[&Account], by: By) {
        let tries: Vec<_> = accounts.iter().map(|account| &account.storage).collect();
        hash_all::<Slot, Nothing>(&tries, by);
    }
}

impl World {
    /// The state of which only the root is known.
    #[must_use]
    pub fn blinded(root: B256) -> Self {
        Self { accounts: Trie::blinded(root), codes: Trie::default() }
    }

    /// The state root. Hashes what changed since the last call, each level of the tries at once.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.root_by(By::Me)
    }

    /// The same, whoever hashes.
    pub(super) fn root_by(&self, by: By) -> B256 {
        self.settle();
        hash_all::<Account, Storages>(&[&self.accounts], by);
        self.accounts.root()
    }

    /// From now on what changed is the state that the next transaction begins with. Nothing is hashed for that.
    pub(crate) fn settle(&self) {
        self.accounts.settle(&mut |account| account.storage.settle(&mut |_| {}));
    }

    pub(crate) fn accounts(&self) -> &Trie<Account> {
        &self.accounts
    }

    /// The account at `address`.
    ///
    /// # Errors
    /// When it is not proven.
    pub fn account(
        &self,
        address: Address,
        nodes: &mut impl Nodes<Account>,
    ) -> Result<Option<Account>, TrieError> {
        self.accounts.get(&hashed_address(address), nodes)
    }

    /// Code that this state holds itself.
    ///
    /// # Errors
    /// Never in practice: codes are wholly in memory.
    pub fn code(&self, hash: B256) -> Result<Option<Code>, TrieError> {
        self.codes.get(&Nibbles::unpack(hash), &mut InMemory)
    }

    /// Adds codes, by their hashes.
    pub(crate) fn add_codes(
        &mut self,
        codes: impl Iterator<Item = (B256, Code)>,
    ) -> Result<(), StateError> {
        for (hash, code) in codes {
            self.codes.apply([(&Nibbles::unpack(hash), Some(code))], &mut InMemory)?;
        }
        Ok(())
    }

    /// Applies changes, given by hashed address. In every trie, inserts come before removals and both in key order;
    /// storage tries come first, in the order of their accounts.
    ///
    /// # Errors
    /// When a node is missing, or `nodes` stops. The state is then as before.
    pub fn apply<N>(
        &mut self,
        changes: BTreeMap<B256, AccountChange>,
        nodes: &mut N,
    ) -> Result<(), StateError>
    where
        N: Nodes<Account> + Nodes<Slot>,
    {
        let mut codes = self.codes.clone();
        let mut after = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            if change.is_nothing() {
                continue;
            }
            let key = Nibbles::unpack(key);
            let Some(mut account) = change.after else {
                after.push((key, None));
                continue;
            };
            apply_slots(&mut account.storage, change.slots, nodes)?;
            if let Some(code) = change.code
                && account.code_hash != KECCAK256_EMPTY
            {
                let key = Nibbles::unpack(account.code_hash);
                codes.apply([(&key, Some(code))], &mut InMemory)?;
            }
            after.push((key, Some(account)));
        }
        self.accounts.apply(inserts_first(&after), nodes)?;
        self.codes = codes;
        Ok(())
    }
}

fn apply_slots(
    storage: &mut Trie<Slot>,
    slots: BTreeMap<B256, U256>,
    nodes: &mut impl Nodes<Slot>,
) -> Result<(), TrieError> {
    let slots: Vec<_> = slots
        .into_iter()
        .map(|(key, value)| (Nibbles::unpack(key), (!value.is_zero()).then_some(Slot(value))))
        .collect();
    storage.apply(inserts_first(&slots), nodes)
}

fn inserts_first<V: Clone>(
    changes: &[(Nibbles, Option<V>)],
) -> impl Iterator<Item = (&Nibbles, Option<V>)> {
    let inserts = changes.iter().filter(|(_, value)| value.is_some());
    let removals = changes.iter().filter(|(_, value)| value.is_none());
    inserts.chain(removals).map(|(key, value)| (key, value.clone()))
}

/// The key of an account: the nibbles of its address' hash.
pub(crate) fn hashed_address(address: Address) -> Nibbles {
    Nibbles::unpack(keccak256(address))
}

/// The key of a slot: the nibbles of its number's hash.
pub(crate) fn hashed_slot(slot: U256) -> Nibbles {
    Nibbles::unpack(keccak256(slot.to_be_bytes::<32>()))
}
