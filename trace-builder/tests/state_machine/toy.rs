//! The toy history of `contracts/test/support/ToyVerifier.sol`: the state root of position `i` is `i + 1`, each batch takes
//! eight steps.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use recourse_bisection::model::World;
use recourse_protocol::{BatchIndex, Checkpoint, CheckpointHash};

pub const STEPS: u64 = 8;

fn checkpoint(state_root: u64, batch: u64, offset: u32) -> Checkpoint {
    Checkpoint {
        state_root: B256::from(U256::from(state_root)),
        parent_hash: B256::ZERO,
        tx_digest: B256::ZERO,
        receipt_digest: B256::ZERO,
        number: 0,
        timestamp: 0,
        gas_used: 0,
        base_fee: U256::ZERO,
        view: Default::default(),
        forced_done: 0,
        deposits_done: 0,
        batch: BatchIndex(batch),
        blob: 0,
        offset,
        open: false,
    }
}

/// The true checkpoint at a position.
pub fn truth(position: u64) -> Checkpoint {
    checkpoint(position + 1, position / STEPS + 1, (position % STEPS) as u32)
}

/// A false one, at the same cursor.
pub fn lie(position: u64, salt: u64) -> Checkpoint {
    checkpoint(position + 1000 + 100 * salt, position / STEPS + 1, (position % STEPS) as u32)
}

/// What the contract can learn, as the model is told it.
#[derive(Debug, Clone, Default)]
pub struct Toy {
    /// Hashes of the appended batches.
    pub batches: Vec<B256>,
    /// Preimages that anybody knows.
    pub known: BTreeMap<CheckpointHash, Checkpoint>,
}

impl Toy {
    /// Makes a checkpoint known.
    pub fn learn(&mut self, checkpoint: Checkpoint) -> CheckpointHash {
        let hash = checkpoint.h248();
        self.known.insert(hash, checkpoint);
        hash
    }

    /// The position of a true checkpoint.
    pub fn position(&self, hash: CheckpointHash) -> Option<u64> {
        let known = self.known.get(&hash)?;
        let position = U256::from_be_bytes(known.state_root.0).to::<u64>().checked_sub(1)?;
        (*known == truth(position)).then_some(position)
    }
}

impl World for Toy {
    fn batch_hash(&self, batch: BatchIndex) -> Option<B256> {
        self.batches.get(batch.0.checked_sub(1)? as usize).copied()
    }

    fn step(&self, pre: CheckpointHash) -> Option<CheckpointHash> {
        let position = self.position(pre)?;
        self.batch_hash(BatchIndex(position / STEPS + 1))?;
        Some(truth(position + 1).h248())
    }

    fn batch_of(&self, checkpoint: CheckpointHash) -> Option<BatchIndex> {
        self.known.get(&checkpoint).map(|known| known.batch)
    }

    fn ends_batch(&self, checkpoint: CheckpointHash, batch: BatchIndex) -> bool {
        self.known.get(&checkpoint).is_some_and(|known| {
            let at_start = known.blob == 0 && known.offset == 0 && !known.open;
            at_start && batch.0 > 0 && known.batch.0 == batch.0 + 1
        })
    }
}
