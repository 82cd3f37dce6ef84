//! The L2 state on disk: what is read is what was written, or an error that says what to do.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use recourse_execution::State;
use recourse_node::{
    derivation::DerivedBatch,
    states::{Place, StateStore, StatesError, Stored},
    store::{Entries, Limit, MemoryStore, SledStore, Store, StoreError, Table, Write},
};
use recourse_protocol::BatchIndex;

use crate::model;

const COUNT: u64 = 12;
const ALL: Limit = Limit { entries: usize::MAX, bytes: usize::MAX };

/// A store with a history.
struct Kept {
    raw: Arc<dyn Store>,
    states: StateStore,
    batches: Vec<model::Whole>,
    after: Vec<State>,
}

impl Kept {
    fn new(raw: Arc<dyn Store>) -> Self {
        let states = StateStore::new(raw.clone());
        let (batches, after) = model::history(COUNT);
        states.begin(&after[0]).unwrap();
        for ((batch, blocks), around) in batches.iter().zip(after.windows(2)) {
            states.append(batch, blocks, &around[0], &around[1]).unwrap();
        }
        Self { raw, states, batches, after }
    }

    fn in_memory() -> Self {
        Self::new(Arc::new(MemoryStore::default()))
    }

    fn load(&self) -> Result<Stored, StatesError> {
        Ok(self.states.load(&model::genesis().0)?.expect("something is stored"))
    }

    fn check(&self, upto: u64) {
        let stored = self.load().unwrap();
        assert_eq!(stored.batches.len() as u64, upto);
        // Without what the writer kept in memory.
        let states = StateStore::new(self.raw.clone());
        for (stored, (expected, blocks)) in stored.batches.iter().zip(&self.batches) {
            assert_eq!(stored, expected);
            assert_eq!(states.blocks(stored).unwrap(), *blocks);
        }
        // What was taken back is found no more.
        for (batch, blocks) in &self.batches {
            let is_there = batch.index.0 <= upto;
            for block in blocks {
                let number = block.header.number;
                let found = |hash| states.find(hash).unwrap();
                assert_eq!(found(block.hash), is_there.then_some(Place::Block(number)));
                for (index, included) in (0..).zip(&block.transactions) {
                    let place = Place::Transaction { block: number, index };
                    assert_eq!(found(included.hash()), is_there.then_some(place));
                }
            }
        }
        let expected = &self.after[upto as usize];
        assert_eq!(stored.state.root(), expected.root());
        // Codes that nothing names any more may stay.
        assert!(stored.state.diff(expected).unwrap().codes.is_empty());
    }

    /// The first row of a table, changed.
    fn spoil(&self, table: Table, change: impl Fn(&mut Vec<u8>)) {
        let (key, mut value) = self.raw.page(table, &[], 1).unwrap().remove(0);
        change(&mut value);
        self.raw.apply(vec![Write::Put(table, key, value)]).unwrap();
    }

