//! GET routes of a chain beside JSON-RPC, such as the beacon API.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{Method, StatusCode, header};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tower::{Layer, Service};

use crate::rates::{Caller, Rates};

/// Answers GET requests. Called on a blocking thread.
pub trait Routes: Send + Sync {
    /// True for the paths that this answers; all others go to JSON-RPC.
    fn claims(&self, path: &str) -> bool;

    /// The answer to `GET path?query`.
    fn get(&self, path: &str, query: Option<&str>) -> Reply;
}

/// An answer in JSON.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// JSON text.
    pub body: String,
}

#[derive(Clone)]
pub(crate) struct GetLayer {
    routes: Option<Arc<dyn Routes>>,
    rates: Option<Arc<Rates>>,
}

impl GetLayer {
    pub(crate) const fn new(routes: Option<Arc<dyn Routes>>, rates: Option<Arc<Rates>>) -> Self {
        Self { routes, rates }
    }
}

impl fmt::Debug for GetLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetLayer").field("routes", &self.routes.is_some()).finish()
    }
}

impl<S> Layer<S> for GetLayer {
    type Service = GetService<S>;

    fn layer(&self, inner: S) -> GetService<S> {
        GetService { inner, routes: self.routes.clone(), rates: self.rates.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct GetService<S> {
    inner: S,
    routes: Option<Arc<dyn Routes>>,
    rates: Option<Arc<Rates>>,
}

impl<S> fmt::Debug for GetService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetService").field("routes", &self.routes.is_some()).finish()
    }
}

impl<S, B> Service<HttpRequest<B>> for GetService<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let claimed = self.routes.clone().filter(|routes| {
            request.method() == Method::GET && routes.claims(request.uri().path())
        });
        let Some(routes) = claimed else { return Box::pin(self.inner.call(request)) };
        if let Err(message) = take(self.rates.as_deref(), &request) {
            return Box::pin(async { Ok(error(StatusCode::TOO_MANY_REQUESTS, message)) });
        }
        let uri = request.uri().clone();
        Box::pin(async move {
            let answer =
                tokio::task::spawn_blocking(move || routes.get(uri.path(), uri.query())).await;
            Ok(answer.map_or_else(|_| failed(), response))
        })
    }
}

fn response(reply: Reply) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(reply.body));
    *response.status_mut() = reply.status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn failed() -> HttpResponse {
    error(StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned())
}

/// As the beacon API words errors.
fn error(status: StatusCode, message: String) -> HttpResponse {
    let body = serde_json::json!({ "code": status.as_u16(), "message": message }).to_string();
    response(Reply { status, body })
}

fn take<B>(rates: Option<&Rates>, request: &HttpRequest<B>) -> Result<(), String> {
    match (rates, request.extensions().get::<Caller>()) {
        (Some(rates), Some(caller)) => rates.take(*caller, Instant::now()),
        _ => Ok(()),
    }
}
