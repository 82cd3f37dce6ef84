//! Writing: a batch more, batches less, or all anew.

use alloy_primitives::B256;
use recourse_execution::{AccountPatch, State};
use recourse_protocol::BatchIndex;

use super::{
    PAGE, StateStore, StatesError, TABLES, TIP,
    accounts::{encode_account, encode_slot, slot_key},
    batch_key, batches, changes,
};
use crate::{
    derivation::DerivedBatch,
    store::{Table, Write},
};

impl StateStore {
    /// Starts anew with the genesis: whatever was there is gone.
    ///
    /// # Errors
    /// [`StatesError::Store`].
    pub fn begin(&self, genesis: &State) -> Result<(), StatesError> {
        // Rows without a tip are rubbish: a crash from here on ends here again.
        self.store.apply(vec![Write::Delete(Table::Meta, TIP.to_vec())])?;
        for table in TABLES {
            self.clear(table)?;
        }
        let made = State::default().diff(genesis)?;
        let mut writes = vec![Self::set_tip(BatchIndex(0))?];
        set_codes(&made.codes, &mut writes);
        set_accounts(&made.forward(), &mut writes);
        Ok(self.store.apply(writes)?)
    }

    /// Adds the batch that comes next, with the states around it: one atomic, durable write.
    ///
    /// # Errors
    /// [`StatesError::Store`]; [`StatesError::Damaged`] when another batch comes next.
    pub fn append(
        &self,
        batch: &DerivedBatch,
        before: &State,
        after: &State,
    ) -> Result<(), StatesError> {
        let follows =
            self.tip()?.is_some_and(|tip| tip.batch.0.checked_add(1) == Some(batch.index.0));
        if !follows {
            return Err(StatesError::Damaged("it stands at another batch"));
        }
        let diff = before.diff(after)?;
        let mut writes = vec![Self::set_tip(batch.index)?];
        set_codes(&diff.codes, &mut writes);
        set_accounts(&diff.forward(), &mut writes);
        for (part, row) in (0_u32..).zip(changes::encode(&diff.backward())) {
            writes.push(Write::Put(Table::Changes, part_key(batch.index, part), row));
        }
        for block in &batch.blocks {
            let key = block.header.number.to_be_bytes().to_vec();
            writes.push(Write::Put(Table::L2Blocks, key, batches::encode_block(block)));
        }
        let row = batches::encode_batch(batch);
        writes.push(Write::Put(Table::Batches, batch_key(batch.index), row));
        Ok(self.store.apply(writes)?)
    }

    /// Takes the newest batch back.
    ///
    /// # Errors
    /// [`StatesError::Store`]; [`StatesError::Gone`] when the way back is not kept.
    pub fn take_back(&self, batch: &DerivedBatch) -> Result<(), StatesError> {
        if self.tip()?.is_none_or(|tip| tip.batch != batch.index) {
            return Err(StatesError::Damaged("it stands at another batch"));
        }
        let before = BatchIndex(batch.index.0.saturating_sub(1));
        let mut writes =
            vec![Self::set_tip(before)?, Write::Delete(Table::Batches, batch_key(batch.index))];
        for (key, row) in self.rows_of(batch.index)? {
            set_accounts(&changes::decode(&row)?, &mut writes);
            writes.push(Write::Delete(Table::Changes, key));
        }
        for block in &batch.blocks {
            let key = block.header.number.to_be_bytes().to_vec();
            writes.push(Write::Delete(Table::L2Blocks, key));
        }
        Ok(self.store.apply(writes)?)
    }

    /// Forgets the ways back over all batches up to one, which nobody can dispute any more. Gives how many rows that were.
    ///
    /// Nodes do not call this yet. That a claim is confirmed, and for good, is not enough to know: a rival with the same
    /// parent and another last batch lives on, and to kill it takes the state after that parent.
    ///
    /// # Errors
    /// [`StatesError::Store`].
    pub fn prune(&self, upto: BatchIndex) -> Result<usize, StatesError> {
        let mut pruned: usize = 0;
        loop {
            // Little at a time: the values are read along.
            let page = self.store.page(Table::Changes, &[], 64)?;
            let old = page.into_iter().map(|(key, _)| key).take_while(|key| is_upto(key, upto));
            let writes: Vec<_> = old.map(|key| Write::Delete(Table::Changes, key)).collect();
            if writes.is_empty() {
                return Ok(pruned);
            }
            pruned = pruned.saturating_add(writes.len());
            self.store.apply(writes)?;
        }
    }

    fn clear(&self, table: Table) -> Result<(), StatesError> {
        loop {
            let page = self.store.page(table, &[], PAGE)?;
            if page.is_empty() {
                return Ok(());
            }
            let delete = page.into_iter().map(|(key, _)| Write::Delete(table, key));
            self.store.apply(delete.collect())?;
        }
    }
}

fn set_codes(codes: &[(B256, alloy_primitives::Bytes)], writes: &mut Vec<Write>) {
    for (hash, code) in codes {
        writes.push(Write::Put(Table::Codes, hash.to_vec(), code.to_vec()));
    }
}

/// An account that ends names all its slots.
fn set_accounts(patches: &[AccountPatch], writes: &mut Vec<Write>) {
    for AccountPatch { key, account, slots } in patches {
        writes.push(match account {
            Some(account) => Write::Put(Table::Accounts, key.to_vec(), encode_account(account)),
            None => Write::Delete(Table::Accounts, key.to_vec()),
        });
        for (slot, value) in slots {
            let key = slot_key(*key, *slot);
            writes.push(if value.is_zero() {
                Write::Delete(Table::Slots, key)
            } else {
                Write::Put(Table::Slots, key, encode_slot(*value))
            });
        }
    }
}

/// The key of a row of changes.
fn part_key(batch: BatchIndex, part: u32) -> Vec<u8> {
    let mut key = batch_key(batch);
    key.extend(part.to_be_bytes());
    key
}

fn is_upto(key: &[u8], upto: BatchIndex) -> bool {
    key.first_chunk().is_some_and(|batch| u64::from_be_bytes(*batch) <= upto.0)
}
