//! States that were computed from the changes on disk.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_execution::State;
use recourse_protocol::BatchIndex;

/// States that are kept: moves in one dispute ask for one again and again. Each holds the nodes that are its own.
const MOST: usize = 8;

/// The states that were asked for last, with the root that was asked for. All clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Recalled(Arc<Mutex<VecDeque<(BatchIndex, B256, State)>>>);

impl Recalled {
    pub(super) fn get(&self, batch: BatchIndex, root: B256) -> Option<State> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(of, is, _)| *of == batch && *is == root)?;
        let found = kept.remove(at)?;
        let state = found.2.clone();
        kept.push_back(found);
        Some(state)
    }

    pub(super) fn add(&self, batch: BatchIndex, root: B256, state: State) {
        let mut kept = self.0.lock();
        kept.push_back((batch, root, state));
        while kept.len() > MOST {
            kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_few_are_kept() {
        let recalled = Recalled::default();
        let root = |batch: u64| B256::left_padding_from(&batch.to_be_bytes());
        for batch in 0..MOST as u64 {
            recalled.add(BatchIndex(batch), root(batch), State::default());
        }
        assert!(recalled.get(BatchIndex(0), root(0)).is_some());
        assert!(recalled.get(BatchIndex(0), root(1)).is_none(), "another chain's");
        recalled.clone().add(BatchIndex(99), root(99), State::default());
        assert!(recalled.get(BatchIndex(1), root(1)).is_none(), "asked for longest ago");
        assert!(recalled.get(BatchIndex(0), root(0)).is_some());
        assert!(recalled.get(BatchIndex(99), root(99)).is_some());
    }
}
