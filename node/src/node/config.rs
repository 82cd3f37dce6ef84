//! Knobs.

use std::{num::NonZeroUsize, time::Duration};

use recourse_protocol::RollupConfig;

use crate::l1::RetryPolicy;

const POLL_INTERVAL: Duration = Duration::from_secs(4);
const LOG_RANGE: u64 = 2000;

/// What a node needs to know. `docs/operations.md` tells what each knob is good for.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The deployment.
    pub rollup: RollupConfig,
    /// Ethereum JSON-RPC of L1, over HTTP.
    pub l1_rpc: String,
    /// Beacon APIs, in the order in which they are asked.
    pub beacons: Vec<String>,
    /// Between two looks at L1's head; 4 s by default.
    pub poll_interval: Duration,
    /// Timeouts and retries of requests.
    pub retry: RetryPolicy,
    /// Blocks whose events are asked for at once when catching up; 2,000 by default.
    pub log_range: u64,
    /// Forget the L2 state on disk, and derive everything again; no by default.
    pub rederive: bool,
    /// Threads that derive L2; as many as there are cores by default.
    pub threads: Option<NonZeroUsize>,
}

impl NodeConfig {
    /// A configuration with defaults for all but the deployment and the endpoints.
    #[must_use]
    pub fn new(rollup: RollupConfig, l1_rpc: String, beacons: Vec<String>) -> Self {
        Self {
            rollup,
            l1_rpc,
            beacons,
            poll_interval: POLL_INTERVAL,
            retry: RetryPolicy::default(),
            log_range: LOG_RANGE,
            rederive: false,
            threads: None,
        }
    }
}
