//! The task that derives L2.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use recourse_protocol::BatchIndex;
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{
    NodeError, NodeState, confirmed,
    needed::{Advice, Needed},
};
use crate::{
    Severity,
    blobs::{BlobPlace, BlobSource},
    derivation::{Derivation, DerivationError},
    health::Health,
    inbox::InboxSnapshot,
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
    pub(super) needed: Needed,
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
        self.settle(state).await?;
        let Some(derivation) = self.derivation.as_ref() else { return Ok(Progress::Idle) };
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

    /// Takes back what L1 took back, has the state at hand under which withdrawals are proven, and forgets what nobody will ask
    /// for. Mostly nothing of it is to be done.
    async fn settle(&mut self, state: &Arc<L1State>) -> Result<(), NodeError> {
        let advice = self.needed.look(state, seconds())?;
        let Some(mut derivation) = self.derivation.take() else { return Ok(()) };
        let confirmed = confirmed::newly(state, derivation.chain());
        let stands = derivation.stands(&state.inbox) && confirmed.is_none();
        if stands && !advice.is_some_and(|advice| is_due(&derivation, advice)) {
            self.derivation = Some(derivation);
            return Ok(());
        }
        let inbox = state.inbox.clone();
        let (derivation, result) = spawn_blocking(move || {
            let result = settle(&mut derivation, &inbox, advice, confirmed);
            (derivation, result)
        })
        .await?;
        self.derivation = Some(derivation);
        Ok(result?)
    }

    /// Tells of a new state, if it goes together: else batches are to be taken back first.
    fn publish(&self, l1: Arc<L1State>, chain: &crate::derivation::Chain) {
        if !chain.stands(&l1.inbox) {
            return;
        }
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

fn settle(
    derivation: &mut Derivation,
    inbox: &InboxSnapshot,
    advice: Option<Advice>,
    confirmed: Option<BatchIndex>,
) -> Result<(), DerivationError> {
    let lost = derivation.follow(inbox)?;
    if lost > 0 {
        tracing::warn!(batches = lost, "L1 took batches back");
    }
    if let Some(advice) = advice {
        heed(derivation, advice)?;
    }
    let tip = derivation.chain().tip();
    if let Some(batch) = confirmed.filter(|batch| *batch <= tip) {
        derivation.confirm(batch)?;
    }
    Ok(())
}

fn heed(derivation: &mut Derivation, advice: Advice) -> Result<(), DerivationError> {
    let kept_from = derivation.kept_from();
    if advice.needed < kept_from {
        // L1 said for weeks, or made this node believe, what it now denies. The blobs are still here.
        tracing::warn!(needed = %advice.needed, %kept_from, "old states are asked for again: deriving all anew");
        return derivation.start_over();
    }
    let rows = derivation.prune(advice.forget_before)?;
    if rows > 0 {
        tracing::info!(before = %advice.forget_before, rows, "old states forgotten");
    }
    Ok(())
}

fn is_due(derivation: &Derivation, advice: Advice) -> bool {
    let kept_from = derivation.kept_from();
    let ripe = advice.forget_before > kept_from && advice.forget_before <= derivation.chain().tip();
    advice.needed < kept_from || ripe
}

/// By this machine's clock, since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
