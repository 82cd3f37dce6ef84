//! What a chain may do to requests before they are served, such as failing on purpose.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
    types::{ErrorObjectOwned, Request},
};
use tower::Layer;

/// Stands before every JSON-RPC request.
pub trait Gate: fmt::Debug + Send + Sync {
    /// What happens to a request of this method.
    fn pass(&self, method: &str) -> Passage;
}

/// What happens to a request. By default it is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passage {
    /// It waits for so long first.
    pub delay: Duration,
    /// It is answered with this error, code and message, instead of being served.
    pub error: Option<(i32, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct GateLayer(pub(crate) Option<Arc<dyn Gate>>);

#[derive(Debug, Clone)]
pub(crate) struct Gated<S> {
    inner: S,
    gate: Option<Arc<dyn Gate>>,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.0.clone() }
    }
}

impl<S> Gated<S> {
    fn passage(&self, method: &str) -> Passage {
        self.gate.as_ref().map(|gate| gate.pass(method)).unwrap_or_default()
    }
}

impl<S> RpcServiceT for Gated<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (passage, inner) = (self.passage(request.method_name()), self.inner.clone());
        async move {
            wait(passage.delay).await;
            match passage.error {
                Some(error) => MethodResponse::error(request.id, object(error)),
                None => inner.call(request).await,
            }
        }
    }

    fn batch<'a>(
        &self,
        mut batch: Batch<'a>,
    ) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        // Its requests are served together: all wait for the slowest.
        let mut delay = Duration::ZERO;
        for entry in batch.iter_mut() {
            let Ok(BatchEntry::Call(request)) = entry else { continue };
            let passage = self.passage(request.method_name());
            delay = delay.max(passage.delay);
            if let Some(error) = passage.error {
                *entry = Err(BatchEntryErr::new(request.id.clone(), object(error)));
            }
        }
        let inner = self.inner.clone();
        async move {
            wait(delay).await;
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

async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn object((code, message): (i32, String)) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message, None::<()>)
}
