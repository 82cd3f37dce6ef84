//! The task that owns the L2 head: follows L1, makes blocks on time, posts batches.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use recourse_node::{NodeState, Severity, tx::TxError};
use recourse_protocol::BatchIndex;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ServiceError,
    health::Duties,
    journal::Leftover,
    post::{PostError, Posted, Poster},
    producer::{Followed, Horizon as _, Producer, ProducerError},
    seen::Seen,
};

/// After a failed post: time for L1 to answer again, or for the mirror to see what made it fail.
const PAUSE: Duration = Duration::from_secs(2);

const SEQUENCING: &str = "making L2 blocks";
const FOLLOWING: &str = "taking in what L1 has";
const POSTING: &str = "posting to the Inbox";

/// The task that owns the L2 head.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) producer: Arc<Mutex<Producer>>,
    pub(crate) states: watch::Receiver<Arc<NodeState>>,
    pub(crate) poster: Poster,
    pub(crate) duties: Duties,
    pub(crate) block_time: Duration,
    posting: Option<JoinHandle<Result<Posted, PostError>>>,
    /// The batch that is being posted, or was last.
    batch: Option<BatchIndex>,
    /// Batches of ours that were refused since something was posted last, by us or others.
    refusals: u32,
    /// The newest batch that was taken in when that was counted.
    counted_at: BatchIndex,
    not_before: tokio::time::Instant,
    next_view: tokio::time::Instant,
    /// Between two views, so that nobody makes us record one in every block.
    view_interval: Duration,
}

impl Driver {
    pub(crate) fn new(
        producer: Producer,
        states: watch::Receiver<Arc<NodeState>>,
        poster: Poster,
        duties: Duties,
        block_time: Duration,
        view_interval: Duration,
    ) -> Self {
        Self {
            producer: Arc::new(Mutex::new(producer)),
            states,
            poster,
            duties,
            block_time,
            posting: None,
            batch: None,
            refusals: 0,
            counted_at: BatchIndex(0),
            not_before: tokio::time::Instant::now(),
            next_view: tokio::time::Instant::now(),
            view_interval,
        }
    }

    /// Goes on where another run stopped: first to the end of what L1 has, then through the journal.
    pub(crate) async fn catch_up(
        &mut self,
        leftover: Leftover,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        loop {
            let (seen, done) = self.look().await?;
            if seen.0.derived && done.outdated.is_none() {
                let resumed = self
                    .on_thread(move |producer| producer.recover(&seen, leftover, Instant::now()))
                    .await?;
                tracing::info!(batches = resumed, "in step with L1, journal taken up");
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = self.states.changed() => if changed.is_err() { return Ok(()) },
            }
        }
    }

