//! The task that derives L2.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{NodeError, NodeState};
use crate::{
    Severity,
    blobs::{BlobPlace, BlobSource},
    derivation::{Derivation, DerivationError},
    health::Health,
    metrics::Metrics,
    mirror::L1State,
};

const WHAT: &str = "deriving L2";

pub(super) struct Derive {
    /// None while a blocking thread has it.
    pub(super) derivation: Option<Box<Derivation>>,
    pub(super) blobs: BlobSource,
    pub(super) health: Health,
    pub(super) metrics: Arc<Metrics>,
    pub(super) poll_interval: Duration,
    pub(super) states: watch::Sender<Arc<NodeState>>,
}

/// What a look at the next batch came to.
enum Progress {
    /// It was derived.
    Derived,
    /// There is none to derive.
    Idle,
}

impl Derive {
    pub(super) async fn run(
        mut self,
        mut heads: watch::Receiver<Arc<L1State>>,
        stop: CancellationToken,
    ) -> Result<(), NodeError> {
        loop {
            if stop.is_cancelled() {
                return Ok(());
            }
            let state = heads.borrow_and_update().clone();
            let progress = match self.next(&state, &mut heads, &stop).await {
                Ok(progress) => progress,
                Err(NodeError::Derivation(DerivationError::Cancelled)) => return Ok(()),
                Err(error) if error.severity() == Severity::Critical => return Err(error),
                Err(error) => {
                    self.metrics.derivation_failures.increment();
                    self.health.failed(WHAT, &error);
                    Progress::Idle
                }
            };
            if matches!(progress, Progress::Derived) {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = heads.changed() => if changed.is_err() { return Ok(()) },
                // A blob may have come meanwhile.
                () = tokio::time::sleep(self.poll_interval) => {}
            }
        }
    }

    /// Derives one batch more, if there is one, and publishes. L1 goes on meanwhile, and so do its heads here.
    async fn next(
        &mut self,
        state: &Arc<L1State>,
        heads: &mut watch::Receiver<Arc<L1State>>,
        stop: &CancellationToken,
    ) -> Result<Progress, NodeError> {
        let Some(derivation) = self.derivation.as_mut() else { return Ok(Progress::Idle) };
        let lost = derivation.follow(&state.inbox);
        if lost > 0 {
            tracing::warn!(batches = lost, "L1 took batches back");
        }
        let index = derivation.next();
        let chain = derivation.chain().clone();
        self.publish(state.clone(), &chain);
        let Some(record) = state.inbox.batch_at(index) else {
            self.health.succeeded(WHAT);
            return Ok(Progress::Idle);
        };
        self.blobs.archive_all(&record.batch.versioned_hashes, BlobPlace::from(record)).await?;
        let Some(mut derivation) = self.derivation.take() else { return Ok(Progress::Idle) };
        let (inbox, token) = (state.inbox.clone(), stop.clone());
        let mut task = spawn_blocking(move || {
            let result = derivation.derive_next(&inbox, &token);
            (derivation, result)
        });
        let (derivation, result) = loop {
            tokio::select! {
                ended = &mut task => break ended?,
                Ok(()) = heads.changed() => {
                    let newest = heads.borrow_and_update().clone();
                    self.publish(newest, &chain);
                }
            }
        };
        let chain = derivation.chain().clone();
        self.derivation = Some(derivation);
        result?;
        self.publish(heads.borrow().clone(), &chain);
        Ok(Progress::Derived)
    }

    fn publish(&self, l1: Arc<L1State>, chain: &crate::derivation::Chain) {
        let state = NodeState::new(l1, chain);
        self.health.derived(&state.chain);
        self.metrics.batches_derived.set(state.chain.tip().0);
        self.metrics.l2_head.set(state.chain.head());
        self.states.send_if_modified(|known| {
            let new = known.l1.head != state.l1.head
                || known.l1.finalized != state.l1.finalized
                || known.chain.tip() != state.chain.tip()
                || known.chain.batch_hash(known.chain.tip())
                    != state.chain.batch_hash(known.chain.tip());
            if new {
                *known = Arc::new(state);
            }
            new
        });
    }
}
