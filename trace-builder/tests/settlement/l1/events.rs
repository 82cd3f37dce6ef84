//! The L1 inputs, from the Inbox's events.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, Bytes, Log};
use alloy_sol_types::SolEvent;
use recourse_protocol::{
    Batch, BatchIndex, Inputs, Payload, View, ViewIndex,
    bindings::{Credit, IInbox},
};
use recourse_trace_builder::Blobs;

#[derive(Debug, thiserror::Error)]
#[error("L1 has no {0}")]
pub struct Absent(&'static str);

/// The L1 inputs, from the Inbox's events.
#[derive(Clone, Default)]
pub struct Events {
    batches: Vec<Arc<Batch>>,
    views: Vec<View>,
    forced: Vec<Bytes>,
    deposits: Vec<Credit>,
    pub(super) blobs: BTreeMap<B256, Arc<Blob>>,
    payloads: Arc<Mutex<BTreeMap<B256, Arc<Payload>>>>,
}

impl Inputs for Events {
    type Error = Absent;

    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, Absent> {
        Ok(index.0.checked_sub(1).and_then(|at| self.batches.get(at as usize)).cloned())
    }

    fn view(&self, index: ViewIndex) -> Result<View, Absent> {
        self.views.get(index.0 as usize).copied().ok_or(Absent("view"))
    }

    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, Absent> {
        let batch = self.batch(batch)?.ok_or(Absent("batch"))?;
        let hash = *batch.versioned_hashes.get(blob as usize).ok_or(Absent("blob"))?;
        let mut known = self.payloads.lock().unwrap();
        let payload =
            known.entry(hash).or_insert_with(|| Arc::new(Payload::from_blob(&self.blobs[&hash])));
        Ok(Arc::clone(payload))
    }

    fn forced(&self, index: u64) -> Result<Bytes, Absent> {
        self.forced.get(index as usize).cloned().ok_or(Absent("forced transaction"))
    }

    fn deposit(&self, index: u64) -> Result<Credit, Absent> {
        self.deposits.get(index as usize).cloned().ok_or(Absent("deposit"))
    }
}

impl Blobs for Events {
    type Error = Absent;

    fn blob(&self, versioned_hash: B256) -> Result<Arc<Blob>, Absent> {
        self.blobs.get(&versioned_hash).cloned().ok_or(Absent("blob"))
    }
}

impl Events {
    /// Follows what a transaction logged.
    pub(super) fn observe(&mut self, logs: &[Log]) {
        for log in logs {
            if let Ok(event) = IInbox::ViewRecorded::decode_log(log) {
                self.views.push(event.data.data.into());
            } else if let Ok(event) = IInbox::BatchAppended::decode_log(log) {
                self.batches.push(Arc::new(event.data.batch.into()));
            } else if let Ok(event) = IInbox::Forced::decode_log(log) {
                self.forced.push(event.data.rawTransaction);
            } else if let Ok(event) = IInbox::Deposited::decode_log(log) {
                let (to, amount) = (event.data.to, event.data.amountGwei);
                self.deposits.push(Credit { to, amountGwei: amount });
            }
        }
    }
}
