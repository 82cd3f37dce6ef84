//! The forked chain behind its endpoints: limits, retries, fail-over.

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use alloy_primitives::B256;
use http::HeaderMap;
use reqwest::Client;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::Semaphore};

use super::{
    ForkConfig, ForkError,
    endpoint::{Endpoint, Lasting, Problem, Standing},
    rate::Limiter,
};

/// Requests on their way at once.
const IN_FLIGHT: usize = 32;
/// No pause between two rounds is longer.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The forked chain behind its endpoints.
#[derive(Debug)]
pub(super) struct Upstream {
    client: Client,
    pub(super) endpoints: Vec<Endpoint>,
    preferred: AtomicUsize,
    limiter: Limiter,
    in_flight: Semaphore,
    retries: u32,
    backoff: Duration,
    runtime: Handle,
    anchor: OnceLock<Anchor>,
}

/// What makes it this chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// The last block that is the upstream's.
    pub(crate) number: u64,
    /// Its hash.
    pub(crate) hash: B256,
}

impl Upstream {
    pub(super) fn new(config: &ForkConfig) -> Result<Self, ForkError> {
        if config.urls.is_empty() {
            return Err(ForkError::NoUrl);
        }
        let headers: HeaderMap = config.headers.iter().cloned().collect();
        let client = Client::builder().timeout(config.timeout).default_headers(headers).build();
        Ok(Self {
            client: client.map_err(ForkError::Client)?,
            endpoints: config.urls.iter().cloned().map(Endpoint::new).collect(),
            preferred: AtomicUsize::new(0),
            limiter: Limiter::new(config.rate),
            in_flight: Semaphore::new(IN_FLIGHT),
            retries: config.retries,
            backoff: config.backoff,
            runtime: Handle::try_current().map_err(|_| ForkError::Stopped)?,
            anchor: OnceLock::new(),
        })
    }

    /// From now on an endpoint is asked only if it has this block.
    pub(super) fn hold_to(&self, anchor: Anchor) {
        // Set once, at the start.
        let _ = self.anchor.set(anchor);
    }

