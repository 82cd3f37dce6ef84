//! Reading it all at a start.

use std::collections::BTreeSet;

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};
use rayon::prelude::*;
use recourse_execution::{FlatAccount, FlatState, State};
use recourse_protocol::{BatchIndex, Checkpoint};

use super::{
    PAGE, StateStore, StatesError,
    accounts::{decode_account, decode_slot, hash_of, hashes_of},
    batches, right_behind, rows, start_of,
};
use crate::{
    derivation::DerivedBatch,
    store::{Entries, Table},
};

/// What was read, and verified.
#[derive(Debug)]
pub struct Stored {
    /// All batches, from 1 on.
    pub batches: Vec<DerivedBatch>,
    /// The state after the newest of them, or the genesis.
    pub state: State,
}

impl StateStore {
    /// What is stored, if anything is. Blocks are looked at when they are read.
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

    /// By first byte of the hashed addresses, on all threads: each reads a part of the tables, makes its trie, and hashes that
    /// while it still lies in its cache.
    fn state(&self) -> Result<State, StatesError> {
        let parts = (0..=u8::MAX).into_par_iter().with_max_len(1).map(|first| self.part(first));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let (parts, named): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut missing: BTreeSet<B256> = named.into_iter().flatten().collect();
        let mut flat = FlatState::default();
        flat.parts(parts)?;
        self.each_page(Table::Codes, &[], |page| {
            page.into_iter().try_for_each(|(key, code)| {
                let hash = keccak256(&code);
                if hash != hash_of(&key)? {
                    return Err(StatesError::Damaged("a code"));
                }
                missing.remove(&hash);
                Ok(flat.code(code.into())?)
            })
        })?;
        if !missing.is_empty() {
            return Err(StatesError::Damaged("a code is missing"));
        }
        Ok(flat.finish()?)
    }

    /// The accounts whose hashed addresses begin with this byte, and the hashes of their codes.
    fn part(&self, first: u8) -> Result<(State, BTreeSet<B256>), StatesError> {
        let (mut flat, mut codes) = (FlatState::default(), BTreeSet::new());
        self.each_page(Table::Slots, &[first], |page| {
            let slots = page.iter().map(slot).collect::<Result<Vec<_>, _>>()?;
            Ok(flat.slots(&slots)?)
        })?;
        self.each_page(Table::Accounts, &[first], |page| {
            let accounts = page.iter().map(account).collect::<Result<Vec<_>, _>>()?;
            let named = accounts.iter().map(|(_, account)| account.code_hash);
            codes.extend(named.filter(|hash| *hash != KECCAK256_EMPTY));
            Ok(flat.accounts(&accounts)?)
        })?;
        let part = flat.finish()?;
        let _ = part.root();
        Ok((part, codes))
    }

    fn batches(&self, genesis: &Checkpoint) -> Result<Vec<DerivedBatch>, StatesError> {
        let mut all: Vec<DerivedBatch> = Vec::new();
        self.each_page(Table::Batches, &[], |page| {
            for (key, stored) in page {
                let row = rows::take(Table::Batches, &key, &stored, "a batch")?;
                let batch = batches::decode_batch(row)?;
                check(&batch, start_of(genesis, all.last()))?;
                all.push(batch);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads the rows of a table whose keys begin so.
    fn each_page(
        &self,
        table: Table,
        prefix: &[u8],
        mut take: impl FnMut(Entries) -> Result<(), StatesError>,
    ) -> Result<(), StatesError> {
        let mut from = Vec::new();
        loop {
            let page = self.store.within(table, prefix, &from, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = right_behind(last);
            take(page)?;
        }
    }
}

type Row = (Vec<u8>, Vec<u8>);

fn slot((key, value): &Row) -> Result<(B256, B256, alloy_primitives::U256), StatesError> {
    let (account, slot) = hashes_of(key)?;
    Ok((account, slot, decode_slot(value)?))
}

fn account((key, value): &Row) -> Result<(B256, FlatAccount), StatesError> {
    Ok((hash_of(key)?, decode_account(value)?))
}

/// Whether a batch follows on what came before it.
fn check(batch: &DerivedBatch, start: &Checkpoint) -> Result<(), StatesError> {
    let whole = batch.pre == *start
        && batch.index == start.batch
        && batch.post.number >= start.number
        && batch.post.ends_batch(batch.index);
    if whole { Ok(()) } else { Err(StatesError::Damaged("batches do not follow each other")) }
}
