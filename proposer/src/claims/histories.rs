//! The hashes of claims: what challenges are answered with, and what strangers' reveals are held against.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::ClaimRange;
use recourse_execution::Schedule;
use recourse_node::NodeState;
use recourse_protocol::{BatchIndex, CheckpointHash, L2Config};
use recourse_trace_builder::{BatchHashes, BatchHistory, ClaimHashes, Derivation, Snapshot};

use super::respond::MoveError;

/// Steps whose hashes are kept in memory, about, beside what is asked for at each look: 1 GiB. Those used last stay.
const KEPT_STEPS: u64 = 1 << 25;

/// A batch by its hash and the checkpoint that it ends at: an L1 reorganisation can't change what these mean.
type Key = (B256, CheckpointHash);

/// A claim, by its range and what the last batch is named by, which binds all before it.
type ClaimKey = (ClaimRange, Key);

/// Histories of claims, whose batches are run once each.
#[derive(Debug)]
pub(super) struct Histories {
    l2: L2Config,
    kept: Mutex<Kept<Key, BatchHashes>>,
    /// Held while batches are run: who wants the same ones waits, and finds them kept.
    running: Mutex<()>,
    wanted: Mutex<Wanted>,
    stopped: AtomicBool,
}

/// What the planner asks for. It stays as long as it is asked for, whatever else is kept.
#[derive(Debug, Default)]
struct Wanted {
    /// Asked for since the last look, in this order, and not at hand: what challenges wait for, then the rest.
    wishes: [Vec<ClaimRange>; 2],
    /// With whether it was asked for since the last look.
    here: HashMap<ClaimKey, (ClaimHashes, bool)>,
    /// Could not be made, when it was tried last.
    failed: Vec<ClaimRange>,
    /// Whether it is the turn of one that failed and that a challenge waits for.
    again: bool,
}

/// How much it matters that a history is at hand soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A challenge must be answered with it.
    Challenged,
    /// It tells whether a stranger's claim looks well.
    Watched,
}

impl Wanted {
    fn get(&mut self, key: &ClaimKey) -> Option<ClaimHashes> {
        let (history, asked) = self.here.get_mut(key)?;
        *asked = true;
        Some(history.clone())
    }

    fn wish(&mut self, range: ClaimRange, urgency: Urgency) {
        let [challenged, watched] = &mut self.wishes;
        let wishes = if urgency == Urgency::Challenged { challenged } else { watched };
        if !wishes.contains(&range) {
            wishes.push(range);
        }
    }

    /// What to make next. What failed last time comes after what did not, so that it keeps nothing else waiting.
    fn next(&mut self) -> Option<(ClaimRange, Urgency)> {
        self.here.retain(|_, (_, asked)| std::mem::take(asked));
        let [challenged, watched] = std::mem::take(&mut self.wishes);
        let all: Vec<_> = challenged
            .into_iter()
            .map(|range| (range, Urgency::Challenged))
            .chain(watched.into_iter().map(|range| (range, Urgency::Watched)))
            .collect();
        self.failed.retain(|failed| all.iter().any(|(range, _)| range == failed));
        let find = |failed: bool, which: Urgency| {
            // Of those that failed the one whose last try is longest ago.
            let order = |(range, _): &(ClaimRange, Urgency)| {
                self.failed
                    .iter()
                    .position(|other| other == range)
                    .map_or(0, |at| at.saturating_add(1))
            };
            let some = all.iter().filter(|wish| (order(wish) > 0) == failed && wish.1 == which);
            some.min_by_key(|wish| order(wish)).copied()
        };
        let fresh = find(false, Urgency::Challenged);
        let (again, watched) = (find(true, Urgency::Challenged), find(false, Urgency::Watched));
        // Neither waits for all of the other.
        let other = if self.again { again.or(watched) } else { watched.or(again) };
        if fresh.is_none() {
            self.again = !self.again;
        }
        fresh.or(other).or_else(|| find(true, Urgency::Watched))
    }

    fn made(&mut self, range: ClaimRange, made: Option<(Key, ClaimHashes)>) {
        self.failed.retain(|failed| *failed != range);
        match made {
            Some((key, history)) => {
                self.here.insert((range, key), (history, true));
            }
            None => self.failed.push(range),
        }
    }
}

