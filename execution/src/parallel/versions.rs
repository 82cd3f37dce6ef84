//! The values that the transactions under way give to one location: short arrays, read without a lock.

use std::{
    hint::spin_loop,
    sync::{
        OnceLock,
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
            fence,
        },
    },
};

use super::words::Words;

/// How far execution runs ahead of what is committed, in transactions.
pub(super) const WINDOW: u32 = 128;

/// Most locations have no more versions at a time.
const NEAR: usize = 2;
/// So many are forgotten at once.
const TOGETHER: usize = 16;
/// The last one that is committed, those of the window, one to spare, and those that are forgotten together.
const FAR: usize = WINDOW as usize + 2 + TOGETHER;

/// What a transaction wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version<const W: usize> {
    /// Which transaction of the block.
    pub(super) tx: u32,
    /// What the words mean.
    pub(super) flags: u32,
    pub(super) words: [u64; W],
}

#[derive(Debug)]
struct Entry<const W: usize> {
    /// The transaction above, the flags below.
    head: AtomicU64,
    words: Words<W>,
}

impl<const W: usize> Default for Entry<W> {
    fn default() -> Self {
        Self { head: AtomicU64::new(0), words: Words::default() }
    }
}

impl<const W: usize> Entry<W> {
    fn tx(&self) -> u32 {
        u32::try_from(self.head.load(Relaxed) >> 32).unwrap_or_default()
    }

    fn load(&self) -> Version<W> {
        let head = self.head.load(Relaxed);
        Version {
            tx: u32::try_from(head >> 32).unwrap_or_default(),
            flags: u32::try_from(head & u64::from(u32::MAX)).unwrap_or_default(),
            words: self.words.load(),
        }
    }

    fn store(&self, version: &Version<W>) {
        self.head.store(u64::from(version.tx) << 32 | u64::from(version.flags), Relaxed);
        self.words.store(&version.words);
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// It took memory for a crowd of versions, which it keeps.
    pub(super) spilled: bool,
    /// [`Versions::sequence`] just before it.
    pub(super) before: u32,
    /// And just after it.
    pub(super) after: u32,
}

/// Versions of one location, by transaction.
///
/// A sequence lock: readers look at its counter before and after, and read again when it moved; writers hold it odd. All
/// words are atomic, so that a torn read is no more than a wrong value which is thrown away.
#[derive(Debug)]
pub(super) struct Versions<const W: usize> {
    sequence: AtomicU32,
    len: AtomicU32,
    near: [Entry<W>; NEAR],
    far: OnceLock<Box<[Entry<W>]>>,
}

/// A sequence that is odd. Others go on when this is dropped, even by a panic.
struct Held<'a> {
    sequence: &'a AtomicU32,
    held: u32,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.sequence.store(self.held.wrapping_add(1), Release);
    }
}

impl<const W: usize> Default for Versions<W> {
    fn default() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            len: AtomicU32::new(0),
            near: std::array::from_fn(|_| Entry::default()),
            far: OnceLock::new(),
        }
    }
}

impl<const W: usize> Versions<W> {
    /// Forgets all; nobody else looks yet.
    pub(super) fn clear(&self) {
        self.len.store(0, Relaxed);
    }

