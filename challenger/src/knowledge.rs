//! What the planner asks, answered from the own derivation.

use std::sync::Arc;

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_bisection::{Boundary, ClaimRange, Knowledge};
use recourse_node::derivation::Chain;
use recourse_protocol::{BatchIndex, CheckpointHash};
use recourse_trace_builder::ClaimHashes;

use crate::{errands::Errand, shelf::Shelf};

/// One history. An L1 reorganisation can change what a batch index means, but not what these hashes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct HistoryKey {
    pub(crate) range: ClaimRange,
    /// Hash of the last batch; it binds all before it.
    pub(crate) batch_hash: B256,
    /// Where the range ends.
    pub(crate) end: CheckpointHash,
}

/// Histories and revealed blobs, shared by all rounds.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// Histories without the states from which a step can be proven: these are some hundred times as large.
    pub(crate) hashes: Mutex<Shelf<HistoryKey, Arc<ClaimHashes>>>,
    /// Elements of blobs, by versioned hash.
    pub(crate) elements: Mutex<Shelf<B256, Arc<[CheckpointHash]>>>,
}

/// The own derivation at one head.
#[derive(Debug, Clone)]
pub(crate) struct Derived {
    pub(crate) chain: Chain,
    pub(crate) library: Arc<Library>,
}

impl Library {
    /// Forgets what nobody asked for since the last time.
    pub(crate) fn sweep(&self) {
        self.hashes.lock().sweep();
        self.elements.lock().sweep();
    }

    /// Leaves a wish unfulfilled; it may be wished again.
    pub(crate) fn give_up(&self, errand: &Errand) {
        match errand {
            Errand::Hashes(key) => self.hashes.lock().put(key, None),
            Errand::Elements(hash) => self.elements.lock().put(hash, None),
        }
    }
}

impl Derived {
    /// The name of a range's history, if the range is derived.
    pub(crate) fn key(&self, range: ClaimRange) -> Option<HistoryKey> {
        let batch_hash = self.chain.batch_hash(range.upto)?;
        let end = self.chain.checkpoint_after(range.upto)?.h248();
        Some(HistoryKey { range, batch_hash, end })
    }
}

impl Knowledge for Derived {
    type History = Arc<ClaimHashes>;

    fn newest(&self) -> BatchIndex {
        self.chain.tip()
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        Some(Boundary {
            batch_hash: self.chain.batch_hash(batch)?,
            checkpoint: self.chain.checkpoint_after(batch)?.h248(),
            steps: self.chain.steps(BatchIndex(0), batch)?,
        })
    }

    fn history(&self, range: ClaimRange) -> Option<Arc<ClaimHashes>> {
        let key = self.key(range)?;
        self.library.hashes.lock().get(&key)
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        self.library.elements.lock().get(&versioned_hash)
    }
}

#[cfg(test)]
mod tests {
    use recourse_protocol::BatchIndex;

    use super::*;

    #[test]
    fn what_was_given_up_is_wished_again() {
        let library = Library::default();
        let range = ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) };
        let key = HistoryKey { range, batch_hash: B256::ZERO, end: CheckpointHash(B256::ZERO) };
        let wishes = || {
            library.hashes.lock().get(&key);
            library.elements.lock().get(&B256::ZERO);
            crate::errands::wishes(&library)
        };
        let all = wishes();
        assert_eq!(all, [Errand::Hashes(key), Errand::Elements(B256::ZERO)]);
        assert_eq!(wishes(), [], "somebody sees to them");
        for errand in &all {
            library.give_up(errand);
            assert_eq!(wishes(), [*errand]);
        }
    }
}
