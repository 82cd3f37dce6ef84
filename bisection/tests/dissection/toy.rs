//! A history of numbers. A checkpoint hash is (world, position since genesis): world 0 is the truth, `GARBAGE` has no
//! preimage, and in every other world a step leads to the next position of the same world.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, keccak256};
use recourse_bisection::{
    Boundary, ClaimRange, History, Knowledge,
    model::{Model, World},
};
use recourse_protocol::{BatchIndex, CheckpointHash, StepIndex};

pub const TRUTH: u64 = 0;
pub const GARBAGE: u64 = u64::MAX;

pub fn hash(world: u64, position: u64) -> CheckpointHash {
    let mut bytes = B256::ZERO;
    bytes.0[16..24].copy_from_slice(&world.to_be_bytes());
    bytes.0[24..].copy_from_slice(&position.to_be_bytes());
    CheckpointHash(bytes)
}

fn parts(hash: CheckpointHash) -> (u64, u64) {
    let number = |range: core::ops::Range<usize>| {
        u64::from_be_bytes(hash.0.0[range].try_into().expect("eight bytes"))
    };
    (number(16..24), number(24..32))
}

/// Where each batch ends, in steps since genesis; batch 0 ends at 0.
#[derive(Debug, Clone)]
pub struct Chain {
    pub ends: Vec<u64>,
}

impl Chain {
    pub fn new(lengths: &[u64]) -> Self {
        let mut ends = vec![0];
        for length in lengths {
            ends.push(ends.last().unwrap() + length);
        }
        Self { ends }
    }

    pub fn end(&self, batch: BatchIndex) -> u64 {
        self.ends[batch.0 as usize]
    }

    pub fn newest(&self) -> BatchIndex {
        BatchIndex(self.ends.len() as u64 - 1)
    }
}

impl World for Chain {
    fn batch_hash(&self, batch: BatchIndex) -> Option<B256> {
        let exists = batch.0 > 0 && batch <= self.newest();
        exists.then(|| keccak256(batch.0.to_be_bytes()))
    }

    fn step(&self, pre: CheckpointHash) -> Option<CheckpointHash> {
        let (world, position) = parts(pre);
        let exists = position < *self.ends.last()?;
        (world != GARBAGE && exists).then(|| hash(world, position + 1))
    }

    fn batch_of(&self, checkpoint: CheckpointHash) -> Option<BatchIndex> {
        let (world, position) = parts(checkpoint);
        let batch = self.ends.iter().filter(|end| **end <= position).count();
        (world != GARBAGE).then_some(BatchIndex(batch as u64))
    }

    fn ends_batch(&self, checkpoint: CheckpointHash, batch: BatchIndex) -> bool {
        let (world, position) = parts(checkpoint);
        world != GARBAGE && self.ends.get(batch.0 as usize) == Some(&position)
    }
}

/// A part of the truth. Counts how often each checkpoint is asked for.
#[derive(Debug, Clone, Default)]
pub struct ToyHistory {
    pub start: u64,
    pub end: u64,
    pub asked: RefCell<BTreeMap<u64, u32>>,
}

impl History for ToyHistory {
    fn steps(&self) -> u64 {
        self.end - self.start
    }

    fn hash(&self, at: StepIndex) -> Option<CheckpointHash> {
        *self.asked.borrow_mut().entry(at.0).or_default() += 1;
        let position = self.start + at.0;
        (position <= self.end).then(|| hash(TRUTH, position))
    }
}

/// A party that derived everything and read every blob.
pub struct Honest<'a>(pub &'a Model<Chain>);

impl Knowledge for Honest<'_> {
    type History = ToyHistory;

    fn newest(&self) -> BatchIndex {
        self.0.world().newest()
    }

    fn boundary(&self, batch: BatchIndex) -> Option<Boundary> {
        let chain = self.0.world();
        let steps = *chain.ends.get(batch.0 as usize)?;
        let batch_hash = chain.batch_hash(batch).unwrap_or_default();
        Some(Boundary { batch_hash, checkpoint: hash(TRUTH, steps), steps })
    }

    fn history(&self, range: ClaimRange) -> Option<ToyHistory> {
        let chain = self.0.world();
        let (start, end) = (chain.end(range.after), chain.end(range.upto));
        Some(ToyHistory { start, end, ..ToyHistory::default() })
    }

    fn elements(&self, versioned_hash: B256) -> Option<Arc<[CheckpointHash]>> {
        self.0.elements(versioned_hash)
    }
}
