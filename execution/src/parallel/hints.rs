//! What blocks teach those after them: slots over which transactions had to run again. Whoever reads one waits from the start for
//! those before it that are under way. Nothing else follows, so that a false hint costs time and never changes a result.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use alloy_primitives::{Address, U256};

use super::words::{self, Secret};

/// So many slots are remembered at most: [`WAYS`] for each of [`SETS`] values that a part of the hash can have.
const SLOTS: usize = SETS * WAYS;
const SETS: usize = 1 << 9;
const WAYS: usize = 8;
/// No slot is more disputed. Of one that is not disputed any more, so many waits in vain, or blocks, make an end.
const MOST: u32 = 4;
/// What is less disputed when a block ends is forgotten with it: two that met by chance are not likely to meet again.
const REMEMBERED: u32 = 2;

pub(super) type Key = (Address, U256);

/// How disputed a slot is. Each transaction that read it too early makes it more, as does each that waited and would have; who
/// waited in vain makes it less.
#[derive(Debug, Default)]
pub(super) struct Disputed(AtomicU32);

const TIMES: u32 = 7;
/// Something in this block made it more so.
const SHOWN: u32 = 1 << 3;
/// What earlier blocks taught is part of it.
const ASKED: u32 = 1 << 4;

impl Disputed {
    pub(super) fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    /// A transaction read it too early.
    pub(super) fn add(&self) {
        self.change(|times| times.saturating_add(1), SHOWN);
    }

    /// A transaction waited before it read the slot, which changed meanwhile or did not.
    pub(super) fn waited(&self, changed: bool) {
        match changed {
            true => self.add(),
            false => self.change(|times| times.saturating_sub(1), 0),
        }
    }

    fn change(&self, change: impl Fn(u32) -> u32, flags: u32) {
        let changed = |now: u32| now & !TIMES | change(now & TIMES).min(MOST) | flags;
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| Some(changed(now)));
    }

    /// How disputed it is; 0: there is nobody to wait for. It is the slot of this cell, with this key.
    pub(super) fn get(&self, hints: &Hints, cell: u32, key: impl FnOnce() -> Option<Key>) -> u32 {
        let mut now = self.0.load(Relaxed);
        if now & ASKED == 0 && !hints.is_empty() {
            let level = key().map_or(0, |key| hints.ask(&key, cell));
            let asked =
                |now: u32| (now & TIMES).saturating_add(level).min(MOST) | now & SHOWN | ASKED;
            let other =
                self.0.fetch_update(Relaxed, Relaxed, |now| (now & ASKED == 0).then(|| asked(now)));
            now = other.map_or_else(|now| now, asked);
        }
        now & TIMES
    }

    /// How disputed it is for the next block. One that used it and had nothing to wait for makes it less so.
    fn after(&self) -> u32 {
        let now = self.0.load(Relaxed);
        (now & TIMES).saturating_sub((now & SHOWN == 0).into())
    }
}

#[derive(Debug, Default)]
struct Place {
    key: Key,
    level: u32,
    /// The block that taught it or used it last.
    last: u32,
}

/// Slots that are remembered: only asked while a block runs, changed after it.
#[derive(Debug)]
pub(super) struct Hints {
    secret: Secret,
    /// A part of each key's hash; 0 where no key lies. They fit a core's cache, where the places don't.
    tags: Box<[[u32; WAYS]]>,
    /// Where the slot lies in the block under way, and one more; 0 if nobody asked for it.
    used: Box<[AtomicU32]>,
    places: Box<[Place]>,
    count: usize,
    block: u32,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            secret: Secret::random(),
            tags: Box::default(),
            used: Box::default(),
            places: Box::default(),
            count: 0,
            block: 0,
        }
    }
}

