//! Locations by their full keys, each once: any thread finds or adds them without a lock.

use std::sync::{
    OnceLock,
    atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::words::Secret;

/// Places that a key can have in one level.
const PROBES: u64 = 16;
/// Levels, each two to the power of [`GROWTH`] times the one before: that many keys have no space only where somebody chose
/// them so.
const LEVELS: usize = 5;
const GROWTH: u32 = 2;
/// Places that a further level may have for each key there is, and for [`LEAST`] more: with fewer keys than that, [`PROBES`]
/// places in a row are taken only where somebody chose the keys so, and that must not cost memory.
const ROOM: usize = 32;
/// Places of the first level, at least.
const LEAST: usize = 1 << 12;
/// Locations of the first block of memory, as a power of two; each further block has as many as all before it.
const FIRST: u32 = 10;
const BLOCKS: usize = 20;
/// Cells that keep memory which only few need from block to block.
const SPILLED: u32 = 1 << 12;
/// Blocks that a place can tell apart; also the bits for that.
const ERAS: u64 = 0xff;

/// What lies in a [`Table`].
pub(super) trait Cell: Default {
    /// What it is found by.
    type Key: Copy;

    /// Spreads keys.
    fn hash(secret: &Secret, key: &Self::Key) -> u64;
    /// Whether it lies here.
    fn is(&self, key: &Self::Key) -> bool;
    /// Makes a cell, whatever was in it, that of a key of which nothing is known. Nobody else looks at it yet.
    fn name(&self, key: &Self::Key);
    /// Gives back memory that only few cells need.
    fn trim(&mut self);
}

/// Cells by their keys.
///
/// A level is an array of places: a key has [`PROBES`] of them in a row, and takes the first that is free, or the next level.
/// Places are never freed while threads work, so that all agree where a key lies. Those that another block took are free: a
/// place says by which block it is taken, as far as eight bits can tell.
#[derive(Debug)]
pub(super) struct Table<C> {
    levels: [OnceLock<Box<[AtomicU64]>>; LEVELS],
    blocks: [OnceLock<Box<[C]>>; BLOCKS],
    count: AtomicU32,
    /// Which block it is, from 1 to 255.
    era: u64,
    secret: Secret,
    /// The most cells that a block used of late: it falls by an eighth with each block.
    peak: usize,
    /// Cells that took memory which only few need, since that was given back last.
    spilled: AtomicU32,
}

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self {
            levels: std::array::from_fn(|_| OnceLock::new()),
            blocks: std::array::from_fn(|_| OnceLock::new()),
            count: AtomicU32::new(0),
            era: 1,
            secret: Secret::random(),
            peak: 0,
            spilled: AtomicU32::new(0),
        }
    }
}

impl<C: Cell> Table<C> {
    /// Forgets everything, and prepares for about this many keys. Memory is kept for as many cells as blocks of late used.
    pub(super) fn clear(&mut self, keys: usize) {
        let used = usize::try_from(std::mem::take(self.count.get_mut())).unwrap_or(usize::MAX);
        self.peak = self.peak.saturating_sub(self.peak / 8).max(used);
        if *self.spilled.get_mut() > SPILLED {
            *self.spilled.get_mut() = 0;
            self.blocks.iter_mut().filter_map(OnceLock::get_mut).flatten().for_each(C::trim);
        }
        let mut start = 0_usize;
        for (shift, block) in (FIRST..).zip(&mut self.blocks) {
            // The block after that in which the peak lies is kept too.
            if start > self.peak.saturating_mul(2).max(LEAST) {
                drop(block.take());
            }
            start = start.saturating_add(1 << shift);
        }
        self.era = self.era.wrapping_add(1);
        if self.era > ERAS {
            self.era = 1;
            let all = self.levels.iter_mut().filter_map(OnceLock::get_mut).flatten();
            all.for_each(|place| *place.get_mut() = 0);
        }
        let wanted = keys.max(self.peak).saturating_mul(2).max(LEAST).next_power_of_two();
        let [first, further @ ..] = &mut self.levels;
        // Rare, and its memory is better used for something else.
        further.iter_mut().for_each(|level| drop(level.take()));
        let most = wanted.saturating_mul(4);
        if first.get().is_none_or(|level| !(wanted..=most).contains(&level.len())) {
            *first = OnceLock::from(places(wanted));
        }
    }

