//! An L1 endpoint that lies: passes everything on, but tells other deposits than there were.

use std::net::SocketAddr;

use alloy::sol_types::SolEvent;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    routing::{get, post},
};
use recourse_protocol::bindings::IInbox::Deposited;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// A lying endpoint. It stops when this is dropped.
#[derive(Debug)]
pub struct LyingL1 {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Upstream {
    url: String,
    client: reqwest::Client,
}

impl LyingL1 {
    /// Stands in front of the L1 at `url`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(url: String) -> eyre::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/", post(answer))
            .route("/{*path}", get(pass_on))
            .with_state(Upstream { url, client: reqwest::Client::new() });
        let serving = tokio::spawn(async move {
            // Ends with the task: nobody is left to be told.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for LyingL1 {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(upstream): State<Upstream>, body: Bytes) -> Result<Json<Value>, StatusCode> {
    let request =
        upstream.client.post(&upstream.url).header("content-type", "application/json").body(body);
    let mut answer: Value = json(request).await?;
    lie(&mut answer);
    Ok(Json(answer))
}

/// The beacon API is honest here: its blobs are checked anyway.
async fn pass_on(
    State(upstream): State<Upstream>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, StatusCode> {
    let url = format!("{}/{path}?{}", upstream.url, query.unwrap_or_default());
    json(upstream.client.get(url)).await.map(Json)
}

async fn json(request: reqwest::RequestBuilder) -> Result<Value, StatusCode> {
    let gone = |_| StatusCode::BAD_GATEWAY;
    let response = request.send().await.map_err(gone)?;
    let status = response.status();
    if !status.is_success() {
        return Err(status);
    }
    response.json().await.map_err(gone)
}

/// Makes every deposit in the answer one gwei larger.
fn lie(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(lie),
        Value::Object(fields) => {
            let topic = fields.get("topics").and_then(|topics| topics.get(0));
            let deposited = Deposited::SIGNATURE_HASH.to_string();
            let is_deposit = topic.and_then(Value::as_str) == Some(deposited.as_str());
            if let Some(Value::String(data)) = fields.get_mut("data").filter(|_| is_deposit) {
                let last = if data.ends_with('1') { '2' } else { '1' };
                data.pop();
                data.push(last);
            }
            fields.values_mut().for_each(lie);
        }
        _ => {}
    }
}
