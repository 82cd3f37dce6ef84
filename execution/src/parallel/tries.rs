//! A state in tries, read value by value.

use std::{
    collections::hash_map::Entry,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, U256, map::AddressMap};
use alloy_trie::Nibbles;
use revm::state::Bytecode;

use super::flat::{FlatAccount, FlatState, Path, Weighed};
use crate::{
    error::StateError,
    state::{Account, World, hashed_address, hashed_slot},
    trie::{Kind, Node, Nodes, Place, Trie, TrieError, Value},
};

/// Locks among which accounts are spread.
const SHARDS: usize = 64;

/// The tries of a state, and the accounts read from them: their storage is read through them, and they are what changes.
pub(super) struct Tries<'a> {
    world: &'a World,
    accounts: Box<[Mutex<AddressMap<Option<Account>>>]>,
}

impl<'a> Tries<'a> {
    /// On a state that is settled: walks tell only of what is.
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, accounts: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    fn shard(&self, address: Address) -> Option<MutexGuard<'_, AddressMap<Option<Account>>>> {
        let at = usize::from(*address.last()?).checked_rem(SHARDS)?;
        Some(self.accounts.get(at)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An account, and how far the walk to it went if it was not read before.
    fn walk(&self, address: Address) -> Result<(Option<Account>, Path), StateError> {
        Ok(get(self.world.accounts(), hashed_address(address))?)
    }

    /// An account that may have been read before.
    pub(super) fn full(&self, address: Address) -> Result<Option<Account>, StateError> {
        let Some(mut shard) = self.shard(address) else {
            return Ok(self.walk(address)?.0);
        };
        Ok(match shard.entry(address) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => place.insert(self.walk(address)?.0).clone(),
        })
    }
}

impl FlatState for Tries<'_> {
    fn account(&self, address: Address) -> Result<Weighed<Option<FlatAccount>>, StateError> {
        let (account, path) = self.walk(address)?;
        let value = account.as_ref().map(|account| FlatAccount {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            has_storage: !account.storage.is_empty(),
        });
        if let Some(mut shard) = self.shard(address) {
            shard.insert(address, account);
        }
        Ok(Weighed { value, path })
    }

    fn storage(&self, address: Address, slot: U256) -> Result<Weighed<U256>, StateError> {
        let Some(account) = self.full(address)? else {
            return Ok(U256::ZERO.into());
        };
        let (value, path) = get(&account.storage, hashed_slot(slot))?;
        Ok(Weighed { value: value.map_or(U256::ZERO, |slot| slot.0), path })
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        let code = self.world.code(hash)?.ok_or(StateError::MissingCode(hash))?;
        Ok(code.bytecode().clone())
    }
}

fn get<V: Value>(trie: &Trie<V>, key: Nibbles) -> Result<(Option<V>, Path), TrieError> {
    let mut walk = Walk { key, depth: 0, shared: 0 };
    let value = trie.get(&key, &mut walk)?;
    Ok((value, Path { shared: u8::try_from(walk.shared).unwrap_or(u8::MAX) }))
}

/// How many nibbles a key shares with others: as many as lie before the last branch on its way, or before the place where it
/// leaves a run of nibbles.
struct Walk {
    key: Nibbles,
    depth: usize,
    shared: usize,
}

impl<V: Value> Nodes<V> for Walk {
    fn resolve(&mut self, hash: B256, _: Place) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn visit(&mut self, _: B256, _: &Node<V>) -> Result<(), TrieError> {
        Ok(())
    }

    fn pass(&mut self, node: &Arc<Node<V>>, _: Place) -> Result<(), TrieError> {
        let rest = self.key.slice(self.depth.min(self.key.len())..);
        match node.kind() {
            Kind::Branch { .. } => {
                self.shared = self.depth;
                self.depth = self.depth.saturating_add(1);
            }
            Kind::Extension { path, .. } => {
                let common = path.common_prefix_length(&rest);
                self.shared = self.depth.saturating_add(common);
                self.depth = self.depth.saturating_add(path.len());
            }
            // Its own leaf: nobody else's key.
            Kind::Leaf { path, .. } if *path == rest => {}
            Kind::Leaf { path, .. } => {
                self.shared = self.depth.saturating_add(path.common_prefix_length(&rest));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "a test may fail loudly"
    )]

    use alloy_primitives::{Bytes, keccak256};

    use super::*;
    use crate::trie::InMemory;

    /// Against every other key, for keys that are there and keys that are not.
    #[test]
    fn a_walk_tells_what_a_key_shares_with_others() {
        let key = |index: u64| Nibbles::unpack(keccak256(index.to_be_bytes()));
        let mut trie = Trie::<Bytes>::default();
        for index in 0..700 {
            trie.apply([(&key(index), Some(Bytes::from_static(b"x")))], &mut InMemory).unwrap();
            if index % 100 == 0 {
                check(&trie, index + 1, key);
            }
        }
        check(&trie, 700, key);
    }

    fn check(trie: &Trie<Bytes>, there: u64, key: impl Fn(u64) -> Nibbles) {
        let _ = trie.root();
        for index in 0..there + 300 {
            let wanted = key(index);
            let others = (0..there).filter(|other| *other != index);
            let shared = others.map(|other| key(other).common_prefix_length(&wanted)).max();
            let (value, path) = get(trie, wanted).unwrap();
            assert_eq!(value.is_some(), index < there);
            assert_eq!(usize::from(path.shared), shared.unwrap_or(0), "{index} of {there}");
        }
    }
}
