//! Methods that take long share few threads, so that the others and what the chain itself does have some.

use std::{future::Future, sync::Arc};

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    types::{ErrorObjectOwned, Request},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer;

use crate::rates::LIMIT_EXCEEDED;

/// Calls of one kind that wait for their turn; further ones are refused.
const MAX_WAITING: usize = 1_000;

/// What runs, and what waits for it.
#[derive(Debug, Clone)]
struct Lane {
    /// Those that run.
    running: Arc<Semaphore>,
    /// Those and the ones that wait.
    known: Arc<Semaphore>,
}

impl Lane {
    fn new(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running)),
            known: Arc::new(Semaphore::new(running.saturating_add(waiting))),
        }
    }

    /// A place in the queue, if there is one.
    fn enter(&self) -> Result<Queued, ErrorObjectOwned> {
        let place = Arc::clone(&self.known).try_acquire_owned().map_err(|_| {
            let text = "busy: too many calls wait";
            ErrorObjectOwned::owned(LIMIT_EXCEEDED, text, None::<()>)
        })?;
        Ok(Queued { running: Arc::clone(&self.running), place })
    }
}

/// A place in the queue.
#[derive(Debug)]
struct Queued {
    running: Arc<Semaphore>,
    place: OwnedSemaphorePermit,
}

impl Queued {
    /// Waits for its turn, which lasts as long as the answer is held.
    async fn turn(self) -> (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>) {
        // It is never closed.
        (self.place, self.running.acquire_owned().await.ok())
    }
}

/// Calls and traces apart: a trace may take as long as a block, and much memory.
#[derive(Debug, Clone)]
pub(crate) struct HeavyLayer {
    calls: Lane,
    traces: Lane,
}

impl HeavyLayer {
    /// As many as this machine has cores for.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            calls: Lane::new(cores.saturating_mul(2).max(4), MAX_WAITING),
            traces: Lane::new(cores.max(2), MAX_WAITING),
        }
    }

    fn lane(&self, method: &str) -> Option<&Lane> {
        match method {
            "eth_call"
            | "eth_estimateGas"
            | "eth_createAccessList"
            | "eth_getProof"
            | "eth_getLogs"
            | "eth_getFilterLogs" => Some(&self.calls),
            "eth_simulateV1"
            | "debug_traceCall"
            | "debug_traceTransaction"
            | "debug_traceBlockByHash"
            | "debug_traceBlockByNumber" => Some(&self.traces),
            _ => None,
        }
    }

    fn enter(&self, method: &str) -> Result<Option<Queued>, ErrorObjectOwned> {
        self.lane(method).map(Lane::enter).transpose()
    }
}

impl<S> Layer<S> for HeavyLayer {
    type Service = Heavy<S>;

    fn layer(&self, inner: S) -> Heavy<S> {
        Heavy { inner, lanes: self.clone() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Heavy<S> {
    inner: S,
    lanes: HeavyLayer,
}

impl<S> RpcServiceT for Heavy<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (entered, inner) = (self.lanes.enter(request.method_name()), self.inner.clone());
        async move {
            let _turn = match entered {
                Ok(None) => None,
                Ok(Some(queued)) => Some(queued.turn().await),
                Err(busy) => return MethodResponse::error(request.id, busy),
            };
            inner.call(request).await
        }
    }

    fn batch<'a>(
        &self,
        mut batch: Batch<'a>,
    ) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        // Its calls are answered one after another: one turn of each kind is enough for all.
        let (mut calls, mut traces) = (None, None);
        for entry in batch.iter_mut() {
            let Ok(BatchEntry::Call(request)) = entry else { continue };
            let Some(lane) = self.lanes.lane(request.method_name()) else { continue };
            let is_trace = Arc::ptr_eq(&lane.running, &self.lanes.traces.running);
            let held = if is_trace { &mut traces } else { &mut calls };
            if held.is_some() {
                continue;
            }
            match lane.enter() {
                Ok(queued) => *held = Some(queued),
                Err(busy) => *entry = Err(BatchEntryErr::new(request.id.clone(), busy)),
            }
        }
        let inner = self.inner.clone();
        async move {
            // In this order always, so that no two batches wait for each other.
            let _traces = match traces {
                Some(queued) => Some(queued.turn().await),
                None => None,
            };
            let _calls = match calls {
                Some(queued) => Some(queued.turn().await),
                None => None,
            };
            inner.batch(batch).await
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn who_comes_late_waits_and_who_comes_later_is_refused() {
        const SOON: std::time::Duration = std::time::Duration::from_millis(1);
        let lane = Lane::new(1, 1);
        let first = lane.enter().unwrap().turn().await;
        let second = lane.enter().unwrap();
        let refused = lane.enter().unwrap_err();
        assert_eq!((refused.code(), refused.message()), (-32005, "busy: too many calls wait"));
        let mut second = std::pin::pin!(second.turn());
        assert!(timeout(SOON, &mut second).await.is_err(), "the first still runs");
        drop(first);
        let second = second.await;
        let third = lane.enter().unwrap();
        lane.enter().unwrap_err();
        // Whoever hangs up leaves the queue.
        drop(third);
        lane.enter().unwrap();
        drop(second);
        drop(lane.enter().unwrap().turn().await);
    }

    #[test]
    fn traces_and_calls_are_heavy_and_reading_is_not() {
        let layer = HeavyLayer::new();
        let is = |method, lane: &Lane| {
            layer.lane(method).is_some_and(|found| Arc::ptr_eq(&found.known, &lane.known))
        };
        assert!(is("eth_call", &layer.calls) && is("debug_traceCall", &layer.traces));
        assert!(layer.lane("eth_getBalance").is_none());
        assert!(layer.lane("eth_sendRawTransaction").is_none());
    }
}
