//! Going back.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy_primitives::{B256, U256};
use recourse_execution::{AccountPatch, FlatAccount, State};
use recourse_protocol::BatchIndex;

use super::{PAGE, StateStore, StatesError, batch_key, changes, right_behind, rows};
use crate::store::{Entries, Table};

/// What an account was, and its slots.
type Was = (Option<FlatAccount>, BTreeMap<B256, U256>);

impl StateStore {
    /// The state after batch `to`, from that after a later one: the changes of all batches between them, the oldest of each
    /// account and slot, in one go. Whoever asks says what root must come out.
    ///
    /// # Errors
    /// [`StatesError::Gone`] when the way is not kept; [`StatesError::Root`] or [`StatesError::Damaged`] when it leads elsewhere
    /// or nowhere, also when an L1 reorg rewrites it meanwhile; [`StatesError::Store`].
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
        let gone = || StatesError::Gone(BatchIndex(batch.0.saturating_sub(1)));
        if self.kept_from()?.is_none_or(|from| batch <= from) {
            return Err(gone());
        }
        let prefix = batch_key(batch);
        let mut rows = Entries::new();
        let mut from = prefix.clone();
        loop {
            let page = self.store.within(Table::Changes, &prefix, &from, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            from = right_behind(last);
            for (key, stored) in page {
                let row = rows::take(Table::Changes, &key, &stored, "changes of a batch")?.to_vec();
                rows.push((key, row));
            }
        }
        if rows.is_empty() { Err(gone()) } else { Ok(rows) }
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
