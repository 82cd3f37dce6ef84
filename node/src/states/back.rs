//! Going back.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy_primitives::{B256, U256};
use recourse_execution::{AccountPatch, FlatAccount, State};
use recourse_protocol::BatchIndex;

use super::{StateStore, StatesError, batch_key, changes};
use crate::store::{Entries, Table};

/// What an account was, and its slots.
type Was = (Option<FlatAccount>, BTreeMap<B256, U256>);

impl StateStore {
    /// The state after batch `to`, from that after a later one: the changes of all batches between them, the oldest of each
    /// account and slot, in one go. Whoever asks says what root must come out.
    ///
    /// # Errors
    /// [`StatesError::Gone`] when the way is not kept, [`StatesError::Root`] when it leads elsewhere, as when an L1 reorg
    /// rewrites it meanwhile; [`StatesError::Store`].
    pub fn back(
        &self,
        from: (BatchIndex, &State),
        to: BatchIndex,
        expected: B256,
    ) -> Result<State, StatesError> {
        let mut was: BTreeMap<B256, Was> = BTreeMap::new();
        for batch in to.0.saturating_add(1)..=from.0.0 {
            for (_, row) in self.rows_of(BatchIndex(batch))? {
                for patch in changes::decode(&row)? {
                    note(&mut was, patch);
                }
            }
        }
        let patch = |(key, (account, slots)): (B256, Was)| AccountPatch {
            key,
            account,
            slots: slots.into_iter().collect(),
        };
        let state = from.1.patched(was.into_iter().map(patch).collect())?;
        let got = state.root();
        if got == expected {
            return Ok(state);
        }
        Err(StatesError::Root { batch: to, expected, got })
    }

    /// The rows of a batch's changes.
    pub(super) fn rows_of(&self, batch: BatchIndex) -> Result<Entries, StatesError> {
        let first = batch_key(batch);
        let mut rows = Entries::new();
        let mut from = first.clone();
        loop {
            let page = self.store.page(Table::Changes, &from, 64)?;
            let full = page.len() == 64;
            let before = rows.len();
            rows.extend(page.into_iter().take_while(|(key, _)| key.starts_with(&first)));
            let more = full && rows.len().saturating_sub(before) == 64;
            match rows.last() {
                None => return Err(StatesError::Gone(BatchIndex(batch.0.saturating_sub(1)))),
                Some((last, _)) if more => {
                    from.clone_from(last);
                    // The key right behind it.
                    from.push(0);
                }
                Some(_) => return Ok(rows),
            }
        }
    }
}

/// The oldest word on an account and on each of its slots stands.
fn note(was: &mut BTreeMap<B256, Was>, patch: AccountPatch) {
    let slots = match was.entry(patch.key) {
        Entry::Vacant(free) => &mut free.insert((patch.account, BTreeMap::new())).1,
        Entry::Occupied(taken) => &mut taken.into_mut().1,
    };
    for (slot, value) in patch.slots {
        slots.entry(slot).or_insert(value);
    }
}