    /// Runs until told to stop. What is on its way to L1 then goes on in the transaction manager's journal.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), ServiceError> {
        let mut ticks = interval(self.block_time);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = self.states.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.follow().await?;
                }
                _ = ticks.tick() => self.make().await?,
                result = posted(&mut self.posting) => self.posted(result?).await?,
                () = sleep_until(self.not_before), if self.is_pausing() => {}
            }
            self.post();
        }
    }

    async fn follow(&mut self) -> Result<Seen, ServiceError> {
        let (seen, done) = self.look().await?;
        if done.promoted > 0 {
            tracing::info!(batches = done.promoted, tip = %seen.derived(), "batches came back from L1");
        }
        if done.foreign > 0 || done.lost > 0 {
            let (foreign, lost, waiting) = (done.foreign, done.lost, done.readmitted);
            tracing::warn!(foreign, lost, waiting, "L1 has other batches than those made here");
        }
        Ok(seen)
    }

    async fn look(&mut self) -> Result<(Seen, Followed), ServiceError> {
        let seen = Seen(Arc::clone(&self.states.borrow_and_update()));
        self.duties.see(Arc::clone(&seen.0.l1.game));
        let horizon = seen.clone();
        let done = self.on_thread(move |producer| producer.follow(&horizon, Instant::now()));
        let done = done.await?;
        // The next state that is published shows what stands there now.
        match done.outdated {
            Some(batch) => self.duties.failed(FOLLOWING, &ProducerError::Outdated(batch)),
            None => self.duties.succeeded(FOLLOWING),
        }
        Ok((seen, done))
    }

    async fn make(&mut self) -> Result<(), ServiceError> {
        let seen = Seen(Arc::clone(&self.states.borrow()));
        let made = self.on_thread(move |producer| {
            let now = Instant::now();
            let made = producer.make_block(&seen, now)?;
            producer.cut_if_due(&seen, now)?;
            Ok(made)
        });
        match made.await {
            Ok(_) => self.duties.succeeded(SEQUENCING),
            Err(ServiceError::Producer(error)) if !error.is_fatal() => {
                self.duties.failed(SEQUENCING, &error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Starts to post what is due, one thing at a time: the next batch would be refused before this one is mined.
    fn post(&mut self) {
        if self.posting.is_some() || self.is_pausing() {
            return;
        }
        let seen = Seen(Arc::clone(&self.states.borrow()));
        let producer = self.producer.lock();
        let poster = self.poster.clone();
        let adopted = producer.adopted();
        if adopted != self.counted_at {
            (self.refusals, self.counted_at) = (0, adopted);
        }
        if let Some(ahead) = producer.to_post(&seen, Instant::now()) {
            self.batch = Some(ahead.cut.index);
            self.posting = Some(tokio::spawn(poster.append(ahead.cut.clone())));
        } else if self.next_view <= tokio::time::Instant::now() && producer.wants_view(&seen) {
            self.batch = None;
            self.posting = Some(tokio::spawn(poster.poke(seen.counts().views)));
        } else if self.refusals < 2 {
            // What failed is not wanted any more: somebody else came first, or a refused batch is begun anew. That each is refused
            // is no rest, until L1 has another batch.
            self.duties.rests(POSTING);
        }
    }

    async fn posted(&mut self, result: Result<Posted, PostError>) -> Result<(), ServiceError> {
        self.posting = None;
        let error = match result {
            Ok(posted) => {
                self.duties.succeeded(POSTING);
                self.refusals = 0;
                if posted == Posted::View {
                    self.next_view = after(self.view_interval);
                }
                // Until the mirror sees it, it would be posted again.
                self.pause();
                return Ok(());
            }
            Err(error) => error,
        };
        self.duties.failed(POSTING, &error);
        self.pause();
        match error {
            PostError::Send(TxError::WouldRevert(_) | TxError::Reverted { .. }) => {
                self.refused().await
            }
            PostError::Send(error) if error.severity() == Severity::Critical => Err(error.into()),
            PostError::Blobs(error) if error.severity() == Severity::Critical => Err(error.into()),
            PostError::Send(_) | PostError::Blobs(_) => Ok(()),
        }
    }

    /// The Inbox refused a batch: somebody else came first, or its terms are stale. Its transactions go into a new one.
    async fn refused(&mut self) -> Result<(), ServiceError> {
        let (seen, refused) = (self.follow().await?, self.batch.take());
        let waiting = self.on_thread(move |producer| {
            // Not if L1 has it by now: then it was refused for coming twice.
            let is_ahead = producer.first_ahead().is_some_and(|first| Some(first) == refused);
            if is_ahead { producer.start_over(&seen).map(Some) } else { Ok(None) }
        });
        match waiting.await {
            Ok(Some(waiting)) => {
                self.refusals = self.refusals.saturating_add(1);
                tracing::warn!(waiting, "a batch was refused; its transactions wait again");
            }
            Ok(None) => {}
            // It is posted again, and refused again, until L1 is followed.
            Err(ServiceError::Producer(error)) if !error.is_fatal() => {
                self.duties.failed(SEQUENCING, &error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn pause(&mut self) {
        self.not_before = after(PAUSE);
    }

    fn is_pausing(&self) -> bool {
        tokio::time::Instant::now() < self.not_before
    }

    /// Execution is CPU work: not on the async threads.
    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Producer) -> Result<T, ProducerError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let producer = Arc::clone(&self.producer);
        Ok(spawn_blocking(move || work(&mut producer.lock())).await??)
    }
}

fn after(pause: Duration) -> tokio::time::Instant {
    let now = tokio::time::Instant::now();
    now.checked_add(pause).unwrap_or(now)
}

/// What was posted; never, while nothing is.
async fn posted(
    posting: &mut Option<JoinHandle<Result<Posted, PostError>>>,
) -> Result<Result<Posted, PostError>, tokio::task::JoinError> {
    match posting {
        Some(handle) => handle.await,
        None => std::future::pending().await,
    }
}
