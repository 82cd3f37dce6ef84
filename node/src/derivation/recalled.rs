//! States that were computed from the changes on disk.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_execution::State;
use recourse_protocol::BatchIndex;

/// States that are kept: moves in one dispute ask for one again and again. Each holds the nodes that are its own.
const MOST: usize = 8;
/// A state that nobody asks for while so many batches are derived is let go of: what it shares with newer ones gets less.
const UNUSED: u64 = 256;

/// The states that were asked for last, with the root that was asked for. All clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Recalled(Arc<Mutex<VecDeque<Known>>>);

#[derive(Debug)]
struct Known {
    batch: BatchIndex,
    root: B256,
    state: State,
    /// The newest batch when it was last asked for.
    asked: BatchIndex,
}

impl Recalled {
    pub(super) fn get(&self, batch: BatchIndex, root: B256, tip: BatchIndex) -> Option<State> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|known| (known.batch, known.root) == (batch, root))?;
        let found = kept.remove(at)?;
        let state = found.state.clone();
        kept.push_back(Known { asked: tip, ..found });
        Some(state)
    }

    pub(super) fn add(&self, batch: BatchIndex, root: B256, state: State, tip: BatchIndex) {
        let mut kept = self.0.lock();
        kept.push_back(Known { batch, root, state, asked: tip });
        while kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// Lets go of those before a batch's end.
    pub(super) fn forget(&self, before: BatchIndex) {
        self.0.lock().retain(|known| known.batch >= before);
    }

    /// Lets go of those that nobody asked for since long before this batch.
    pub(super) fn age(&self, tip: BatchIndex) {
        self.0.lock().retain(|known| known.asked.0.saturating_add(UNUSED) > tip.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(batch: u64) -> B256 {
        B256::left_padding_from(&batch.to_be_bytes())
    }

    fn add(recalled: &Recalled, batch: u64, tip: u64) {
        recalled.add(BatchIndex(batch), root(batch), State::default(), BatchIndex(tip));
    }

    fn has(recalled: &Recalled, batch: u64, tip: u64) -> bool {
        recalled.get(BatchIndex(batch), root(batch), BatchIndex(tip)).is_some()
    }

    #[test]
    fn the_last_few_are_kept() {
        let recalled = Recalled::default();
        (0..MOST as u64).for_each(|batch| add(&recalled, batch, 50));
        assert!(has(&recalled, 0, 50));
        let other = recalled.get(BatchIndex(0), root(1), BatchIndex(50));
        assert!(other.is_none(), "another chain's");
        add(&recalled.clone(), 99, 100);
        assert!(!has(&recalled, 1, 100), "asked for longest ago");
        assert!(has(&recalled, 0, 100) && has(&recalled, 99, 100));
    }

    #[test]
    fn what_is_forgotten_or_asked_for_no_more_is_let_go() {
        let recalled = Recalled::default();
        (1..=4).for_each(|batch| add(&recalled, batch, 50));
        recalled.forget(BatchIndex(3));
        assert_eq!(recalled.len(), 2);
        assert!(has(&recalled, 4, 60));
        recalled.age(BatchIndex(50 + UNUSED - 1));
        assert_eq!(recalled.len(), 2);
        recalled.age(BatchIndex(50 + UNUSED));
        assert_eq!(recalled.len(), 1);
        assert!(has(&recalled, 4, 60));
        recalled.age(BatchIndex(60 + UNUSED));
        assert_eq!(recalled.len(), 0);
    }
}