    fn delete(&self, table: Table) {
        let (key, _) = self.raw.page(table, &[], 1).unwrap().remove(0);
        self.raw.apply(vec![Write::Delete(table, key)]).unwrap();
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    Kept::in_memory().check(COUNT);
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::new(Arc::new(SledStore::open(folder.path()).unwrap()));
    kept.check(COUNT);
    let nothing = StateStore::new(Arc::new(MemoryStore::default()));
    assert!(nothing.load(&model::genesis().0).unwrap().is_none());
}

#[test]
fn batches_are_taken_back_and_written_again() {
    let kept = Kept::in_memory();
    for upto in (0..COUNT).rev() {
        kept.states.take_back(&kept.batches[upto as usize].0).unwrap();
        kept.check(upto);
    }
    for ((batch, blocks), around) in kept.batches.iter().zip(kept.after.windows(2)) {
        kept.states.append(batch, blocks, &around[0], &around[1]).unwrap();
    }
    kept.check(COUNT);
}

#[test]
fn every_state_is_had_again_until_its_claim_is_confirmed() {
    let kept = Kept::in_memory();
    let newest = (BatchIndex(COUNT), &kept.after[COUNT as usize]);
    let back = |to: u64| kept.states.back(newest, BatchIndex(to), kept.after[to as usize].root());
    for to in 0..=COUNT {
        assert_eq!(back(to).unwrap().root(), kept.after[to as usize].root());
    }
    let other = kept.after[3].root();
    let wrong = kept.states.back(newest, BatchIndex(5), other).map(|_| ()).unwrap_err();
    assert!(matches!(wrong, StatesError::Root { expected, .. } if expected == other), "{wrong:?}");
    kept.states.forget(BatchIndex(7)).unwrap();
    for to in 0..=COUNT {
        match back(to) {
            Ok(_) => assert!(to >= 7),
            Err(error) => assert!(to < 7 && matches!(error, StatesError::Gone(_)), "{error:?}"),
        }
    }
    assert!(matches!(kept.states.take_back(&kept.batches[COUNT as usize - 1].0), Ok(())));
    kept.check(COUNT - 1);
}

#[test]
fn only_the_next_batch_is_taken() {
    let kept = Kept::in_memory();
    let around = (&kept.after[1], &kept.after[2]);
    let (batch, blocks) = &kept.batches[1];
    assert!(kept.states.append(batch, blocks, around.0, around.1).is_err());
    assert!(kept.states.take_back(batch).is_err());
    kept.check(COUNT);
    // Nor one without its blocks.
    let (last, blocks) = kept.batches.iter().rfind(|(_, blocks)| !blocks.is_empty()).unwrap();
    for index in (last.index.0..=COUNT).rev() {
        kept.states.take_back(&kept.batches[index as usize - 1].0).unwrap();
    }
    let around = &kept.after[last.index.0 as usize - 1..];
    assert!(kept.states.append(last, &[], &around[0], &around[1]).is_err());
    kept.states.append(last, blocks, &around[0], &around[1]).unwrap();
}

/// Whatever is wrong with the rows, nothing is used.
#[test]
fn damage_is_an_error_that_says_what_to_do() {
    type Damage = (&'static str, fn(&Kept));
    let damages: [Damage; 10] = [
        ("another code", |kept| kept.spoil(Table::Codes, |row| row[0] ^= 1)),
        ("all codes are gone", |kept| {
            let rows = kept.raw.scan(Table::Codes, &[]).unwrap();
            let delete = rows.into_iter().map(|(key, _)| Write::Delete(Table::Codes, key));
            kept.raw.apply(delete.collect()).unwrap();
        }),
        ("another nonce", |kept| kept.spoil(Table::Accounts, |row| row[0] ^= 1)),
        ("an account is gone", |kept| kept.delete(Table::Accounts)),
        ("another value", |kept| kept.spoil(Table::Slots, |row| row[0] ^= 4)),
        ("a slot is gone", |kept| kept.delete(Table::Slots)),
        ("a batch is gone", |kept| kept.delete(Table::Batches)),
        ("a cut batch", |kept| kept.spoil(Table::Batches, |row| row.truncate(40))),
        ("other steps", |kept| {
            kept.spoil(Table::Batches, |row| {
                let steps = row.iter().rposition(|byte| *byte == 3).unwrap();
                row[steps] = 4;
            });
        }),
        ("all accounts are gone", |kept| {
            let rows = kept.raw.scan(Table::Accounts, &[]).unwrap();
            let delete = rows.into_iter().map(|(key, _)| Write::Delete(Table::Accounts, key));
            kept.raw.apply(delete.collect()).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let kept = Kept::in_memory();
        damage(&kept);
        assert!(kept.load().is_err(), "{what}");
        // And deriving again helps.
        kept.states.begin(&kept.after[0]).unwrap();
        kept.check(0);
    }
}

/// Blocks are looked at when they are read.
#[test]
fn a_block_that_is_not_the_batches_is_not_served() {
    type Damage = (&'static str, fn(&Kept));
    let damages: [Damage; 4] = [
        ("gone", |kept| kept.delete(Table::L2Blocks)),
        ("cut", |kept| kept.spoil(Table::L2Blocks, |row| row.truncate(40))),
        ("another gas", |kept| {
            kept.spoil(Table::L2Blocks, |row| {
                let last = row.len() - 9;
                row[last] ^= 1;
            });
        }),
        ("in the place of another", |kept| {
            let rows = kept.raw.page(Table::L2Blocks, &[], 2).unwrap();
            let (first, second) = (rows[0].0.clone(), rows[1].1.clone());
            kept.raw.apply(vec![Write::Put(Table::L2Blocks, first, second)]).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let kept = Kept::in_memory();
        let (batch, _) = kept.batches.iter().find(|(_, blocks)| !blocks.is_empty()).unwrap();
        damage(&kept);
        let states = StateStore::new(kept.raw.clone());
        let error = states.blocks(batch).unwrap_err();
        assert!(matches!(error, StatesError::Damaged(_)), "{what}: {error:?}");
        assert!(states.block(batch, batch.pre.number).is_err());
        assert!(states.block(batch, batch.post.number + 1).is_err());
    }
}

#[test]
fn a_block_of_a_batch_that_was_taken_back_is_gone() {
    let kept = Kept::in_memory();
    let (last, _) = kept.batches.iter().rfind(|(_, blocks)| !blocks.is_empty()).unwrap();
    for index in (last.index.0..=COUNT).rev() {
        kept.states.take_back(&kept.batches[index as usize - 1].0).unwrap();
    }
    let states = StateStore::new(kept.raw.clone());
    let error = states.block(last, last.post.number).unwrap_err();
    assert!(matches!(error, StatesError::Gone(_)), "{error:?}");
}

#[test]
fn changes_that_are_not_as_they_were_written_lead_nowhere() {
    let kept = Kept::in_memory();
    let newest = (BatchIndex(COUNT), &kept.after[COUNT as usize]);
    kept.spoil(Table::Changes, |row| row[40] ^= 1);
    let back = |to: u64| kept.states.back(newest, BatchIndex(to), kept.after[to as usize].root());
    assert!(matches!(back(0), Err(StatesError::Damaged(_))));
    back(1).unwrap();
}

/// A crash while old rows are deleted leaves some of them: none of those is used.
#[test]
fn what_is_left_of_a_pruned_batch_is_not_used() {
    let kept = Kept::in_memory();
    let rows = kept.raw.scan(Table::Changes, &[]).unwrap();
    kept.states.forget(BatchIndex(7)).unwrap();
    while kept.states.sweep(ALL).unwrap() > 0 {}
    let left = rows.into_iter().filter(|(key, _)| key[7] == 7).take(1);
    kept.raw.apply(left.map(|(key, row)| Write::Put(Table::Changes, key, row)).collect()).unwrap();
    let newest = (BatchIndex(COUNT), &kept.after[COUNT as usize]);
    let error = kept.states.back(newest, BatchIndex(6), kept.after[6].root()).unwrap_err();
    assert!(matches!(error, StatesError::Gone(BatchIndex(6))), "{error:?}");
    for index in (8..=COUNT).rev() {
        kept.states.take_back(&kept.batches[index as usize - 1].0).unwrap();
    }
    assert!(matches!(kept.states.take_back(&kept.batches[6].0), Err(StatesError::Gone(_))));
    kept.check(7);
    assert_eq!(kept.states.kept_from().unwrap(), Some(BatchIndex(7)));
    assert!(kept.states.forget(BatchIndex(8)).is_err(), "it is not derived");
    kept.states.begin(&kept.after[0]).unwrap();
    assert_eq!(kept.states.kept_from().unwrap(), Some(BatchIndex(0)));
}

/// So that nothing has to wait for it.
#[test]
fn rows_are_deleted_a_few_at_a_time() {
    let kept = Kept::in_memory();
    let old = || {
        let rows = kept.raw.scan(Table::Changes, &[]).unwrap();
        rows.iter().filter(|(key, _)| key[7] <= 7).count()
    };
    kept.states.forget(BatchIndex(7)).unwrap();
    let (all, whole) = (old(), kept.raw.scan(Table::Changes, &[]).unwrap().len());
    assert!(all > 2 && whole > all);
    let newest = (BatchIndex(COUNT), &kept.after[COUNT as usize]);
    let error = kept.states.back(newest, BatchIndex(6), kept.after[6].root()).unwrap_err();
    assert!(matches!(error, StatesError::Gone(_)), "none of them is used: {error:?}");
    for done in 1..=all {
        // As if each were deleted by another run.
        let states = StateStore::new(kept.raw.clone());
        assert_eq!(states.sweep(Limit { entries: 1, bytes: usize::MAX }).unwrap(), 1);
        assert_eq!(old(), all - done);
    }
    assert_eq!(kept.states.sweep(ALL).unwrap(), 0);
    assert_eq!(kept.raw.scan(Table::Changes, &[]).unwrap().len(), whole - all);
    kept.check(COUNT);
}

/// A store in which a batch is taken back just when one of its blocks is read.
#[derive(Debug)]
struct TakenBack {
    raw: Arc<dyn Store>,
    batch: DerivedBatch,
    done: AtomicBool,
}

impl Store for TakenBack {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if table == Table::L2Blocks && !self.done.swap(true, Ordering::Relaxed) {
            StateStore::new(self.raw.clone()).take_back(&self.batch).unwrap();
        }
        self.raw.get(table, key)
    }

    fn within(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: Limit,
    ) -> Result<Entries, StoreError> {
        self.raw.within(table, prefix, from, limit)
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.raw.apply(writes)
    }
}

#[test]
fn a_block_that_is_taken_back_while_it_is_read_is_gone_and_not_damaged() {
    let kept = Kept::in_memory();
    let (last, _) = kept.batches.iter().rfind(|(_, blocks)| !blocks.is_empty()).unwrap();
    for index in (last.index.0 + 1..=COUNT).rev() {
        kept.states.take_back(&kept.batches[index as usize - 1].0).unwrap();
    }
    let done = AtomicBool::new(false);
    let raw = TakenBack { raw: kept.raw.clone(), batch: *last, done };
    let error = StateStore::new(Arc::new(raw)).block(last, last.post.number).unwrap_err();
    assert!(matches!(error, StatesError::Gone(_)), "{error:?}");
}

#[test]
fn another_format_is_refused() {
    let kept = Kept::in_memory();
    let tip = br#"{"version":0,"batch":12}"#.to_vec();
    kept.raw.apply(vec![Write::Put(Table::Meta, b"l2-state".to_vec(), tip)]).unwrap();
    let error = kept.load().unwrap_err();
    assert!(matches!(error, StatesError::Version { expected: 3, got: 0 }), "{error:?}");
    assert!(error.to_string().contains("--rederive"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A file that lost its end, as after a torn write: what is read is a state that was written, or an error.
#[test]
fn a_torn_file_is_an_older_state_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::new(Arc::new(SledStore::open(folder.path()).unwrap()));
    let Kept { batches, after, .. } = kept;
    let copies = tempfile::tempdir().unwrap();
    let (mut whole, mut refused) = (0, 0);
    for cut in 0..16_u64 {
        let copied = copies.path().join(cut.to_string());
        copy(folder.path(), &copied);
        let db = fs::OpenOptions::new().write(true).open(copied.join("db")).unwrap();
        let len = db.metadata().unwrap().len();
        db.set_len(len * cut / 16).unwrap();
        drop(db);
        // The database may give up on its file in its own way, but not with another state.
        let read = std::panic::catch_unwind(|| {
            let raw = SledStore::open(&copied).map_err(StatesError::from)?;
            StateStore::new(Arc::new(raw)).load(&model::genesis().0)
        });
        match read {
            Ok(Ok(Some(stored))) => {
                let at = stored.batches.len();
                assert_eq!(stored.state.root(), after[at].root());
                assert!(stored.batches.iter().zip(&batches).all(|(one, (other, _))| one == other));
                whole += 1;
            }
            Ok(Ok(None)) => whole += 1,
            Ok(Err(_)) | Err(_) => refused += 1,
        }
    }
    assert_eq!(whole + refused, 16);
}
