//! What the watchtower knows of itself, for /health, /metrics and the log.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use recourse_node::health::Health;
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
    /// The newest that was started.
    node: Mutex<Option<Attached>>,
    /// What was logged last.
    logged: Mutex<Vec<Problem>>,
}

/// What a node says of itself.
type Attached = (Health, Arc<recourse_node::metrics::Metrics>);

impl Status {
    pub(crate) fn new(limits: Thresholds) -> Self {
        Self {
            metrics: Metrics::default(),
            limits,
            observed: Mutex::new(Observed::at_start(Instant::now())),
            l1_read_at: Mutex::default(),
            node: Mutex::default(),
            logged: Mutex::default(),
        }
    }

    /// From now on this node's own report is shown, and not that of one before it.
    pub(crate) fn attach(&self, health: Health, metrics: Arc<recourse_node::metrics::Metrics>) {
        *self.node.lock() = Some((health, metrics));
    }

    /// Whether this is the newest L1 block that the node says it has read.
    pub(crate) fn is_head(&self, hash: B256) -> bool {
        let head = self.health().and_then(|health| health.report().l1_head);
        head.is_none_or(|head| head.hash == hash)
    }

    fn health(&self) -> Option<Health> {
        self.node.lock().as_ref().map(|(health, _)| health.clone())
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
        let Some(health) = self.health() else { return };
        let (report, now) = (health.report(), Instant::now());
        let mut read_at = self.l1_read_at.lock();
        let answered = report.l1_read_at != *read_at;
        *read_at = report.l1_read_at;
        self.observe(|seen| {
            if answered {
                seen.l1_answer = now;
            }
            if let Some(head) = report.l1_head {
                seen.see_head(head.hash, age(head.timestamp, SystemTime::now()), now);
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
        let report = self.health().map(|health| health.report());
        serde_json::to_value(report).unwrap_or_default()
    }

    fn metrics(&self) -> String {
        let node = self.node.lock().as_ref().map(|(_, metrics)| metrics.render());
        let node = node.unwrap_or_default();
        format!("{}{node}", self.metrics.render())
    }
}

/// How long ago a block's second was; no time if that is to come.
fn age(timestamp: u64, now: SystemTime) -> Duration {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.saturating_sub(Duration::from_secs(timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Status as _;

    #[test]
    fn the_node_of_a_later_start_is_shown() {
        let limits = Thresholds {
            head_age: None,
            lag: Duration::MAX,
            behind: Duration::MAX,
            balance: alloy_primitives::U256::ZERO,
        };
        let status = Status::new(limits);
        assert!(status.report().is_null());
        let (dead, living) = (Health::default(), Health::default());
        for (health, what, batches) in [(dead, "dead", 1), (living, "living", 2)] {
            health.failed(what, &std::fmt::Error);
            let metrics = Arc::<recourse_node::metrics::Metrics>::default();
            metrics.batches.set(batches);
            status.attach(health, metrics);
            assert_eq!(status.report()["lastError"]["what"], what);
            let line = format!("recourse_node_batches {batches}\n");
            assert!(status.metrics().contains(&line), "{}", status.metrics());
        }
    }

    #[test]
    fn only_the_past_makes_a_head_old() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(age(1_000, now), Duration::ZERO);
        assert_eq!(age(400, now), Duration::from_secs(600));
        assert_eq!(age(5_000, now), Duration::ZERO);
    }
}