impl Hints {
    const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.tags.fill([0; WAYS]);
        self.count = 0;
    }

    /// How disputed a slot was, which lies in this cell from now on.
    fn ask(&self, key: &Key, cell: u32) -> u32 {
        let Some(at) = self.find(key) else {
            return 0;
        };
        if let Some(used) = self.used.get(at) {
            used.store(cell.saturating_add(1), Relaxed);
        }
        self.places.get(at).map_or(0, |place| place.level)
    }

    /// A block ended: `slot` tells what it says of the slot in a cell, and transactions had to run again over those in `disputed`.
    pub(super) fn learn<'a>(
        &mut self,
        disputed: &[u32],
        slot: impl Fn(u32) -> Option<(Key, &'a Disputed)>,
    ) {
        self.block = self.block.wrapping_add(1);
        if !self.is_empty() {
            let all = self.used.iter_mut().zip(self.tags.as_flattened_mut()).zip(&mut self.places);
            for ((used, tag), place) in all {
                let Some(cell) = std::mem::take(used.get_mut()).checked_sub(1) else {
                    continue;
                };
                place.last = self.block;
                place.level = slot(cell).map_or(0, |(_, disputed)| disputed.after());
                if place.level == 0 {
                    *tag = 0;
                    self.count = self.count.saturating_sub(1);
                }
            }
        }
        for (key, disputed) in disputed.iter().filter_map(|cell| slot(*cell)) {
            if disputed.after() >= REMEMBERED {
                self.remember(key, disputed.after());
            }
        }
    }

    /// In the place of the one that was not used for longest, if there is no other.
    fn remember(&mut self, key: Key, level: u32) {
        if self.places.is_empty() {
            self.tags = (0..SETS).map(|_| [0; WAYS]).collect();
            self.used = (0..SLOTS).map(|_| AtomicU32::new(0)).collect();
            self.places = (0..SLOTS).map(|_| Place::default()).collect();
        }
        if self.find(&key).is_some() {
            return;
        }
        let block = self.block;
        let (set, tag) = self.hash(&key);
        let ways = self.tags.as_flattened_mut().iter_mut().zip(&mut self.places);
        let ways = ways.skip(set.saturating_mul(WAYS)).take(WAYS);
        let oldest = ways.max_by_key(|(tag, place)| match **tag {
            0 => u32::MAX,
            _ => block.wrapping_sub(place.last),
        });
        if let Some((its, place)) = oldest {
            if *its == 0 {
                self.count = self.count.saturating_add(1);
            }
            *its = tag;
            *place = Place { key, level, last: block };
        }
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let (set, tag) = self.hash(key);
        let start = set.saturating_mul(WAYS);
        let ways = (start..).zip(self.tags.get(set)?).filter(|(_, its)| **its == tag);
        let mut places = ways.map(|(at, _)| at);
        places.find(|at| self.places.get(*at).is_some_and(|place| place.key == *key))
    }

    /// The set of a key, and its tag.
    fn hash(&self, (address, slot): &Key) -> (usize, u32) {
        let ([a, b, c], [d, e, f, g]) = (words::of_address(*address), words::of_u256(*slot));
        let hash = self.secret.mix(&[a, b, c, d, e, f, g]);
        let set = usize::try_from(hash).unwrap_or_default() & SETS.saturating_sub(1);
        (set, u32::try_from(hash >> 32).unwrap_or_default() | 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "a test may fail loudly"
    )]

    use super::*;

    fn key(index: u64) -> Key {
        (Address::with_last_byte(7), U256::from(index))
    }

    /// A block that uses these slots, each as often disputed as it says; `waits` is what came of waiting for the first one.
    fn block(hints: &mut Hints, used: &[(u64, u32)], waits: &[bool]) -> Vec<u32> {
        let cells: Vec<_> = used.iter().map(|(at, _)| (key(*at), Disputed::default())).collect();
        let all = (0..).zip(&cells);
        let found: Vec<_> = all.map(|(at, (key, it))| it.get(hints, at, || Some(*key))).collect();
        let mut disputed = Vec::new();
        for (at, (_, times)) in (0..).zip(used) {
            for _ in 0..*times {
                cells[at as usize].1.add();
                disputed.push(at);
            }
        }
        waits.iter().for_each(|changed| cells[0].1.waited(*changed));
        hints.learn(&disputed, |cell| cells.get(cell as usize).map(|(key, it)| (*key, it)));
        found
    }

    #[test]
    fn a_slot_is_remembered_until_blocks_that_use_it_show_no_conflict() {
        let mut hints = Hints::default();
        assert_eq!(block(&mut hints, &[(1, 1), (2, 2), (3, 9), (4, 0)], &[]), [0; 4]);
        // Blocks that do not use them teach nothing.
        (0..9).for_each(|_| assert_eq!(block(&mut hints, &[(4, 0)], &[]), [0]));
        assert_eq!(block(&mut hints, &[(1, 0), (2, 0), (3, 0)], &[]), [0, 2, MOST]);
        // The same slot of another account.
        let other = (Address::with_last_byte(8), U256::from(3));
        assert_eq!(Disputed::default().get(&hints, 0, || Some(other)), 0);
        assert_eq!(block(&mut hints, &[(2, 0), (3, 0)], &[]), [1, 3]);
        assert_eq!(block(&mut hints, &[(2, 0), (3, 0)], &[]), [0, 2]);
        // A wait that was not in vain keeps it, as does a transaction that ran again.
        assert_eq!(block(&mut hints, &[(3, 0)], &[true]), [1]);
        assert_eq!(block(&mut hints, &[(3, 1)], &[]), [2]);
        assert_eq!(block(&mut hints, &[(3, 0)], &[false, false]), [3]);
        assert_eq!(hints.count, 0);
        assert_eq!(block(&mut hints, &[(3, 0)], &[]), [0]);
    }

    #[test]
    fn nobody_waits_in_vain_for_long() {
        let mut hints = Hints::default();
        block(&mut hints, &[(1, 9)], &[]);
        let slot = Disputed::default();
        let times = || slot.get(&hints, 0, || Some(key(1)));
        let mut waits = 0;
        while times() > 0 {
            slot.waited(waits == 0);
            waits += 1;
        }
        assert_eq!(waits, 1 + MOST);
        slot.add();
        assert_eq!(times(), 1, "what happens in the block itself counts all the same");
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut hints = Hints::default();
        for blocks in 0..10_u64 {
            let used: Vec<_> = (0..2_000).map(|index| (blocks * 2_000 + index, 2)).collect();
            block(&mut hints, &used, &[]);
            assert!(hints.count <= SLOTS);
            let sizes = (hints.places.len(), hints.used.len(), hints.tags.len() * WAYS);
            assert_eq!(sizes, (SLOTS, SLOTS, SLOTS));
        }
        let known = |range: std::ops::Range<u64>| {
            range.filter(|at| hints.find(&key(*at)).is_some()).count()
        };
        assert!(known(18_000..20_000) > 1_900, "the last ones stay");
        assert!(known(0..10_000) < 100, "the oldest go");
        assert_eq!(known(0..20_000), hints.count);
        hints.clear();
        assert_eq!(block(&mut hints, &[(19_999, 0)], &[]), [0]);
    }
}
