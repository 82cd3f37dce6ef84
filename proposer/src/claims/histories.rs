//! The hashes of own claims: what challenges are answered with.

use std::{collections::HashMap, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::ClaimRange;
use recourse_execution::Schedule;
use recourse_node::NodeState;
use recourse_protocol::{BatchIndex, CheckpointHash, L2Config};
use recourse_trace_builder::{BatchHashes, BatchHistory, ClaimHashes, Derivation, Snapshot};

use super::respond::MoveError;

/// Steps whose hashes are kept in memory, about: 1 GiB. A claim has 2^24 at most. Those used last stay, so that a claim is
/// run once, however many challenges it has.
const KEPT_STEPS: u64 = 1 << 25;

/// A batch by its hash and the checkpoint that it ends at: an L1 reorganisation can't change what these mean.
type Key = (B256, CheckpointHash);

/// Histories of batches, run once each.
#[derive(Debug)]
pub(super) struct Histories {
    l2: L2Config,
    kept: Mutex<Kept<Key, BatchHashes>>,
    /// Held while batches are run: who wants the same ones waits, and finds them kept.
    running: Mutex<()>,
    /// Ranges that were asked for and are not at hand, in the order in which they were asked for.
    wishes: Mutex<Vec<ClaimRange>>,
}

impl Histories {
    pub(super) fn new(l2: L2Config) -> Self {
        Self {
            l2,
            kept: Mutex::new(Kept::new(KEPT_STEPS)),
            running: Mutex::default(),
            wishes: Mutex::default(),
        }
    }

    /// The history of a range, if it is at hand. If not, that is a wish.
    pub(super) fn at_hand(&self, state: &NodeState, range: ClaimRange) -> Option<ClaimHashes> {
        let kept: Option<Vec<_>> = batches(range)
            .map(|index| {
                let derived = state.chain.batch(index)?;
                self.kept.lock().get(&(derived.hash, derived.post.h248()))
            })
            .collect();
        let history = kept.and_then(ClaimHashes::new);
        if history.is_none() {
            let mut wishes = self.wishes.lock();
            if !wishes.contains(&range) {
                wishes.push(range);
            }
        }
        history
    }

    /// What was asked for in vain since the last time.
    pub(super) fn take_wishes(&self) -> Vec<ClaimRange> {
        std::mem::take(&mut self.wishes.lock())
    }

    /// The history of a range. Runs the batches that are not kept: takes long.
    pub(super) fn of(
        &self,
        state: &NodeState,
        range: ClaimRange,
    ) -> Result<ClaimHashes, MoveError> {
        let _running = self.running.lock();
        let (mut all, mut before) = (Vec::new(), None);
        for index in batches(range) {
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
