//! Whether the daemon does its duties, at `GET /health`, and what it counts, at `GET /metrics`.

mod duties;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use recourse_node::{
    health::{Health, HealthReport},
    metrics::{Metrics, render},
};
use recourse_protocol::AttemptId;
use recourse_rpc::{Chain as _, Reply, Routes};
use serde::Serialize;

use crate::chain::L2Chain;
pub(crate) use duties::{Duties, REVEALS};

const HEALTH: &str = "/health";
const METRICS: &str = "/metrics";

/// What keeps the proposer from its duties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Problem {
    /// L1 has not answered.
    L1Unreachable {
        /// Seconds since it was last read to its head; none if it never was.
        seconds: Option<u64>,
    },
    /// Batches of L1 wait to be derived.
    DerivationBehind {
        /// Seconds for which one has waited.
        seconds: u64,
    },
    /// Something has failed for long each time that it was tried.
    Fails {
        /// What.
        what: String,
        /// Seconds since it began to.
        seconds: u64,
    },
    /// More than half of the time for an answer is over.
    RevealLate {
        /// The own attempt.
        attempt: AttemptId,
        /// Its open challenges.
        challenges: usize,
        /// Until the first deadline, in L1 time.
        seconds_left: u64,
    },
    /// A deadline was missed. The claim can't confirm any more, nor what is built on it.
    ClaimLapsed {
        /// The own attempt.
        attempt: AttemptId,
    },
    /// Answers to challenges may not be paid.
    BalanceTooLow {
        /// In wei.
        expected: U256,
        /// In wei.
        got: U256,
    },
}

/// From when on something is a problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    /// No answer of L1, a batch that waits to be derived, or something that fails, for so long.
    pub(crate) lag: Duration,
    /// The most that one answer to a challenge costs, in wei.
    pub(crate) answer: U256,
}

/// Answers `GET /health`: 200, or 503 with what is wrong; and `GET /metrics`.
#[derive(Debug)]
pub(crate) struct HealthRoute {
    pub(crate) node: Health,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) chain: Arc<L2Chain>,
    pub(crate) duties: Duties,
    /// The own account.
    pub(crate) address: Address,
    pub(crate) limits: Thresholds,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    healthy: bool,
    /// Whether L1 is read and derived.
    live: bool,
    problems: Vec<Problem>,
    /// Number of the newest L2 block.
    l2_head: u64,
    /// Number of the newest L2 block that was derived from L1.
    l2_safe: u64,
    /// Transactions that wait for a block.
    waiting: usize,
    #[serde(flatten)]
    node: HealthReport,
}

impl HealthRoute {
    fn problems(&self, node: &HealthReport) -> Vec<Problem> {
        let (limit, silence, lag) = (self.limits.lag.as_secs(), node.silence(), node.lag());
        let unreachable = silence.is_none_or(|seconds| seconds > limit);
        let mut problems = Vec::new();
        problems.extend(unreachable.then_some(Problem::L1Unreachable { seconds: silence }));
        problems.extend((lag > limit).then_some(Problem::DerivationBehind { seconds: lag }));
        problems.extend(self.duties.problems(self.address, &self.limits, Instant::now()));
        problems
    }

    fn health(&self) -> Reply {
        let node = self.node.report();
        let problems = self.problems(&node);
        let healthy = problems.is_empty();
        let report = Report {
            healthy,
            live: self.node.is_live(self.limits.lag),
            problems,
            l2_head: self.chain.head(),
            l2_safe: self.chain.finality().safe,
            waiting: self.chain.waiting(),
            node,
        };
        let status =
            if healthy { http::StatusCode::OK } else { http::StatusCode::SERVICE_UNAVAILABLE };
        // Numbers and texts: always JSON.
        Reply { status, body: serde_json::to_string(&report).unwrap_or_default() }
    }

    fn metrics(&self) -> Reply {
        let problems = self.problems(&self.node.report()).len();
        let gwei = self.duties.balance().map(|wei| wei.wrapping_div(U256::from(1_000_000_000)));
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut body = String::new();
        for (name, help, value) in [
            ("problems", "Problems of /health; 0 is healthy.", count(problems)),
            ("balance_gwei", "Own balance in gwei.", gwei.map_or(0, |gwei| gwei.saturating_to())),
            ("l2_head", "Number of the newest L2 block.", self.chain.head()),
            ("waiting", "Transactions that wait for a block.", count(self.chain.waiting())),
        ] {
            render(&mut body, &format!("recourse_proposer_{name}"), "Gauge", help, value);
        }
        body.push_str(&self.metrics.render());
        Reply { status: http::StatusCode::OK, body }
    }
}

impl Routes for HealthRoute {
    fn claims(&self, path: &str) -> bool {
        [HEALTH, METRICS].contains(&path)
    }

    fn get(&self, path: &str, _query: Option<&str>) -> Reply {
        if path == METRICS { self.metrics() } else { self.health() }
    }
}

#[cfg(test)]
mod tests;
