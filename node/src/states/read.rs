//! Reading it all at a start.

use std::sync::Arc;

use alloy_primitives::B256;
use rayon::prelude::*;
use recourse_execution::{FlatState, State};
use recourse_protocol::{BatchIndex, Checkpoint};

use super::{
    PAGE, StateStore, StatesError,
    accounts::{decode_account, decode_slot, hash_of, hashes_of},
    batches, start_of,
};
use crate::{
    derivation::{DerivedBatch, DerivedBlock},
    store::{Entries, StoreError, Table},
};

/// What was read, and verified.
#[derive(Debug)]
pub struct Stored {
    /// All batches, from 1 on.
    pub batches: Vec<Arc<DerivedBatch>>,
    /// The state after the newest of them, or the genesis.
    pub state: State,
}

impl StateStore {
    /// What is stored, if anything is.
    ///
    /// # Errors
    /// [`StatesError`] when it is not whole, or its root is not that of the newest batch's checkpoint.
    pub fn load(&self, genesis: &Checkpoint) -> Result<Option<Stored>, StatesError> {
        let Some(tip) = self.tip()? else { return Ok(None) };
        let (batches, state) = rayon::join(|| self.batches(genesis), || self.state());
        let (batches, state) = (batches?, state?);
        let newest = batches.last();
        let at = newest.map_or(BatchIndex(0), |batch| batch.index);
        if at != tip.batch {
            return Err(StatesError::Damaged("batches are missing"));
        }
        let (expected, got) = (start_of(genesis, newest).state_root, state.root());
        if got != expected {
            return Err(StatesError::Root { batch: at, expected, got });
        }
        Ok(Some(Stored { batches, state }))
    }

    fn state(&self) -> Result<State, StatesError> {
        let mut flat = FlatState::default();
        self.each_page(Table::Codes, |page| {
            page.into_iter().try_for_each(|(_, code)| Ok(flat.code(code.into())?))
        })?;
        self.each_page(Table::Slots, |page| {
            let slot = |(key, value): &(Vec<u8>, Vec<u8>)| {
                let (account, slot) = hashes_of(key)?;
                Ok((account, slot, decode_slot(value)?))
            };
            let slots = page.par_iter().map(slot).collect::<Result<Vec<_>, StatesError>>()?;
            Ok(flat.slots(&slots)?)
        })?;
        self.each_page(Table::Accounts, |page| {
            let account =
                |(key, value): &(Vec<u8>, Vec<u8>)| Ok((hash_of(key)?, decode_account(value)?));
            let accounts = page.par_iter().map(account).collect::<Result<Vec<_>, StatesError>>()?;
            Ok(flat.accounts(&accounts)?)
        })?;
        Ok(flat.finish()?)
    }

    fn batches(&self, genesis: &Checkpoint) -> Result<Vec<Arc<DerivedBatch>>, StatesError> {
        let mut blocks: Vec<Arc<DerivedBlock>> = Vec::new();
        self.each_page(Table::L2Blocks, |page| {
            let read = page.par_iter().map(|(_, row)| batches::decode_block(row).map(Arc::new));
            blocks.extend(read.collect::<Result<Vec<_>, _>>()?);
            Ok(())
        })?;
        let mut blocks = blocks.into_iter();
        let mut all: Vec<Arc<DerivedBatch>> = Vec::new();
        self.each_page(Table::Batches, |page| {
            for (_, row) in page {
                let (mut batch, count) = batches::decode_batch(&row)?;
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                batch.blocks = blocks.by_ref().take(count).collect();
                check(&batch, count, start_of(genesis, all.last()))?;
                all.push(Arc::new(batch));
            }
            Ok(())
        })?;
        match blocks.next() {
            None => Ok(all),
            Some(_) => Err(StatesError::Damaged("a block without a batch")),
        }
    }

    /// Reads a table, one page while the one before is taken in.
    fn each_page(
        &self,
        table: Table,
        mut take: impl FnMut(Entries) -> Result<(), StatesError> + Send,
    ) -> Result<(), StatesError> {
        let read = |from: &[u8]| self.store.page(table, from, PAGE);
        let mut page = read(&[])?;
        while let Some((last, _)) = page.last() {
            let mut from = last.clone();
            // The key right behind it.
            from.push(0);
            let (next, taken): (Result<_, StoreError>, _) =
                rayon::join(|| read(&from), || take(std::mem::take(&mut page)));
            taken?;
            page = next?;
        }
        Ok(())
    }
}

/// Whether a batch is whole, and follows on what came before it.
fn check(batch: &DerivedBatch, blocks: usize, start: &Checkpoint) -> Result<(), StatesError> {
    let mut parent: B256 = start.parent_hash;
    let mut number = start.number;
    for block in &batch.blocks {
        number = number.saturating_add(1);
        if block.header.number != number
            || block.header.parent_hash != parent
            || block.batch != batch.index
        {
            return Err(StatesError::Damaged("blocks do not follow each other"));
        }
        parent = block.hash;
    }
    let whole = batch.blocks.len() == blocks
        && batch.pre == *start
        && batch.index == start.batch
        && batch.post.parent_hash == parent
        && batch.post.ends_batch(batch.index);
    if whole { Ok(()) } else { Err(StatesError::Damaged("batches do not follow each other")) }
}
