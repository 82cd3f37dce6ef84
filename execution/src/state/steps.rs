//! The roots of many states in a row.

use alloy_primitives::B256;
use rayon::prelude::*;

use super::{Account, Slot, State};
use crate::trie::Steps;

/// States in a row that are looked through and hashed at once: enough to fill the lanes of the hash function, few enough that
/// their nodes still lie in the cache of a core when they are hashed.
const TOGETHER: usize = 32;

impl State {
    /// The root of each of these states, each made from the one before it by a few changes, as the steps of a batch are. The
    /// new nodes of some dozens of them are hashed level by level, so that the lanes of the hash function are full. Threads of the
    /// rayon pool that this runs in take parts of the row, once the states before those parts are hashed.
    #[must_use]
    pub fn roots(states: &[Self]) -> Vec<B256> {
        let size = states.len().div_ceil(rayon::current_num_threads()).max(TOGETHER);
        let starts: Vec<usize> = (0..states.len()).step_by(size).collect();
        for before in starts.iter().filter_map(|start| states.get(start.checked_sub(1)?)) {
            let _ = before.root();
        }
        starts.par_iter().with_max_len(1).for_each(|start| {
            let end = start.saturating_add(size).min(states.len());
            for at in (*start..end).step_by(TOGETHER) {
                row(states, at, end.saturating_sub(at).min(TOGETHER));
            }
        });
        states.iter().map(Self::root).collect()
    }
}

/// Hashes what is new in some of the states. What is older must have been.
fn row(states: &[State], start: usize, size: usize) {
    let (mut accounts, mut slots): (Steps<'_, Account>, Steps<'_, Slot>) = Default::default();
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
    slots.hash();
    accounts.hash();
}
