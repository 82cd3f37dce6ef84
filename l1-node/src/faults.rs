//! Requests that fail, or wait, because a dev method said so.

use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use recourse_rpc::{ChainError, Gate, Passage, Reply, Routes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

use crate::node::Node;

/// No request waits longer.
const MAX_LATENCY_MS: u64 = 600_000;
/// Faults at once.
const MAX_FAULTS: usize = 1_000;
/// A fault of every method.
const ALL: &str = "*";
/// Dev methods, which are never hit by a fault of every method: one of them ends it.
const DEV: [&str; 4] = ["recourse_", "anvil_", "evm_", "hardhat_"];

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fault {
    /// A JSON-RPC method, `GET /eth/v1/..` for all routes that begin so, or `*` for every JSON-RPC method but dev methods.
    method: String,
    /// The request waits for so long, in milliseconds.
    #[serde(default)]
    latency_ms: u64,
    /// Then it fails, instead of being served.
    #[serde(default)]
    error: Option<Refusal>,
    /// For so many requests; without end if absent.
    #[serde(default)]
    times: Option<u64>,
}

/// An error to answer with. For a GET route the code is the HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    code: i32,
    message: String,
}

/// All that goes wrong now.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// From now on this goes wrong, too. Of several faults of a request the oldest is the one.
    pub(crate) fn inject(&self, fault: Fault) -> Result<(), ChainError> {
        let refused = |what: &str| Err(ChainError::InvalidParams(format!("fault: {what}")));
        let mut faults = self.0.lock();
        match &fault {
            Fault { latency_ms: 0, error: None, .. } => refused("neither latencyMs nor error"),
            Fault { latency_ms, .. } if *latency_ms > MAX_LATENCY_MS => {
                refused("latencyMs is at most 600000")
            }
            Fault { times: Some(0), .. } => refused("times is at least 1"),
            Fault { method, .. } if method.starts_with("GET") && !method.starts_with("GET /") => {
                refused("a route is `GET /path`")
            }
            _ if faults.len() >= MAX_FAULTS => refused("there are 1000 already"),
            _ => {
                faults.push(fault);
                Ok(())
            }
        }
    }

    /// Nothing goes wrong any more; how many faults there were.
    pub(crate) fn clear(&self) -> usize {
        std::mem::take(&mut *self.0.lock()).len()
    }

    /// What goes wrong now.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.0.lock().clone()
    }

    fn hit(&self, hits: impl Fn(&Fault) -> bool) -> Passage {
        let mut faults = self.0.lock();
        let Some(index) = faults.iter().position(hits) else { return Passage::default() };
        let Some(fault) = faults.get_mut(index) else { return Passage::default() };
        let error = fault.error.clone().map(|error| (error.code, error.message));
        let passage = Passage { delay: Duration::from_millis(fault.latency_ms), error };
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(index);
            }
        }
        passage
    }
}

impl Gate for Faults {
    fn pass(&self, method: &str) -> Passage {
        let dev = DEV.iter().any(|prefix| method.starts_with(prefix));
        self.hit(|fault| fault.method == method || (fault.method == ALL && !dev))
    }
}

/// The node's GET routes, with their faults.
#[derive(Debug)]
pub(crate) struct FaultyRoutes(pub(crate) Arc<Node>);

impl Routes for FaultyRoutes {
    fn claims(&self, path: &str) -> bool {
        self.0.claims(path)
    }

    fn get(&self, path: &str, query: Option<&str>) -> Reply {
        let hits = |fault: &Fault| {
            fault.method.strip_prefix("GET ").is_some_and(|prefix| path.starts_with(prefix))
        };
        let passage = self.0.faults().hit(hits);
        // On a thread of its own, as the trait promises.
        std::thread::sleep(passage.delay);
        let Some((code, message)) = passage.error else { return self.0.get(path, query) };
        let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply { status, body: json!({ "code": status.as_u16(), "message": message }).to_string() }
    }
}
