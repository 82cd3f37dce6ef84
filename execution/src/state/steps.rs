//! The roots of many states in a row.

use alloy_primitives::B256;
use rayon::prelude::*;

use super::{Account, Slot, State};
use crate::trie::{Steps, hash_rows};

/// States in a row that one thread looks through, at most: their nodes still lie in its cache when they are hashed.
const TOGETHER: usize = 64;

impl State {
    /// The root of each of these states, each made from the one before it by a few changes, as the steps of a batch are. The
    /// new nodes of all of them are hashed level by level, so that the lanes of the hash function are full and threads of the
    /// rayon pool that this runs in have something to share.
    #[must_use]
    pub fn roots(states: &[Self]) -> Vec<B256> {
        let size = states.len().div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
        let starts: Vec<usize> = (0..states.len()).step_by(size).collect();
        let rows = starts.par_iter().map(|start| row(states, *start, size));
        let (accounts, slots): (Vec<_>, Vec<_>) = rows.unzip();
        hash_rows(&slots);
        hash_rows(&accounts);
        states.iter().map(Self::root).collect()
    }
}

/// What is new in some of the states.
fn row(states: &[State], start: usize, size: usize) -> (Steps<'_, Account>, Steps<'_, Slot>) {
    let (mut accounts, mut slots) = (Steps::default(), Steps::default());
    let mut before = start.checked_sub(1).and_then(|at| states.get(at));
    for state in states.iter().skip(start).take(size) {
        let world = state.world();
        world.settle();
        accounts.add(
            before.map(|state| state.world().accounts()),
            world.accounts(),
            &mut |old, new: &Account| {
                slots.add(old.map(|old: &Account| &old.storage), &new.storage, &mut |_, _| {});
            },
        );
        before = Some(state);
    }
    (accounts, slots)
}
