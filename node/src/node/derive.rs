//! The task that derives L2.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use recourse_protocol::BatchIndex;
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{NodeError, NodeState, confirmed, needed::Needed};
use crate::{
    Severity,
    blobs::{BlobPlace, BlobSource},
    derivation::{Derivation, DerivationError},
    health::Health,
    inbox::InboxSnapshot,
    l1::BlockRef,
    metrics::Metrics,
    mirror::L1State,
};

const WHAT: &str = "deriving L2";
const KEEPING: &str = "keeping old states";
/// Batches that are forgotten at once, at least, while there are more to come.
const AT_ONCE: u64 = 64;

/// States are asked for that were forgotten.
#[derive(Debug, thiserror::Error)]
#[error(
    "L1 lets states from the end of batch {needed} on be asked for, those before the end of batch {kept_from} were forgotten: \
     look at what the L1 endpoint says, and if that is right, start with --rederive to derive L2 again from L1"
)]
struct Forgotten {
    needed: BatchIndex,
    kept_from: BatchIndex,
}

pub(super) struct Derive {
    /// None while a blocking thread has it.
    pub(super) derivation: Option<Box<Derivation>>,
    pub(super) blobs: BlobSource,
    pub(super) health: Health,
    pub(super) metrics: Arc<Metrics>,
    pub(super) poll_interval: Duration,
    pub(super) states: watch::Sender<Arc<NodeState>>,
    pub(super) needed: Arc<Mutex<Needed>>,
    /// The head at which it was last told whether old states are kept that may be asked for.
    pub(super) told: Option<BlockRef>,
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
        let (needed, l1) = (self.needed.clone(), state.clone());
        let advice = spawn_blocking(move || needed.lock().look(&l1, seconds())).await??;
        let Some(mut derivation) = self.derivation.take() else { return Ok(()) };
        let (kept_from, tip) = (derivation.kept_from(), derivation.chain().tip());
        if let Some(advice) = advice {
            self.tell(advice.needed, kept_from, state.head);
        }
        let confirmed = confirmed::newly(state, derivation.chain());
        let forget = advice.and_then(|advice| forget_now(kept_from, tip, advice.forget_before));
        let is_done = confirmed.is_none() && forget.is_none() && derivation.is_swept();
        if is_done && derivation.stands(&state.inbox) {
            self.derivation = Some(derivation);
            return Ok(());
        }
        let inbox = state.inbox.clone();
        let (derivation, result) = spawn_blocking(move || {
            let result = settle(&mut derivation, &inbox, forget, confirmed);
            (derivation, result)
        })
        .await?;
        self.derivation = Some(derivation);
        Ok(result?)
    }

    /// Says once a head whether L1 leaves states to be asked for that were forgotten. It can't, unless it was rewritten weeks
    /// back; so an endpoint that shows this is most likely wrong, and nothing is thrown away on its word.
    fn tell(&mut self, needed: BatchIndex, kept_from: BatchIndex, head: BlockRef) {
        if self.told.replace(head) == Some(head) {
            return;
        }
        if needed < kept_from {
            self.health.failed(KEEPING, &Forgotten { needed, kept_from });
        } else {
            self.health.succeeded(KEEPING);
        }
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
    forget: Option<BatchIndex>,
    confirmed: Option<BatchIndex>,
) -> Result<(), DerivationError> {
    let lost = derivation.follow(inbox)?;
    if lost > 0 {
        tracing::warn!(batches = lost, "L1 took batches back");
    }
    if let Some(before) = forget {
        derivation.forget(before)?;
        tracing::info!(%before, "old states forgotten");
    }
    derivation.sweep()?;
    let tip = derivation.chain().tip();
    if let Some(batch) = confirmed.filter(|batch| *batch <= tip) {
        derivation.confirm(batch)?;
    }
    Ok(())
}

/// Up to where to forget now, if it is worth a write: as far as is derived, so that a node that derives all from the start does
/// not keep what it will forget at the end.
fn forget_now(kept_from: BatchIndex, tip: BatchIndex, before: BatchIndex) -> Option<BatchIndex> {
    let upto = before.min(tip);
    let more = upto.0.saturating_sub(kept_from.0);
    (more >= AT_ONCE || (more > 0 && upto == before)).then_some(upto)
}

/// By this machine's clock, since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_anew_is_forgotten_on_the_way() {
        let now = |kept_from, tip, before| {
            let upto = forget_now(BatchIndex(kept_from), BatchIndex(tip), BatchIndex(before));
            upto.map(|upto| upto.0)
        };
        assert_eq!(now(0, AT_ONCE - 1, 1000), None, "not for each batch");
        assert_eq!(now(0, AT_ONCE, 1000), Some(AT_ONCE));
        assert_eq!(now(AT_ONCE, 1000, 1000), Some(1000));
        assert_eq!(now(999, 2000, 1000), Some(1000));
        assert_eq!(now(1000, 2000, 1000), None);
        assert_eq!(now(1000, 2000, 0), None);
    }
}
