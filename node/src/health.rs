//! What a watchtower must never hide: whether it still sees L1, and whether it keeps up.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use recourse_protocol::{Checkpoint, CheckpointHash};
use serde::Serialize;

use crate::{derivation::Chain, l1::BlockRef};

/// Shared state of health. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<HealthReport>>);

/// How a node is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// The newest L1 block read.
    pub l1_head: Option<BlockRef>,
    /// When L1 was last read to its head, in seconds since 1970.
    pub l1_read_at: Option<u64>,
    /// Batches on L1.
    pub batches: u64,
    /// Batches derived.
    pub batches_derived: u64,
    /// Hash of the checkpoint after the newest batch derived: nodes that agree on it agree on all of L2.
    pub checkpoint: Option<CheckpointHash>,
    /// When a batch was last derived or found derived already, in seconds since 1970.
    pub derived_at: Option<u64>,
    /// The newest failure, if none of its kind succeeded since.
    pub last_error: Option<Failure>,
}

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What was tried.
    pub what: &'static str,
    /// The error with its sources.
    pub error: String,
    /// When, in seconds since 1970.
    pub at: u64,
}

impl Health {
    /// How the node is doing.
    #[must_use]
    pub fn report(&self) -> HealthReport {
        self.0.lock().clone()
    }

    /// Whether L1 was read to its head within the last `limit`, and every batch on it is derived.
    #[must_use]
    pub fn is_live(&self, limit: Duration) -> bool {
        let report = self.0.lock();
        let fresh = |at: u64| now().saturating_sub(at) <= limit.as_secs();
        report.l1_read_at.is_some_and(fresh) && report.batches_derived >= report.batches
    }

    /// Notes a failure.
    pub fn failed(&self, what: &'static str, error: &dyn Error) {
        let failure = Failure { what, error: chain(error), at: now() };
        tracing::warn!(what, error = failure.error, "failed");
        self.0.lock().last_error = Some(failure);
    }

    /// Notes a success: an older failure of the same kind is over.
    pub fn succeeded(&self, what: &'static str) {
        let mut report = self.0.lock();
        if report.last_error.as_ref().is_some_and(|failure| failure.what == what) {
            report.last_error = None;
        }
    }

    pub(crate) fn l1_read(&self, head: BlockRef, batches: u64) {
        let mut report = self.0.lock();
        report.l1_head = Some(head);
        report.l1_read_at = Some(now());
        report.batches = batches;
    }

    pub(crate) fn derived(&self, chain: &Chain) {
        let batches = chain.tip();
        let mut report = self.0.lock();
        report.batches_derived = batches.0;
        report.checkpoint = chain.checkpoint_after(batches).map(Checkpoint::h248);
        report.derived_at = Some(now());
    }
}

/// An error with its sources, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
