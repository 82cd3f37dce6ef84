//! The task that follows L1.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::NodeError;
use crate::{
    Severity,
    health::Health,
    metrics::Metrics,
    mirror::{L1Mirror, L1State},
};

const WHAT: &str = "following L1";

pub(super) struct Follow {
    pub(super) mirror: L1Mirror,
    pub(super) health: Health,
    pub(super) metrics: Arc<Metrics>,
    pub(super) poll_interval: Duration,
}

impl Follow {
    /// Reads L1 to its head once; reads again what an answer contradicted.
    pub(super) async fn once(&mut self) -> Result<Arc<L1State>, NodeError> {
        loop {
            match self.mirror.sync().await {
                Ok(state) => {
                    self.note(&state);
                    return Ok(Arc::new(state));
                }
                Err(error) => {
                    self.health.failed(WHAT, &error);
                    if error.severity() != Severity::Reset {
                        self.metrics.l1_failures.increment();
                        return Err(error.into());
                    }
                    self.metrics.l1_resets.increment();
                    tokio::time::sleep(self.poll_interval).await;
                }
            }
        }
    }

    /// Follows L1 until it is told to stop, or something is wrong that no retry mends.
    pub(super) async fn run(
        mut self,
        heads: watch::Sender<Arc<L1State>>,
        stop: CancellationToken,
    ) -> Result<(), NodeError> {
        loop {
            let step = async {
                tokio::time::sleep(self.poll_interval).await;
                self.once().await
            };
            let result = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                result = step => result,
            };
            match result {
                Ok(state) => {
                    heads.send_if_modified(|known| {
                        let new = known.head != state.head || known.finalized != state.finalized;
                        if new {
                            *known = state;
                        }
                        new
                    });
                }
                Err(error) if error.severity() == Severity::Critical => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn note(&self, state: &L1State) {
        let batches = state.inbox.batch_count().0;
        self.health.succeeded(WHAT);
        self.health.l1_read(state.head, batches);
        self.metrics.l1_head.set(state.head.number);
        self.metrics.batches.set(batches);
        let attempts = u64::try_from(state.game.attempts.len()).unwrap_or(u64::MAX);
        self.metrics.attempts.set(attempts);
    }
}