    /// A cell took memory that only few need.
    pub(super) fn spill(&self) {
        self.spilled.fetch_add(1, Relaxed);
    }

    /// Cells with an index below this may be in use.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Acquire)
    }

    /// The cell with an index.
    pub(super) fn get(&self, index: u32) -> Option<&C> {
        let shifted = index.checked_add(1 << FIRST)?;
        let block = shifted.ilog2();
        let inside = shifted ^ (1 << block);
        let block = usize::try_from(block.checked_sub(FIRST)?).ok()?;
        self.blocks.get(block)?.get()?.get(usize::try_from(inside).ok()?)
    }

    /// The index of a key's cell, if it has one.
    pub(super) fn find(&self, key: &C::Key) -> Option<u32> {
        let hash = C::hash(&self.secret, key);
        for level in &self.levels {
            let level = level.get()?;
            for probe in 0..PROBES {
                let place = place(level, hash, probe)?.load(Acquire);
                if self.is_free(place) {
                    return None;
                }
                if let Some(index) = self.held(place, hash, key) {
                    return Some(index);
                }
            }
        }
        None
    }

    /// Brings the place where a key is looked for first into the cache. What lies there says nothing.
    pub(super) fn touch(&self, key: &C::Key) -> u64 {
        let hash = C::hash(&self.secret, key);
        let [first, ..] = &self.levels;
        let place = first.get().and_then(|level| place(level, hash, 0));
        place.map_or(0, |place| place.load(Relaxed))
    }

    /// The index of a key's cell, which is made if there is none. None when there is no space.
    pub(super) fn intern(&self, key: &C::Key) -> Option<u32> {
        let hash = C::hash(&self.secret, key);
        let mut mine = None;
        let mut size = LEAST;
        for level in &self.levels {
            let level = match level.get() {
                Some(level) => level,
                None if size > self.most_places() => return None,
                None => level.get_or_init(|| places(size)),
            };
            size = level.len() << GROWTH;
            for probe in 0..PROBES {
                let place = place(level, hash, probe)?;
                let mut now = place.load(Acquire);
                if self.is_free(now) {
                    let index = match mine {
                        Some(index) => index,
                        None => *mine.insert(self.add(key)?),
                    };
                    let wanted = tag(hash) | self.era << 32 | u64::from(index);
                    match place.compare_exchange(now, wanted, Release, Acquire) {
                        Ok(_) => return Some(index),
                        Err(other) => now = other,
                    }
                }
                if let Some(index) = self.held(now, hash, key) {
                    return Some(index);
                }
            }
        }
        None
    }

    /// Places that a further level may have.
    fn most_places(&self) -> usize {
        let count = usize::try_from(self.count()).unwrap_or(usize::MAX);
        count.saturating_add(LEAST).saturating_mul(ROOM)
    }

    fn add(&self, key: &C::Key) -> Option<u32> {
        let index = self.count.fetch_add(1, Relaxed);
        let shifted = index.checked_add(1 << FIRST)?;
        let block = shifted.ilog2();
        let len = 1_usize << block;
        let at = usize::try_from(block.checked_sub(FIRST)?).ok()?;
        self.blocks.get(at)?.get_or_init(|| (0..len).map(|_| C::default()).collect());
        self.get(index)?.name(key);
        Some(index)
    }

    fn is_free(&self, place: u64) -> bool {
        place >> 32 & ERAS != self.era
    }

    /// The index that lies in a place, if it is this key's.
    fn held(&self, place: u64, hash: u64, key: &C::Key) -> Option<u32> {
        if tag(place ^ hash) != 0 {
            return None;
        }
        let index = u32::try_from(place & u64::from(u32::MAX)).ok()?;
        self.get(index)?.is(key).then_some(index)
    }
}

fn places(len: usize) -> Box<[AtomicU64]> {
    (0..len).map(|_| AtomicU64::new(0)).collect()
}

/// The part of a hash that a place holds: above the block and the index.
fn tag(hash: u64) -> u64 {
    hash & (u64::MAX << 40)
}