impl Histories {
    pub(super) fn new(l2: L2Config) -> Self {
        Self {
            l2,
            kept: Mutex::new(Kept::new(KEPT_STEPS)),
            running: Mutex::default(),
            wanted: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Runs no further batch: a claim may take an hour, and nothing is lost with it.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The history of a range, if it is at hand. If not, that is a wish.
    pub(super) fn at_hand(
        &self,
        state: &NodeState,
        range: ClaimRange,
        urgency: Urgency,
    ) -> Option<ClaimHashes> {
        let key = (range, name(state, range.upto)?);
        let mut wanted = self.wanted.lock();
        if let Some(history) = wanted.get(&key) {
            return Some(history);
        }
        let history = self.put_together(state, range);
        match &history {
            Some(history) => wanted.made(range, Some((key.1, history.clone()))),
            None => wanted.wish(range, urgency),
        }
        history
    }

    /// From batches that are kept.
    fn put_together(&self, state: &NodeState, range: ClaimRange) -> Option<ClaimHashes> {
        let mut kept = self.kept.lock();
        let batches = batches(range).map(|index| kept.get(&name(state, index)?));
        ClaimHashes::new(batches.collect::<Option<_>>()?)
    }

    /// Before the planner asks anew.
    pub(super) fn forget_wishes(&self) {
        self.wanted.lock().wishes = Default::default();
    }

    /// What was asked for in vain.
    pub(super) fn wishes(&self) -> Vec<ClaimRange> {
        self.wanted.lock().wishes.concat()
    }

    /// What was asked for in vain and should be made next.
    pub(super) fn next_wish(&self) -> Option<(ClaimRange, Urgency)> {
        self.wanted.lock().next()
    }

    /// Makes what was wished for.
    pub(super) fn fulfil(&self, state: &NodeState, range: ClaimRange) -> Result<(), MoveError> {
        let made = self.of(state, range);
        let named = made.as_ref().ok().zip(name(state, range.upto));
        let found = named.map(|(history, key)| (key, history.clone()));
        self.wanted.lock().made(range, found);
        made.map(drop)
    }

    /// A wish could not be fulfilled.
    pub(super) fn failed(&self, range: ClaimRange) {
        self.wanted.lock().made(range, None);
    }

    /// The history of a range. Runs the batches that are not kept: takes long.
    pub(super) fn of(
        &self,
        state: &NodeState,
        range: ClaimRange,
    ) -> Result<ClaimHashes, MoveError> {
        // What is here does not wait for what somebody else has run.
        let here =
            || Some(self.wanted.lock().here.get(&(range, name(state, range.upto)?))?.0.clone());
        if let Some(history) = here().or_else(|| self.put_together(state, range)) {
            return Ok(history);
        }
        let _running = self.running.lock();
        let (mut all, mut before) = (Vec::new(), None);
        for index in batches(range) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(MoveError::Stopped);
            }
            let derived = state.chain.batch(index).ok_or(MoveError::NotDerived(index))?;
            let key = (derived.hash, derived.post.h248());
            let kept = self.kept.lock().get(&key);
            let hashes = match kept {
                Some(hashes) => {
                    before = None;
                    hashes
                }
                None => {
                    let start = start(state, index, &derived.pre, before.take())?;
                    let history = self.run(state, start)?;
                    before = Some(history.end().clone());
                    let hashes = Arc::new(BatchHashes::from(&history));
                    self.kept.lock().put(key, Arc::clone(&hashes), hashes.steps());
                    hashes
                }
            };
            all.push(hashes);
        }
        ClaimHashes::new(all).ok_or(MoveError::Torn(range))
    }

    fn run(&self, state: &NodeState, start: Snapshot) -> Result<BatchHistory, MoveError> {
        let schedule = Schedule::osaka();
        let derivation =
            Derivation { inputs: &state.l1.inbox, config: &self.l2, schedule: &schedule };
        BatchHistory::derive(&derivation, start)
            .map_err(|source| MoveError::Build(Box::new(source)))
    }
}

