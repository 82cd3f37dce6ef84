//! Tells a connection that a call is being answered on it, from the moment at which the whole request is there: one that is still
//! on its way keeps no connection open.

use std::future::Future;

use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    types::Request,
};
use tower::Layer;

use crate::connections::Activity;

#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveLayer;

impl<S> Layer<S> for ActiveLayer {
    type Service = Active<S>;

    fn layer(&self, inner: S) -> Active<S> {
        Active(inner)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Active<S>(S);

impl<S> RpcServiceT for Active<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let busy = request.extensions().get::<Activity>().map(Activity::call);
        let inner = self.0.clone();
        async move {
            let answer = inner.call(request).await;
            drop(busy);
            answer
        }
    }

    fn batch<'a>(
        &self,
        mut batch: Batch<'a>,
    ) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        let busy = batch.iter_mut().find_map(|entry| match entry {
            Ok(BatchEntry::Call(request)) => {
                request.extensions().get::<Activity>().map(Activity::call)
            }
            _ => None,
        });
        let inner = self.0.clone();
        async move {
            let answer = inner.batch(batch).await;
            drop(busy);
            answer
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.0.notification(notification)
    }
}
