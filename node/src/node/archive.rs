//! The task that archives blobs on sight: beacon nodes forget them after some 18 days.

use std::{collections::HashSet, sync::Arc, time::Duration};

use alloy_primitives::B256;
use recourse_protocol::{AttemptStatus, BatchIndex};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::NodeError;
use crate::{
    Severity,
    blobs::{BlobPlace, BlobSource},
    health::Health,
    mirror::L1State,
};

const WHAT: &str = "archiving blobs";

pub(super) struct Archive {
    pub(super) blobs: BlobSource,
    pub(super) health: Health,
    pub(super) poll_interval: Duration,
    pub(super) done: HashSet<B256>,
}

impl Archive {
    pub(super) async fn run(
        mut self,
        mut heads: watch::Receiver<Arc<L1State>>,
        stop: CancellationToken,
    ) -> Result<(), NodeError> {
        loop {
            let state = heads.borrow_and_update().clone();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                result = self.take(&state) => result?,
            }
            // Blobs that are missing are asked for again even when L1 stands still.
            let wake = async {
                tokio::select! {
                    changed = heads.changed() => changed.is_ok(),
                    () = tokio::time::sleep(self.poll_interval) => true,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                more = wake => if !more { return Ok(()) },
            }
        }
    }

    async fn take(&mut self, state: &L1State) -> Result<(), NodeError> {
        let mut failed = false;
        for (hash, place) in wanted(state) {
            if self.done.contains(&hash) {
                continue;
            }
            match self.blobs.get(hash, place).await {
                Ok(_) => {
                    self.done.insert(hash);
                }
                Err(error) if error.severity() == Severity::Critical => return Err(error.into()),
                Err(error) => {
                    failed = true;
                    self.health.failed(WHAT, &error);
                }
            }
        }
        if !failed {
            self.health.succeeded(WHAT);
        }
        Ok(())
    }
}

/// The blobs of all batches, and of all reveals of claims that are still open.
fn wanted(state: &L1State) -> Vec<(B256, BlobPlace)> {
    let mut wanted = Vec::new();
    for index in 1..=state.inbox.batch_count().0 {
        let Some(record) = state.inbox.batch_at(BatchIndex(index)) else { continue };
        let hashes = record.batch.versioned_hashes.iter();
        wanted.extend(hashes.map(|hash| (*hash, BlobPlace::from(record))));
    }
    let live = state.game.attempts.values().filter(|a| a.status == AttemptStatus::Live);
    for reveal in live.flat_map(|a| a.segments.values()).filter_map(|s| s.reveal.as_ref()) {
        wanted.push((reveal.versioned_hash, BlobPlace::from(reveal)));
    }
    wanted
}
