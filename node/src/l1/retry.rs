//! Retries with backoff and a deadline.

use std::{future::Future, time::Duration};

use alloy::transports::TransportError;
use tokio::time::{Instant, sleep};

use super::{L1Error, error::is_transient};

/// How long and how often a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// For one HTTP request.
    pub request_timeout: Duration,
    /// For a request with all its retries.
    pub deadline: Duration,
    /// Before the first retry; doubles each time.
    pub first_backoff: Duration,
    /// Longest pause.
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            first_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Runs `request` until it answers, it fails for good, or the deadline would pass.
    pub(super) async fn run<T, F, R>(&self, method: &'static str, request: R) -> Result<T, L1Error>
    where
        F: Future<Output = Result<T, TransportError>>,
        R: Fn() -> F,
    {
        let give_up = Instant::now().checked_add(self.deadline);
        let mut pause = self.first_backoff;
        loop {
            let error = match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !is_transient(&error) {
                return Err(L1Error::Refused { method, source: Box::new(error) });
            }
            let next = Instant::now().checked_add(pause);
            if next.is_none() || next > give_up {
                return Err(L1Error::Unavailable { method, source: Box::new(error) });
            }
            tracing::debug!(method, %error, ?pause, "L1 request failed, trying again");
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(self.max_backoff);
        }
    }
}
