//! Which web pages may call.
//!
//! A browser lets any page send requests to a node on the same machine. CORS alone keeps it from reading the answers; it
//! does not apply to WebSockets, and a name that is rebound to 127.0.0.1 goes around it. But a browser names the page's
//! origin in every POST and every WebSocket handshake, so a request of an origin that is not allowed is refused here.
//! Programs name none.

use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Method, StatusCode, Uri, header};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Web pages that may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// Pages that this machine serves (localhost, 127.0.0.1, [::1]) and browser extensions, which wallets are.
    #[default]
    Local,
    /// These as well.
    List(Vec<HeaderValue>),
    /// Every page.
    Any,
}

/// An origin is no origin.
#[derive(Debug, thiserror::Error)]
#[error("expected * or an origin such as https://app.example, got {0}")]
pub struct OriginError(String);

impl Origins {
    /// Those that a command line names, and the local ones.
    #[must_use]
    pub fn of(named: &[Origin]) -> Self {
        let pages: Option<Vec<_>> = named.iter().map(Origin::page).collect();
        match pages {
            None => Self::Any,
            Some(pages) if pages.is_empty() => Self::Local,
            Some(pages) => Self::List(pages),
        }
    }

    fn allow(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.contains(origin) || is_local(origin),
            Self::Local => is_local(origin),
        }
    }

    /// What the browser is told.
    pub(crate) fn cors(&self) -> CorsLayer {
        let origins = self.clone();
        let allowed = match self {
            Self::Any => AllowOrigin::any(),
            _ => AllowOrigin::predicate(move |origin, _| origins.allow(origin)),
        };
        CorsLayer::new()
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::CONTENT_TYPE])
            .allow_origin(allowed)
    }
}

/// An origin as a command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `*`: every page.
    Any,
    /// Scheme, host and perhaps port, as browsers name them.
    Page(HeaderValue),
}

impl Origin {
    fn page(&self) -> Option<HeaderValue> {
        match self {
            Self::Any => None,
            Self::Page(page) => Some(page.clone()),
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(name: &str) -> Result<Self, OriginError> {
        if name == "*" {
            return Ok(Self::Any);
        }
        let wrong = || OriginError(name.to_owned());
        let (scheme, host) = name.split_once("://").ok_or_else(wrong)?;
        if scheme.is_empty() || host.is_empty() || host.contains('/') {
            return Err(wrong());
        }
        HeaderValue::from_str(name).map(Self::Page).map_err(|_| wrong())
    }
}

fn is_local(origin: &HeaderValue) -> bool {
    let Ok(text) = origin.to_str() else { return false };
    let Some((scheme, _)) = text.split_once("://") else { return false };
    if scheme.ends_with("-extension") {
        return true;
    }
    let uri = Uri::from_str(text).ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || IpAddr::from_str(bare).is_ok_and(|address| address.is_loopback())
}

/// Refuses requests of pages that may not call.
#[derive(Debug, Clone)]
pub(crate) struct OriginLayer(Arc<Origins>);

impl OriginLayer {
    pub(crate) fn new(origins: Origins) -> Self {
        Self(Arc::new(origins))
    }
}

impl<S> Layer<S> for OriginLayer {
    type Service = OriginService<S>;

    fn layer(&self, inner: S) -> OriginService<S> {
        OriginService { inner, origins: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct OriginService<S> {
    inner: S,
    origins: Arc<Origins>,
}

impl<S, B> Service<HttpRequest<B>> for OriginService<S>
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
        let refused =
            request.headers().get(header::ORIGIN).is_some_and(|origin| !self.origins.allow(origin));
        if refused {
            return Box::pin(async { Ok(forbidden()) });
        }
        Box::pin(self.inner.call(request))
    }
}

fn forbidden() -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from("this page may not call this node\n"));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: &str) -> bool {
        origins.allow(&HeaderValue::from_str(origin).unwrap())
    }

    #[test]
    fn pages_of_this_machine_and_wallets_may_call() {
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://[::1]:8080",
            "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn",
        ] {
            assert!(allows(&Origins::Local, origin), "{origin}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for origin in [
            "https://evil.example",
            // A name that is rebound to this machine.
            "http://evil.example:8545",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "null",
            "",
        ] {
            assert!(!allows(&Origins::Local, origin), "{origin}");
        }
    }

    #[test]
    fn a_list_adds_and_a_star_is_everybody() {
        let list = Origins::of(&["https://app.example".parse().unwrap()]);
        assert!(allows(&list, "https://app.example"));
        assert!(!allows(&list, "https://other.example"));
        assert!(allows(&Origins::of(&["*".parse().unwrap()]), "https://evil.example"));
        assert_eq!(Origins::of(&[]), Origins::Local);
        for wrong in ["app.example", "https://", "https://app.example/page"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
