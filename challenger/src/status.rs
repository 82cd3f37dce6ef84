//! What the watchtower knows of itself, for /health, /metrics and the log.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use recourse_node::{Node, health::Health};
use serde_json::Value;

use crate::{Observed, Problem, Thresholds, http, metrics::Metrics};

/// How often health is looked at.
pub(crate) const PULSE: Duration = Duration::from_secs(1);

/// What the watchtower knows of itself; shared by all its tasks.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) metrics: Metrics,
    limits: Thresholds,
    observed: Mutex<Observed>,
    /// When the node last read L1, as it says itself.
    l1_read_at: Mutex<Option<u64>>,
    node: OnceLock<(Health, Arc<recourse_node::metrics::Metrics>)>,
    /// What was logged last.
    logged: Mutex<Vec<Problem>>,
}

impl Status {
    pub(crate) fn new(limits: Thresholds) -> Self {
        Self {
            metrics: Metrics::default(),
            limits,
            observed: Mutex::new(Observed::at_start(Instant::now())),
            l1_read_at: Mutex::default(),
            node: OnceLock::new(),
            logged: Mutex::default(),
        }
    }

    /// From now on the node's own report is shown.
    pub(crate) fn attach(&self, node: &Node) {
        // Attached once; a second node would be a bug that changes nothing here.
        let _ = self.node.set((node.health().clone(), Arc::clone(node.metrics())));
    }

    /// Changes what was observed.
    pub(crate) fn observe(&self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.observed.lock());
    }

    /// Pulses for ever.
    pub(crate) async fn beat(&self) -> Infallible {
        let mut beat = tokio::time::interval(PULSE);
        loop {
            beat.tick().await;
            self.pulse();
        }
    }

    /// Reads the node's report, and logs problems that came or went.
    pub(crate) fn pulse(&self) {
        self.read_node();
        let problems = http::Status::problems(self);
        let count = u64::try_from(problems.len()).unwrap_or(u64::MAX);
        self.metrics.problems.set(count);
        let mut logged = self.logged.lock();
        for problem in problems.iter().filter(|p| !logged.iter().any(|l| l.is_kind_of(p))) {
            tracing::error!(?problem, "unhealthy");
        }
        for problem in logged.iter().filter(|l| !problems.iter().any(|p| p.is_kind_of(l))) {
            tracing::info!(?problem, "healthy again");
        }
        *logged = problems;
    }

    fn read_node(&self) {
        let Some((health, _)) = self.node.get() else { return };
        let (report, now) = (health.report(), Instant::now());
        let mut read_at = self.l1_read_at.lock();
        let answered = report.l1_read_at != *read_at;
        *read_at = report.l1_read_at;
        self.observe(|seen| {
            if answered {
                seen.l1_answer = now;
            }
            if let Some(head) = report.l1_head {
                seen.see_head(head.hash, now);
            }
            seen.see_derived(report.batches_derived, report.batches, now);
        });
    }
}

impl http::Status for Status {
    fn problems(&self) -> Vec<Problem> {
        self.observed.lock().problems(&self.limits, Instant::now())
    }

    fn report(&self) -> Value {
        let report = self.node.get().map(|(health, _)| health.report());
        serde_json::to_value(report).unwrap_or_default()
    }

    fn metrics(&self) -> String {
        let node = self.node.get().map(|(_, metrics)| metrics.render()).unwrap_or_default();
        format!("{}{node}", self.metrics.render())
    }
}
