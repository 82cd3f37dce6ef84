//! The same by states.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256, keccak256};
use recourse_execution::{
    Account, AccountPatch, FlatState, State,
    state::{AccountChange, World},
    trie::{Node, Nodes, Place, TrieError, Value},
};

use crate::world::{Accounts, STEPS, Slots};

type Changes = BTreeMap<B256, AccountChange>;

/// From the list, as at a restart.
pub(crate) fn build(list: &Accounts) -> State {
    let mut flat = FlatState::default();
    flat.accounts(list).unwrap();
    flat.finish().unwrap()
}

/// The same, with its root.
pub(crate) fn rooted(list: &Accounts) -> (State, B256) {
    let state = build(list);
    let root = state.root();
    (state, root)
}

/// As an executor has them.
pub(crate) fn changes(state: &State, patches: &[AccountPatch]) -> Changes {
    let change = |patch: &AccountPatch| {
        let after = patch.account.map(|account| account.with(Default::default()));
        let change = AccountChange { before: None, after, code: None, slots: BTreeMap::default() };
        (patch.key, change)
    };
    assert!(!state.root().is_zero());
    patches.iter().map(change).collect()
}

/// Of a contract that may be new.
pub(crate) fn slots(state: &State, slots: &Slots) -> Changes {
    let address = alloy_primitives::Address::repeat_byte(0x55);
    let before = state.account(address).unwrap();
    let after = Account { nonce: 1, ..before.clone().unwrap_or_default() };
    let slots: BTreeMap<B256, U256> = slots.iter().copied().collect();
    let change = AccountChange { before, after: Some(after), code: None, slots };
    Changes::from([(keccak256(address), change)])
}

/// As transactions apply them.
pub(crate) fn one_by_one(state: &State, changes: Changes) -> B256 {
    let mut world: World = state.as_ref().clone();
    world.apply(changes, &mut Uncounted).unwrap();
    world.root()
}

/// States in a row, not hashed: each step changes three accounts, as transfers do.
pub(crate) fn steps(state: &State, patches: &[AccountPatch]) -> Vec<State> {
    let mut states = Vec::with_capacity(STEPS);
    let mut last = state.clone();
    let third = patches.len() / 3;
    for at in 0..STEPS {
        let some = [0, at % third + 1, at * 7 % third + third + 1];
        let mut some: Vec<_> = some.into_iter().map(|at| patches[at].clone()).collect();
        for patch in &mut some {
            patch.account.as_mut().unwrap().balance += U256::from(at);
        }
        last = last.patched(some).unwrap();
        states.push(last.clone());
    }
    states
}

/// Knows no node and counts none.
struct Uncounted;

impl<V: Value> Nodes<V> for Uncounted {
    fn resolve(&mut self, hash: B256, _: Place) -> Result<&[u8], TrieError> {
        Err(TrieError::Missing(hash))
    }

    fn visit(&mut self, _: B256, _: &Node<V>) -> Result<(), TrieError> {
        Ok(())
    }
}
