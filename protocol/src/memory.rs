//! L1 inputs held in memory: for tests, and for whoever has them all at hand.

use std::sync::Arc;

use alloy_primitives::Bytes;

use crate::{Batch, BatchIndex, Inputs, Payload, View, ViewIndex, bindings::Credit};

/// L1 inputs held in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryInputs {
    /// Batches with the payloads of their blobs; the first is batch 1.
    pub batches: Vec<(Arc<Batch>, Vec<Arc<Payload>>)>,
    /// Views from 0.
    pub views: Vec<View>,
    /// Forced transactions from 0.
    pub forced: Vec<Bytes>,
    /// Deposits from 0.
    pub deposits: Vec<Credit>,
}

/// An input does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no {what} {index}, there are {count}")]
pub struct MissingInput {
    /// What was asked for.
    pub what: &'static str,
    /// Its index.
    pub index: u64,
    /// How many there are.
    pub count: usize,
}

impl Inputs for MemoryInputs {
    type Error = MissingInput;

    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, MissingInput> {
        let entry = index.0.checked_sub(1).and_then(|at| get(&self.batches, at));
        Ok(entry.map(|(batch, _)| Arc::clone(batch)))
    }

    fn view(&self, index: ViewIndex) -> Result<View, MissingInput> {
        find("view", &self.views, index.0.into()).copied()
    }

    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, MissingInput> {
        let at = batch.0.checked_sub(1).unwrap_or(u64::MAX);
        let (_, blobs) = find("batch", &self.batches, at)?;
        find("blob", blobs, blob.into()).cloned()
    }

    fn forced(&self, index: u64) -> Result<Bytes, MissingInput> {
        find("forced transaction", &self.forced, index).cloned()
    }

    fn deposit(&self, index: u64) -> Result<Credit, MissingInput> {
        find("deposit", &self.deposits, index).cloned()
    }
}

fn get<T>(list: &[T], index: u64) -> Option<&T> {
    usize::try_from(index).ok().and_then(|at| list.get(at))
}

fn find<'a, T>(what: &'static str, list: &'a [T], index: u64) -> Result<&'a T, MissingInput> {
    get(list, index).ok_or(MissingInput { what, index, count: list.len() })
}