    /// Whether nobody wrote yet: then there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.len.load(Acquire) == 0
    }

    /// Changes with each change of the versions. What was read after this was asked is the same as long as this is.
    pub(super) fn sequence(&self) -> u32 {
        self.sequence.load(Acquire)
    }

    /// The newest version of those before a transaction.
    pub(super) fn latest(&self, below: u32) -> Option<Version<W>> {
        self.scan(below, None, |latest, version| {
            *latest = Some(version);
            false
        })
    }

    /// Folds over the versions before a transaction, newest first, until `step` says that it has enough. It sees each
    /// version, but can be made to start again.
    pub(super) fn scan<A: Clone>(
        &self,
        below: u32,
        start: A,
        mut step: impl FnMut(&mut A, Version<W>) -> bool,
    ) -> A {
        loop {
            let before = self.sequence.load(Acquire);
            if before & 1 == 1 {
                spin_loop();
                continue;
            }
            let mut all = start.clone();
            for at in (0..self.count()).rev() {
                let Some(entry) = self.entry(at) else {
                    break;
                };
                if entry.tx() < below && !step(&mut all, entry.load()) {
                    break;
                }
            }
            fence(Acquire);
            if self.sequence.load(Relaxed) == before {
                return all;
            }
        }
    }

    /// Gives back the memory of a crowd of versions; nobody else looks.
    pub(super) fn trim(&mut self) {
        drop(self.far.take());
    }

    /// Adds a version, or replaces that of the same transaction; forgets those that nobody asks for any more: all but the
    /// last of those before `floor`, the first transaction that is not committed. None when there is no space.
    #[must_use]
    pub(super) fn write(&self, version: &Version<W>, floor: &AtomicU32) -> Option<Written> {
        let before = self.far.get().is_some();
        let (held, written) = self.insert(version, floor);
        written.then(|| Written {
            spilled: !before && self.far.get().is_some(),
            before: held.wrapping_sub(1),
            after: held.wrapping_add(1),
        })
    }

    fn insert(&self, version: &Version<W>, floor: &AtomicU32) -> (u32, bool) {
        self.locked(|| {
            self.forget(floor.load(Acquire));
            let len = self.count();
            let mut at = len;
            while let Some(before) = at.checked_sub(1).and_then(|before| self.entry(before)) {
                if before.tx() < version.tx {
                    break;
                }
                at = at.saturating_sub(1);
            }
            if self.entry(at).is_some_and(|entry| at < len && entry.tx() == version.tx) {
                self.put(at, version);
                return true;
            }
            for from in (at..len).rev() {
                let Some(entry) = self.entry(from) else {
                    return false;
                };
                if !self.put(from.saturating_add(1), &entry.load()) {
                    return false;
                }
            }
            if !self.put(at, version) {
                return false;
            }
            self.set_count(len.saturating_add(1));
            true
        })
    }

    /// Changes the version of a transaction, if it has one: `change` gets the one before it too.
    pub(super) fn update(&self, tx: u32, change: impl FnOnce(&mut Version<W>, Option<Version<W>>)) {
        self.locked(|| {
            // It is most often among the first: all before it are committed.
            for at in 0..self.count() {
                let Some(entry) = self.entry(at).filter(|entry| entry.tx() == tx) else {
                    continue;
                };
                let before = at.checked_sub(1).and_then(|before| self.entry(before));
                let mut version = entry.load();
                change(&mut version, before.map(Entry::load));
                entry.store(&version);
                return;
            }
        });
    }

    /// Takes back what a transaction wrote.
    pub(super) fn remove(&self, tx: u32) {
        self.locked(|| {
            let len = self.count();
            let mut found = false;
            for at in 0..len {
                let Some(entry) = self.entry(at) else {
                    return;
                };
                if found {
                    self.put(at.saturating_sub(1), &entry.load());
                } else {
                    found = entry.tx() == tx;
                }
            }
            if found {
                self.set_count(len.saturating_sub(1));
            }
        });
    }

    /// Before another one is added. Many are forgotten at once, unless that saves memory: each moves all that stay.
    fn forget(&self, floor: u32) {
        let len = self.count();
        if len < NEAR {
            return;
        }
        let committed = (0..len)
            .take_while(|at| self.entry(*at).is_some_and(|entry| entry.tx() < floor))
            .count();
        let Some(gone) = committed.checked_sub(1).filter(|gone| *gone > 0) else {
            return;
        };
        let stay = len.saturating_sub(gone);
        if gone < TOGETHER && stay >= NEAR && len < NEAR.saturating_add(FAR) {
            return;
        }
        for at in gone..len {
            if let Some(entry) = self.entry(at) {
                self.put(at.saturating_sub(gone), &entry.load());
            }
        }
        self.set_count(stay);
    }

    /// Gives the counter as it was held, too.
    fn locked<T>(&self, work: impl FnOnce() -> T) -> (u32, T) {
        let held = loop {
            let now = self.sequence.load(Relaxed);
            let next = now.wrapping_add(1);
            if now & 1 == 0
                && self.sequence.compare_exchange_weak(now, next, Acquire, Relaxed).is_ok()
            {
                break next;
            }
            spin_loop();
        };
        let _held = Held { sequence: &self.sequence, held };
        // No word changes before the counter does.
        fence(Release);
        (held, work())
    }

    fn count(&self) -> usize {
        usize::try_from(self.len.load(Relaxed)).unwrap_or_default()
    }

    fn set_count(&self, len: usize) {
        self.len.store(u32::try_from(len).unwrap_or_default(), Release);
    }

    fn entry(&self, at: usize) -> Option<&Entry<W>> {
        match at.checked_sub(NEAR) {
            None => self.near.get(at),
            Some(at) => self.far.get().and_then(|far| far.get(at)),
        }
    }

    fn put(&self, at: usize, version: &Version<W>) -> bool {
        if at >= NEAR {
            self.far.get_or_init(|| (0..FAR).map(|_| Entry::default()).collect());
        }
        let entry = self.entry(at);
        if let Some(entry) = entry {
            entry.store(version);
        }
        entry.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(tx: u32, value: u64) -> Version<1> {
        Version { tx, flags: 0, words: [value] }
    }

    fn value(versions: &Versions<1>, below: u32) -> Option<u64> {
        versions.latest(below).map(|version| version.words[0])
    }

    #[test]
    fn each_transaction_sees_the_last_one_before_it() {
        let (versions, floor) = (Versions::default(), AtomicU32::new(0));
        for tx in [5, 1, 9, 3, 7] {
            assert!(versions.write(&version(tx, tx.into()), &floor).is_some());
        }
        let seen: Vec<_> = (0..11).map(|below| value(&versions, below).unwrap_or(0)).collect();
        assert_eq!(seen, [0, 0, 1, 1, 3, 3, 5, 5, 7, 7, 9]);
        assert!(versions.write(&version(5, 50), &floor).is_some());
        versions.remove(7);
        versions.update(9, |mine, before| mine.words[0] += before.unwrap().words[0]);
        assert_eq!((value(&versions, 9), value(&versions, 10)), (Some(50), Some(59)));
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let (versions, floor) = (Versions::default(), AtomicU32::new(0));
        for tx in 0..10_000 {
            assert!(versions.write(&version(tx, tx.into()), &floor).is_some());
            floor.store(tx.saturating_sub(WINDOW - 2), Release);
        }
        assert!(versions.count() <= NEAR + FAR);
        assert_eq!(value(&versions, 10_000 - WINDOW), Some(u64::from(10_000 - WINDOW - 1)));
        assert_eq!(value(&versions, 10_000), Some(9_999));
    }

    #[test]
    fn one_writer_after_the_other_takes_no_more_memory() {
        let (versions, floor) = (Versions::default(), AtomicU32::new(0));
        for tx in 0..1_000 {
            floor.store(tx, Release);
            assert!(versions.write(&version(tx, tx.into()), &floor).is_some());
            assert_eq!(value(&versions, tx), tx.checked_sub(1).map(u64::from));
        }
        assert!(versions.far.get().is_none());
    }

    #[test]
    fn without_space_nothing_is_written_silently() {
        let (versions, floor) = (Versions::default(), AtomicU32::new(0));
        let written =
            (0..1_000).take_while(|tx| versions.write(&version(*tx, 1), &floor).is_some()).count();
        assert_eq!(written, NEAR + FAR);
    }

    /// Two words that are always equal are never seen different.
    #[test]
    fn no_torn_value_is_ever_seen() {
        let (versions, floor) = (Versions::<2>::default(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for from in 0..2 {
                let (versions, floor) = (&versions, &floor);
                scope.spawn(move || {
                    for round in 0..2_000_u64 {
                        let words = [round * 2 + from; 2];
                        let tx = u32::try_from(round % 7).unwrap();
                        assert!(versions.write(&Version { tx, flags: 0, words }, floor).is_some());
                        versions.remove(u32::try_from((round + 3) % 7).unwrap());
                    }
                });
            }
            for below in 1..8 {
                for _ in 0..500 {
                    let seen = versions.latest(below);
                    assert!(seen.is_none_or(|seen| seen.words[0] == seen.words[1]));
                }
            }
        });
    }
}