/// Where a batch starts: where the one before it ended, if that is at hand.
fn start(
    state: &NodeState,
    index: BatchIndex,
    pre: &recourse_protocol::Checkpoint,
    before: Option<Snapshot>,
) -> Result<Snapshot, MoveError> {
    match before.filter(|end| end.checkpoint == *pre) {
        Some(end) => Ok(end),
        None => {
            let before = BatchIndex(index.0.saturating_sub(1));
            Ok(Snapshot { checkpoint: *pre, state: state.chain.recall(before)? })
        }
    }
}

fn name(state: &NodeState, index: BatchIndex) -> Option<Key> {
    let derived = state.chain.batch(index)?;
    Some((derived.hash, derived.post.h248()))
}

fn batches(range: ClaimRange) -> impl Iterator<Item = BatchIndex> {
    (range.after.0.saturating_add(1)..=range.upto.0).map(BatchIndex)
}

/// Things of different sizes, of which those used last are kept.
#[derive(Debug)]
struct Kept<K, T> {
    things: HashMap<K, Place<T>>,
    size: u64,
    most: u64,
    /// Counts uses.
    clock: u64,
}

#[derive(Debug)]
struct Place<T> {
    thing: Arc<T>,
    size: u64,
    used: u64,
}

impl<K: Copy + Eq + std::hash::Hash, T> Kept<K, T> {
    fn new(most: u64) -> Self {
        Self { things: HashMap::new(), size: 0, most, clock: 0 }
    }

    fn get(&mut self, key: &K) -> Option<Arc<T>> {
        self.clock = self.clock.saturating_add(1);
        let place = self.things.get_mut(key)?;
        place.used = self.clock;
        Some(Arc::clone(&place.thing))
    }

    /// Keeps one more, and forgets those that were not used for longest, as long as all together are too large.
    fn put(&mut self, key: K, thing: Arc<T>, size: u64) {
        self.clock = self.clock.saturating_add(1);
        let place = Place { thing, size, used: self.clock };
        let replaced = self.things.insert(key, place);
        self.size = self.size.saturating_sub(replaced.map_or(0, |place| place.size));
        self.size = self.size.saturating_add(size);
        while self.size > self.most && self.things.len() > 1 {
            let oldest = self.things.iter().min_by_key(|(_, place)| place.used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            let gone = self.things.remove(&oldest);
            self.size = self.size.saturating_sub(gone.map_or(0, |place| place.size));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(upto: u64) -> ClaimRange {
        ClaimRange { after: BatchIndex(0), upto: BatchIndex(upto) }
    }

    #[test]
    fn challenges_come_first_and_what_fails_keeps_nobody_waiting() {
        let mut wanted = Wanted::default();
        let ask = |wanted: &mut Wanted| {
            for (upto, urgency) in
                [(1, Urgency::Watched), (2, Urgency::Challenged), (3, Urgency::Challenged)]
            {
                wanted.wish(range(upto), urgency);
            }
        };
        for expected in [2, 3, 1, 2, 3, 2, 3, 2] {
            ask(&mut wanted);
            let (next, _) = wanted.next().unwrap();
            assert_eq!(next, range(expected));
            wanted.made(next, None);
        }
        // What nobody asks for any more is no failure any more.
        assert_eq!(wanted.next(), None);
        ask(&mut wanted);
        assert_eq!(wanted.next(), Some((range(2), Urgency::Challenged)));
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten() {
        let mut kept = Kept::new(100);
        for key in 0..10 {
            kept.put(key, Arc::new(key), 10);
        }
        // All fit. The first is used again.
        assert!((0..10).all(|key| kept.things.contains_key(&key)));
        assert_eq!(kept.get(&0), Some(Arc::new(0)));
        kept.put(10, Arc::new(10), 15);
        let left: Vec<bool> = (0..=10).map(|key| kept.things.contains_key(&key)).collect();
        let mut expected = vec![true; 11];
        (expected[1], expected[2]) = (false, false);
        assert_eq!(left, expected);
        assert_eq!(kept.size, 95);
    }

    #[test]
    fn the_newest_stays_however_large_it_is() {
        let mut kept = Kept::new(100);
        kept.put(1, Arc::new(()), 60);
        kept.put(2, Arc::new(()), 1_000);
        assert_eq!((kept.get(&1), kept.get(&2)), (None, Some(Arc::new(()))));
        // Put again it counts once.
        kept.put(2, Arc::new(()), 50);
        assert_eq!(kept.size, 50);
    }
}
