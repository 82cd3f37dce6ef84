//! Whether the daemon does what it should, at `GET /health`.

use std::{sync::Arc, time::Duration};

use recourse_node::health::{Health, HealthReport};
use recourse_rpc::{Chain as _, Reply, Routes};
use serde::Serialize;

use crate::chain::L2Chain;

const PATH: &str = "/health";

/// Answers `GET /health`: 200 while L1 is read and derived, 503 else.
#[derive(Debug)]
pub(crate) struct HealthRoute {
    pub(crate) node: Health,
    pub(crate) chain: Arc<L2Chain>,
    pub(crate) max_lag: Duration,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    live: bool,
    /// Number of the newest L2 block.
    l2_head: u64,
    /// Number of the newest L2 block that was derived from L1.
    l2_safe: u64,
    /// Transactions that wait for a block.
    waiting: usize,
    #[serde(flatten)]
    node: HealthReport,
}

impl Routes for HealthRoute {
    fn claims(&self, path: &str) -> bool {
        path == PATH
    }

    fn get(&self, _path: &str, _query: Option<&str>) -> Reply {
        let live = self.node.is_live(self.max_lag);
        let report = Report {
            live,
            l2_head: self.chain.head(),
            l2_safe: self.chain.finality().safe,
            waiting: self.chain.waiting(),
            node: self.node.report(),
        };
        let status =
            if live { http::StatusCode::OK } else { http::StatusCode::SERVICE_UNAVAILABLE };
        // Numbers and texts: always JSON.
        Reply { status, body: serde_json::to_string(&report).unwrap_or_default() }
    }
}