    /// Waits for an answer on a thread that may block. The work itself runs on the runtime.
    pub(super) fn wait<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, ForkError>> + Send + 'static,
    ) -> Result<T, ForkError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Nobody waits any more: the node is stopping.
            let _ = answer.send(work.await);
        });
        answered.recv().map_err(|_| ForkError::Stopped)?
    }

    /// Asks one endpoint after the other, until one gives a result. `null` is one if no other endpoint knows better: some have
    /// forgotten what is old.
    pub(super) async fn any<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, ForkError> {
        self.told(method, params).await.map(|told| told.result)
    }

    /// [`Self::any`], and whether asking later can't give more.
    pub(super) async fn told<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Told<T>, ForkError> {
        let mut failed = Failed { method, refused: true, problems: Vec::new() };
        for round in 0..=self.retries {
            let mut pause = None;
            let mut nothing = None;
            let mut by_all = true;
            failed.problems.clear();
            for (index, endpoint) in self.in_turn() {
                match self.admitted::<Answer<T>>(endpoint, method, &params).await {
                    Ok(Answer { result, is_null: true }) => nothing = Some(result),
                    Ok(Answer { result, is_null: false }) => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return Ok(Told { result, by_all: true });
                    }
                    Err(problem) => {
                        by_all &= matches!(*endpoint.standing.lock(), Standing::Expelled(_));
                        if let Lasting::Temporary(wait) = problem.lasting {
                            pause = Some(pause.unwrap_or(Duration::ZERO).max(wait));
                        }
                        failed.problems.push(problem.text);
                    }
                }
            }
            if let Some(result) = nothing {
                return Ok(Told { result, by_all });
            }
            failed.refused = pause.is_none();
            let Some(wait) = pause else { break };
            if round < self.retries {
                tracing::warn!(method, problems = ?failed.problems, "the forked chain does not answer, once more");
                tokio::time::sleep(wait.max(self.pause(round))).await;
            }
        }
        Err(failed.into())
    }

    /// Asks this one endpoint, and again while that may help.
    pub(super) async fn patiently<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: Value,
    ) -> Result<T, Problem> {
        let mut round = 0;
        loop {
            let problem = match self.once(endpoint, method, &params).await {
                Ok(result) => return Ok(result),
                Err(problem) => problem,
            };
            match problem.lasting {
                Lasting::Temporary(wait) if round < self.retries => {
                    tokio::time::sleep(wait.max(self.pause(round))).await;
                    round = round.saturating_add(1);
                }
                _ => return Err(problem),
            }
        }
    }

    async fn admitted<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        method: &str,
        params: &Value,
    ) -> Result<T, Problem> {
        let standing = endpoint.standing.lock().clone();
        match standing {
            Standing::Admitted => {}
            Standing::Expelled(reason) => return Err(endpoint.problem(reason, Lasting::Final)),
            Standing::Unknown => self.admit(endpoint).await?,
        }
        self.once(endpoint, method, params).await
    }

    /// An endpoint that did not answer at the start must show that it is of this chain.
    async fn admit(&self, endpoint: &Endpoint) -> Result<(), Problem> {
        let Some(anchor) = self.anchor.get() else { return Ok(()) };
        let id: alloy_primitives::U64 = self.once(endpoint, "eth_chainId", &json!([])).await?;
        let by_number = json!([format!("{:#x}", anchor.number), false]);
        let block: Option<Named> = self.once(endpoint, "eth_getBlockByNumber", &by_number).await?;
        let Some(block) = block else {
            let text = format!("has no block {} yet", anchor.number);
            return Err(endpoint.problem(text, Lasting::Temporary(Duration::ZERO)));
        };
        if id.to::<u64>() == anchor.chain_id && block.hash == anchor.hash {
            *endpoint.standing.lock() = Standing::Admitted;
            return Ok(());
        }
        let reason = format!(
            "never asked again, for its chain id is {id} and its block {} is {}, not {} and {}",
            anchor.number, block.hash, anchor.chain_id, anchor.hash
        );
        tracing::error!(endpoint = endpoint.label, reason, "an endpoint of another chain");
        *endpoint.standing.lock() = Standing::Expelled(reason.clone());
        Err(endpoint.problem(reason, Lasting::Final))
    }

    async fn once<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        method: &str,
        params: &Value,
    ) -> Result<T, Problem> {
        self.limiter.wait().await;
        // It is never closed.
        let _permit = self.in_flight.acquire().await;
        let result = endpoint.ask(&self.client, method, params).await?;
        serde_json::from_value(result).map_err(|error| {
            endpoint.problem(format!("{method} gave no proper result: {error}"), Lasting::Final)
        })
    }

    /// The endpoint that answered last, then the others.
    fn in_turn(&self) -> impl Iterator<Item = (usize, &Endpoint)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let all = || self.endpoints.iter().enumerate();
        all().skip(first).chain(all().take(first))
    }

    fn pause(&self, round: u32) -> Duration {
        self.backoff.saturating_mul(1_u32.checked_shl(round).unwrap_or(u32::MAX)).min(MAX_PAUSE)
    }
}

/// What the endpoints say.
pub(super) struct Told<T> {
    /// The result.
    pub(super) result: T,
    /// False of a `null` when an endpoint that may know better did not answer.
    pub(super) by_all: bool,
}

/// A result, and whether it is `null`.
struct Answer<T> {
    result: T,
    is_null: bool,
}

impl<'de, T: DeserializeOwned> serde::Deserialize<'de> for Answer<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let is_null = value.is_null();
        let result = serde_json::from_value(value).map_err(serde::de::Error::custom)?;
        Ok(Self { result, is_null })
    }
}

/// A block's hash, whatever else there is in it.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Named {
    pub(super) hash: B256,
}

struct Failed {
    method: &'static str,
    refused: bool,
    problems: Vec<String>,
}

impl From<Failed> for ForkError {
    fn from(Failed { method, refused, problems }: Failed) -> Self {
        Self::Unanswered { method, refused, problems }
    }
}
