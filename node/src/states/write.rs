//! Writing: a batch more, batches less, or all anew.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::{AccountPatch, State};
use recourse_protocol::BatchIndex;

use super::{
    PAGE, StateStore, StatesError, TABLES, TIP,
    accounts::{encode_account, encode_slot, slot_key},
    batch_key, batches,
    blocks::{name, places},
    changes, rows,
};
use crate::{
    derivation::{DerivedBatch, DerivedBlock},
    store::{Limit, Table, Write},
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
        let mut writes = vec![Self::set_tip(BatchIndex(0), BatchIndex(0))?];
        set_codes(&made.codes, &mut writes);
        set_accounts(&made.forward(), &mut writes);
        Ok(self.store.apply(writes)?)
    }

    /// Adds the batch that comes next, with its blocks and the states around it: one atomic, durable write.
    ///
    /// # Errors
    /// [`StatesError::Store`]; [`StatesError::Damaged`] when another batch comes next.
    pub fn append(
        &self,
        batch: &DerivedBatch,
        blocks: &[Arc<DerivedBlock>],
        before: &State,
        after: &State,
    ) -> Result<(), StatesError> {
        let tip = self.tip()?.filter(|tip| tip.batch.0.checked_add(1) == Some(batch.index.0));
        let tip = tip.ok_or(StatesError::Damaged("it stands at another batch"))?;
        let numbers = blocks.iter().map(|block| block.header.number);
        if !numbers.eq(batch.numbers()) {
            return Err(StatesError::Damaged("blocks are not those of their batch"));
        }
        let diff = before.diff(after)?;
        let mut writes = vec![Self::set_tip(batch.index, tip.from)?];
        set_codes(&diff.codes, &mut writes);
        set_accounts(&diff.forward(), &mut writes);
        for (part, row) in (0_u32..).zip(changes::encode(&diff.backward())) {
            writes.push(rows::put(Table::Changes, part_key(batch.index, part), row));
        }
        for block in blocks {
            let row = batches::encode_block(block);
            self.recent.add(name(batch, block.header.number), block.clone(), row.len());
            writes.push(rows::put(Table::L2Blocks, block_key(block.header.number), row));
            let places = places(block);
            writes.extend(places.map(|(hash, at)| Write::Put(Table::L2Index, hash.to_vec(), at)));
        }
        let row = batches::encode_batch(batch);
        writes.push(rows::put(Table::Batches, batch_key(batch.index), row));
        Ok(self.store.apply(writes)?)
    }

    /// Takes the newest batch back.
    ///
    /// # Errors
    /// [`StatesError::Store`]; [`StatesError::Gone`] when the way back is not kept.
    pub fn take_back(&self, batch: &DerivedBatch) -> Result<(), StatesError> {
        let tip = self.tip()?.filter(|tip| tip.batch == batch.index);
        let tip = tip.ok_or(StatesError::Damaged("it stands at another batch"))?;
        let before = BatchIndex(batch.index.0.saturating_sub(1));
        let mut writes = vec![
            Self::set_tip(before, tip.from)?,
            Write::Delete(Table::Batches, batch_key(batch.index)),
        ];
        for (key, row) in self.rows_of(batch.index)? {
            set_accounts(&changes::decode(&row)?, &mut writes);
            writes.push(Write::Delete(Table::Changes, key));
        }
        for number in batch.numbers() {
            let (block, _) = self.read_block(number)?;
            let places = places(&block);
            writes.extend(places.map(|(hash, _)| Write::Delete(Table::L2Index, hash.to_vec())));
            writes.push(Write::Delete(Table::L2Blocks, block_key(number)));
        }
        Ok(self.store.apply(writes)?)
    }

    /// Forgets the ways back over all batches up to one, whose end and later ones are all that can still be asked for. Their
    /// rows stay until they are swept away.
    ///
    /// # Errors
    /// [`StatesError::Store`]; [`StatesError::Damaged`] when that batch is not there yet.
    pub fn forget(&self, upto: BatchIndex) -> Result<(), StatesError> {
        let tip = self.tip()?.filter(|tip| tip.batch >= upto);
        let tip = tip.ok_or(StatesError::Damaged("it stands before that batch"))?;
        if tip.from >= upto {
            return Ok(());
        }
        Ok(self.store.apply(vec![Self::set_tip(tip.batch, upto)?])?)
    }

    /// Deletes rows of ways back that are forgotten, at most so many at once: nothing else happens meanwhile. Gives how many
    /// that were; if there was none, none is left.
    ///
    /// # Errors
    /// [`StatesError::Store`].
    pub fn sweep(&self, most: Limit) -> Result<usize, StatesError> {
        let Some(from) = self.kept_from()? else { return Ok(0) };
        let page = self.store.within(Table::Changes, &[], &[], most)?;
        let old = page.into_iter().map(|(key, _)| key).take_while(|key| is_upto(key, from));
        let writes: Vec<_> = old.map(|key| Write::Delete(Table::Changes, key)).collect();
        let swept = writes.len();
        if swept > 0 {
            self.store.apply(writes)?;
        }
        Ok(swept)
    }

    fn clear(&self, table: Table) -> Result<(), StatesError> {
        loop {
            let page = self.store.within(table, &[], &[], PAGE)?;
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

fn block_key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
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
