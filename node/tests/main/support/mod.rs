//! A scripted L1: blocks, events, accounts and blobs, over real HTTP.

mod beacon;
pub(crate) mod chain;
mod events;
mod rollup;
mod rpc;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use recourse_node::l1::{L1Client, RetryPolicy};

pub(crate) use chain::{Chain, FakeLog};
pub(crate) use events::Events;
pub(crate) use rollup::rollup_config;

/// The L1 and its server. Dropping it closes the server.
pub(crate) struct FakeL1 {
    chain: Arc<Mutex<Chain>>,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

impl FakeL1 {
    pub(crate) async fn start() -> Self {
        let chain = Arc::new(Mutex::new(Chain::new()));
        let app = Router::new()
            .route("/", post(rpc::answer))
            .route("/eth/v1/config/spec", get(beacon::spec))
            .route("/eth/v1/beacon/genesis", get(beacon::genesis))
            .route("/eth/v1/beacon/blobs/{id}", get(beacon::blobs))
            .layer(axum::extract::DefaultBodyLimit::max(16 << 20))
            .with_state(chain.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { chain, url, server }
    }

    /// The script's side.
    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn client(&self) -> L1Client {
        L1Client::new(&self.url, quick()).unwrap()
    }
}

impl Drop for FakeL1 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Retries without the pauses of a real network.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        request_timeout: Duration::from_secs(20),
        deadline: Duration::from_secs(20),
        first_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(5),
    }
}

/// Waits until something is so; a test that waits for ever is stopped by its runner.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
