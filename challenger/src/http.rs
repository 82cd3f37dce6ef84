//! `/health` and `/metrics`.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Problem, ServiceError};

/// What the endpoints show.
pub(crate) trait Status: Send + Sync + 'static {
    /// What is wrong now.
    fn problems(&self) -> Vec<Problem>;
    /// Where the node stands.
    fn report(&self) -> Value;
    /// In the text format of Prometheus.
    fn metrics(&self) -> String;
}

#[derive(Serialize)]
struct Health {
    healthy: bool,
    problems: Vec<Problem>,
    node: Value,
}

/// Binds the address; the port that was taken is in the listener.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServiceError> {
    let failed = |source| ServiceError::Http { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves until told to stop.
pub(crate) async fn serve<S: Status>(
    listener: TcpListener,
    status: Arc<S>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/health", get(health::<S>))
        .route("/metrics", get(metrics::<S>))
        .with_state(status);
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// 200 when healthy, 503 when not.
async fn health<S: Status>(State(status): State<Arc<S>>) -> (StatusCode, Json<Health>) {
    let problems = status.problems();
    let healthy = problems.is_empty();
    let code = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Health { healthy, problems, node: status.report() }))
}

async fn metrics<S: Status>(State(status): State<Arc<S>>) -> String {
    status.metrics()
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Fake(Mutex<Vec<Problem>>);

    impl Status for Fake {
        fn problems(&self) -> Vec<Problem> {
            self.0.lock().clone()
        }

        fn report(&self) -> Value {
            serde_json::json!({ "batches": 3 })
        }

        fn metrics(&self) -> String {
            "metric 1\n".to_owned()
        }
    }

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn health_and_metrics_over_http() {
        let (listener, address) = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (fake, stop) = (Arc::new(Fake::default()), CancellationToken::new());
        let server = tokio::spawn(serve(listener, Arc::clone(&fake), stop.clone()));

        let (code, body) = get(address, "/health").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let healthy =
            serde_json::json!({ "healthy": true, "problems": [], "node": { "batches": 3 } });
        assert_eq!((code, body), (200, healthy));

        fake.0.lock().push(Problem::L1Stale { seconds: 9 });
        let (code, body) = get(address, "/health").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(code, 503);
        assert_eq!(body["problems"], serde_json::json!([{ "kind": "l1-stale", "seconds": 9 }]));

        assert_eq!(get(address, "/metrics").await, (200, "metric 1\n".to_owned()));
        stop.cancel();
        server.await.unwrap().unwrap();
    }
}
