//! Methods that take long share few threads, so that the others and what the chain itself does have some.

use std::{future::Future, sync::Arc};

use jsonrpsee::{
    MethodResponse,
    core::{
        middleware::{Batch, BatchEntry, Notification, RpcServiceT},
        server::BatchResponseBuilder,
    },
    types::{ErrorObjectOwned, Request},
};
use parking_lot::Mutex;
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
    async fn turn(self) -> Turn {
        // It is never closed.
        Turn { _place: self.place, _running: self.running.acquire_owned().await.ok() }
    }
}

/// The right to run.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    _running: Option<OwnedSemaphorePermit>,
}

/// The turn of a call on its way to the thread that runs it, which takes it out: a caller that hangs up ends the call's future, but
/// not that thread. What is left of the extensions after that goes with the answer to the caller, who may read it slowly.
#[derive(Debug, Clone)]
pub(crate) struct Held(Arc<Mutex<Option<Turn>>>);

impl Held {
    fn new(turn: Turn) -> Self {
        Self(Arc::new(Mutex::new(Some(turn))))
    }

    /// For as long as the call runs.
    pub(crate) fn take(&self) -> Option<Turn> {
        self.0.lock().take()
    }
}

/// Calls and traces apart: a trace may take as long as a block, and much memory.
#[derive(Debug, Clone)]
pub(crate) struct HeavyLayer {
    calls: Lane,
    traces: Lane,
    max_response: usize,
}

impl HeavyLayer {
    /// As many as this machine has cores for.
    pub(crate) fn new(max_response: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            calls: Lane::new(cores.saturating_mul(2).max(4), MAX_WAITING),
            traces: Lane::new(cores.max(2), MAX_WAITING),
            max_response: usize::try_from(max_response).unwrap_or(usize::MAX),
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
        Heavy { inner, lanes: self.clone(), max_response: self.max_response }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Heavy<S> {
    inner: S,
    lanes: HeavyLayer,
    /// Of a whole batch, in bytes.
    max_response: usize,
}

impl<S> RpcServiceT for Heavy<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(
        &self,
        mut request: Request<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (entered, inner) = (self.lanes.enter(request.method_name()), self.inner.clone());
        async move {
            match entered {
                Ok(None) => {}
                Ok(Some(queued)) => {
                    let turn = queued.turn().await;
                    request.extensions_mut().insert(Held::new(turn));
                }
                Err(busy) => return MethodResponse::error(request.id, busy),
            }
            inner.call(request).await
        }
    }

    /// As jsonrpsee does it, one call after another, but each with a turn of its own.
    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.clone();
        async move {
            let mut answers = BatchResponseBuilder::new_with_limit(service.max_response);
            let mut notified = false;
            for entry in batch {
                let answer = match entry {
                    Ok(BatchEntry::Call(request)) => service.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        notified = true;
                        service.notification(notification).await;
                        continue;
                    }
                    Err(refused) => {
                        let (error, id) = refused.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = answers.append(answer) {
                    return too_large;
                }
            }
            if answers.is_empty() && notified {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(answers.finish())
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
    use tokio::{sync::SemaphorePermit, time::timeout};

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

    /// Runs each call on a thread until it is told to end.
    #[derive(Clone)]
    struct Slow(Arc<Semaphore>);

    impl RpcServiceT for Slow {
        type MethodResponse = MethodResponse;
        type NotificationResponse = MethodResponse;
        type BatchResponse = MethodResponse;

        fn call<'a>(
            &self,
            request: Request<'a>,
        ) -> impl Future<Output = MethodResponse> + Send + 'a {
            let (end, extensions) = (Arc::clone(&self.0), request.extensions().clone());
            let running = tokio::task::spawn_blocking(move || {
                let _turn = extensions.get::<Held>().and_then(Held::take);
                while end.try_acquire().map(SemaphorePermit::forget).is_err() {
                    std::thread::yield_now();
                }
            });
            async move {
                running.await.unwrap();
                MethodResponse::notification()
            }
        }

        fn batch<'a>(&self, _: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
            std::future::ready(MethodResponse::notification())
        }

        fn notification<'a>(
            &self,
            _: Notification<'a>,
        ) -> impl Future<Output = MethodResponse> + Send + 'a {
            std::future::ready(MethodResponse::notification())
        }
    }

    #[tokio::test]
    async fn who_hangs_up_frees_no_turn_before_the_call_has_ended() {
        const SOON: std::time::Duration = std::time::Duration::from_millis(20);
        let layer = HeavyLayer { traces: Lane::new(1, 9), ..HeavyLayer::new(1024) };
        let end = Arc::new(Semaphore::new(0));
        let service = layer.layer(Slow(Arc::clone(&end)));
        let request =
            || Request::borrowed("debug_traceCall", None, jsonrpsee::types::Id::Number(1));
        // The caller is gone when this returns.
        assert!(timeout(SOON, service.call(request())).await.is_err());
        assert_eq!(layer.traces.running.available_permits(), 0, "its thread still runs");
        let mut second = std::pin::pin!(service.call(request()));
        assert!(timeout(SOON, &mut second).await.is_err());
        end.add_permits(2);
        second.await;
        while layer.traces.running.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        // One that never got its turn leaves none taken.
        drop(service.call(request()));
        assert_eq!(layer.traces.running.available_permits(), 1);
    }

    #[test]
    fn traces_and_calls_are_heavy_and_reading_is_not() {
        let layer = HeavyLayer::new(1024);
        let is = |method, lane: &Lane| {
            layer.lane(method).is_some_and(|found| Arc::ptr_eq(&found.known, &lane.known))
        };
        assert!(is("eth_call", &layer.calls) && is("debug_traceCall", &layer.traces));
        assert!(layer.lane("eth_getBalance").is_none());
        assert!(layer.lane("eth_sendRawTransaction").is_none());
    }
}
