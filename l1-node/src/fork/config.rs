//! What chain is forked, and how it is asked.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue};
use reqwest::Url;

/// What chain is forked, and how it is asked.
#[derive(Clone)]
pub struct ForkConfig {
    /// Ethereum JSON-RPC endpoints of one chain, over HTTP. The first that answers is asked, the others when it fails.
    pub urls: Vec<Url>,
    /// The last block that is the upstream's; its newest if absent.
    pub block: Option<u64>,
    /// Folder of what was read once; nothing outlives the node without it.
    pub cache: Option<PathBuf>,
    /// Requests a second at most, to all endpoints together; as many as come if absent.
    pub rate: Option<u32>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Rounds over all endpoints after the first one, before a read fails.
    pub retries: u32,
    /// Pause before the first of these rounds; it doubles with each.
    pub backoff: Duration,
    /// Headers of every request, for instance `Authorization`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl ForkConfig {
    /// The newest block of the chain at these endpoints: no cache, no limit, 3 more rounds, 15 seconds a request.
    #[must_use]
    pub const fn new(urls: Vec<Url>) -> Self {
        Self {
            urls,
            block: None,
            cache: None,
            rate: None,
            timeout: Duration::from_secs(15),
            retries: 3,
            backoff: Duration::from_millis(500),
            headers: Vec::new(),
        }
    }
}

/// Paths of endpoints and values of headers are keys of paying customers.
impl fmt::Debug for ForkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForkConfig")
            .field("urls", &self.urls.iter().map(label).collect::<Vec<_>>())
            .field("block", &self.block)
            .field("cache", &self.cache)
            .field("rate", &self.rate)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// An endpoint as it may be told: without its path, which is often a key, and without a password.
pub(crate) fn label(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}