fn place(level: &[AtomicU64], hash: u64, probe: u64) -> Option<&AtomicU64> {
    let mask = u64::try_from(level.len()).ok()?.checked_sub(1)?;
    level.get(usize::try_from(hash.wrapping_add(probe) & mask).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "a test may fail loudly"
    )]

    use super::*;

    #[derive(Debug, Default)]
    struct Number(AtomicU64);

    impl Cell for Number {
        type Key = u64;

        /// Keys that are equal modulo 4 collide.
        fn hash(_: &Secret, key: &u64) -> u64 {
            (key % 4) * 0x1_0001
        }

        fn trim(&mut self) {}

        fn is(&self, key: &u64) -> bool {
            self.0.load(Relaxed) == *key
        }

        fn name(&self, key: &u64) {
            self.0.store(*key, Relaxed);
        }
    }

    #[test]
    fn keys_that_collide_lie_apart_until_there_is_no_space() {
        let table = Table::<Number>::default();
        let all: Vec<_> = (0..2_000).map_while(|key| table.intern(&key)).collect();
        assert!((32..2_000).contains(&all.len()), "{}", all.len());
        for (key, index) in (0..).zip(&all) {
            assert_eq!((table.find(&key), table.intern(&key)), (Some(*index), Some(*index)));
            assert!(table.get(*index).unwrap().is(&key));
        }
        assert_eq!(table.find(&5_000_000), None);
    }

    /// Few keys that collide in a table made for many: they have no space, and take none.
    #[test]
    fn keys_that_collide_cost_no_memory() {
        let mut table = Table::<Number>::default();
        table.clear(1 << 16);
        let found = (0..2_000).map(|key| table.intern(&(4 * key))).filter(Option::is_some).count();
        assert_eq!(found as u64, PROBES);
        let places: usize =
            table.levels.iter().filter_map(OnceLock::get).map(|all| all.len()).sum();
        assert_eq!(places, 1 << 17);
    }

    /// Accounts are numbered in an order that anybody can foresee.
    #[test]
    fn slots_of_several_accounts_do_not_collide_by_choice() {
        let mut table = Table::<super::super::cells::SlotCell>::default();
        // So many places that sixteen keys in a row are no accident.
        table.clear(1 << 15);
        for account in 0..2_000_u32 {
            let slot = alloy_primitives::U256::from(u64::from(account ^ 77) << 32);
            assert!(table.intern(&(account, slot)).is_some());
        }
        assert!(table.levels[1].get().is_none(), "they need a further level");
    }

    #[derive(Debug, Default)]
    struct Spread(AtomicU64);

    impl Cell for Spread {
        type Key = u64;

        fn hash(secret: &Secret, key: &u64) -> u64 {
            secret.mix(&[*key])
        }

        fn trim(&mut self) {}

        fn is(&self, key: &u64) -> bool {
            self.0.load(Relaxed) == *key
        }

        fn name(&self, key: &u64) {
            self.0.store(*key, Relaxed);
        }
    }

    /// A large block makes the table large for a while.
    #[test]
    fn memory_is_given_back_when_blocks_become_small() {
        let mut table = Table::<Spread>::default();
        let memory = |table: &Table<Spread>| {
            let cells = table.blocks.iter().filter_map(OnceLock::get).map(|all| all.len());
            let places = table.levels.iter().filter_map(OnceLock::get).map(|all| all.len());
            (cells.sum::<usize>(), places.sum::<usize>())
        };
        table.clear(10);
        (0..300_000).for_each(|key| assert!(table.intern(&key).is_some()));
        table.clear(10);
        let (cells, places) = memory(&table);
        assert!(cells >= 300_000 && places >= 600_000, "the next block may be as large");
        for _ in 0..80 {
            (0..100).for_each(|key| assert!(table.intern(&key).is_some()));
            table.clear(10);
        }
        let (cells, places) = memory(&table);
        assert!(cells <= 4 * LEAST && places <= 4 * LEAST, "{cells} cells, {places} places");
    }

    #[test]
    fn all_threads_agree_where_a_key_lies() {
        let mut table = Table::<Spread>::default();
        for round in 0..600_u64 {
            table.clear(if round == 0 { 1_000 } else { 10 });
            let most = if round % 300 == 0 { 20_000 } else { 200 };
            let work = || -> Vec<_> {
                (1..most).map(|key| table.intern(&(key + round)).unwrap()).collect()
            };
            let found = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            });
            assert!(found.iter().all(|one| one == &found[0]));
            let distinct: std::collections::BTreeSet<_> = found[0].iter().collect();
            assert_eq!(distinct.len() as u64, most - 1);
        }
    }
}
