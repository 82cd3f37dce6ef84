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
    /// Since when at least one batch of L1 has waited to be derived, in seconds since 1970; none while none waits.
    pub behind_since: Option<u64>,
    /// The newest failure, if none of its kind succeeded since.
    pub last_error: Option<Failure>,
    /// Batches that L1 had at `behind_since`: those that came later do not count as having waited from then on.
    #[serde(skip)]
    waiting: u64,
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

    /// Whether L1 was read to its head within the last `limit`, and no batch on it has waited to be derived for longer.
    #[must_use]
    pub fn is_live(&self, limit: Duration) -> bool {
        let report = self.0.lock();
        let fresh = report.silence().is_some_and(|seconds| seconds <= limit.as_secs());
        fresh && report.lag() <= limit.as_secs()
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
        report.see_lag(now());
    }

    pub(crate) fn derived(&self, chain: &Chain) {
        let batches = chain.tip();
        let mut report = self.0.lock();
        report.batches_derived = batches.0;
        report.checkpoint = chain.checkpoint_after(batches).map(Checkpoint::h248);
        report.derived_at = Some(now());
        report.see_lag(now());
    }
}

impl HealthReport {
    /// Seconds since L1 was last read to its head; none before it was.
    #[must_use]
    pub fn silence(&self) -> Option<u64> {
        self.l1_read_at.map(|at| now().saturating_sub(at))
    }

    /// Seconds for which a batch of L1 has waited to be derived; 0 while none waits.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.behind_since.map_or(0, |since| now().saturating_sub(since))
    }

    /// A chain that grows all the time is never derived to its end: what counts is how long those batches wait that were there.
    fn see_lag(&mut self, now: u64) {
        // A reorganisation may have taken some away.
        self.waiting = self.waiting.min(self.batches);
        if self.batches_derived >= self.batches {
            (self.behind_since, self.waiting) = (None, self.batches);
        } else if self.behind_since.is_none() || self.batches_derived >= self.waiting {
            (self.behind_since, self.waiting) = (Some(now), self.batches);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(seen: &[(u64, u64, u64)]) -> HealthReport {
        let mut report = HealthReport::default();
        for (now, batches_derived, batches) in seen.iter().copied() {
            (report.batches_derived, report.batches) = (batches_derived, batches);
            report.see_lag(now);
        }
        report
    }

    #[test]
    fn a_batch_that_waits_is_late_from_when_it_came() {
        assert_eq!(looks(&[(1, 0, 0), (2, 0, 0)]).behind_since, None);
        assert_eq!(looks(&[(1, 0, 0), (2, 0, 1), (9, 0, 1)]).behind_since, Some(2));
        assert_eq!(looks(&[(1, 0, 2), (5, 1, 9), (9, 1, 9)]).behind_since, Some(1));
        let others = looks(&[(1, 0, 2), (5, 1, 9), (7, 2, 9), (9, 2, 9)]);
        assert_eq!(others.behind_since, Some(7), "those of the start are done");
        assert_eq!(looks(&[(1, 0, 2), (5, 2, 2)]).behind_since, None);
        let fewer = looks(&[(1, 0, 9), (5, 2, 2), (6, 2, 3)]);
        assert_eq!(fewer.behind_since, Some(6), "after a reorganisation");
    }

    #[test]
    fn a_new_batch_has_its_time_to_be_derived() {
        let (health, limit) = (Health::default(), Duration::from_secs(60));
        assert!(!health.is_live(limit), "L1 was never read");
        health.l1_read(BlockRef::default(), 1);
        assert!(health.is_live(limit));
        health.0.lock().behind_since = Some(now().saturating_sub(61));
        assert!(!health.is_live(limit));
        health.0.lock().behind_since = None;
        health.0.lock().l1_read_at = Some(now().saturating_sub(61));
        assert!(!health.is_live(limit));
    }
}
