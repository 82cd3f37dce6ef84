//! An endpoint in front of a node, which does as it is told.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Who is given what nobody gave him.
const ALICE: &str = "0x00000000000000000000000000000000000a11ce";

/// What the endpoint does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Passes it on.
    Honest,
    /// Answers with this HTTP status, so many times; then it is honest.
    Status(u16, u32),
    /// Refuses, as nodes do that have no archive, what asks for a state.
    Pruned,
    /// Knows no transaction and no block by its hash any more.
    Forgetful,
    /// Tells of other blocks than there are.
    Lying,
    /// Adds a withdrawal to each block.
    Generous,
    /// Calls each transaction of a block by another hash.
    Renaming,
    /// And gives it another sender, as dev chains do where nobody signed.
    Impersonating,
    /// Answers with something that is no JSON-RPC.
    Garbage,
    /// Never answers.
    Silent,
}

/// It stops when this is dropped.
#[derive(Debug)]
pub(super) struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    behind: String,
    mode: Mutex<Mode>,
    calls: Mutex<HashMap<String, u32>>,
    /// The last request's.
    headers: Mutex<HeaderMap>,
}

impl Endpoint {
    pub(super) async fn before(behind: String, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            behind,
            mode: Mutex::new(mode),
            calls: Mutex::default(),
            headers: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let router = Router::new().route("/{*key}", post(answer)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, serving }
    }

    /// With a path, as endpoints have that know their customers by it.
    pub(super) fn url(&self) -> String {
        format!("http://{}/v3/secret-key", self.address)
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.shared.mode.lock() = mode;
    }

    /// How often a method was called.
    pub(super) fn calls(&self, method: &str) -> u32 {
        self.shared.calls.lock().get(method).copied().unwrap_or_default()
    }

    /// A header of the last request.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let headers = self.shared.headers.lock();
        headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    /// How often anything was called.
    pub(super) fn all_calls(&self) -> u32 {
        self.shared.calls.lock().values().sum()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    *shared.headers.lock() = headers;
    let method = request["method"].as_str().unwrap().to_owned();
    *shared.calls.lock().entry(method.clone()).or_default() += 1;
    let mode = *shared.mode.lock();
    match mode {
        Mode::Honest => Json(pass_on(&shared, &request).await).into_response(),
        Mode::Status(status, times) => {
            if times > 0 {
                *shared.mode.lock() = Mode::Status(status, times - 1);
                return StatusCode::from_u16(status).unwrap().into_response();
            }
            Json(pass_on(&shared, &request).await).into_response()
        }
        Mode::Pruned if asks_for_state(&method) => {
            let error = json!({ "code": -32000, "message": "missing trie node" });
            Json(json!({ "jsonrpc": "2.0", "id": 1, "error": error })).into_response()
        }
        Mode::Forgetful
            if ["eth_getTransactionByHash", "eth_getBlockByHash"].contains(&method.as_str()) =>
        {
            Json(json!({ "jsonrpc": "2.0", "id": 1, "result": null })).into_response()
        }
        Mode::Pruned | Mode::Forgetful => Json(pass_on(&shared, &request).await).into_response(),
        Mode::Lying => {
            let mut told = pass_on(&shared, &request).await;
            if let Some(hash) = told["result"].get_mut("hash") {
                *hash = json!(format!("0x{}", "66".repeat(32)));
            }
            Json(told).into_response()
        }
        Mode::Generous => {
            let mut told = pass_on(&shared, &request).await;
            if let Some(list) = told["result"].get_mut("withdrawals") {
                let amount = json!({ "index": "0x0", "validatorIndex": "0x0", "address": ALICE, "amount": "0x1" });
                *list = json!([amount]);
            }
            Json(told).into_response()
        }
        Mode::Renaming | Mode::Impersonating => {
            let mut told = pass_on(&shared, &request).await;
            let list = told["result"].get_mut("transactions").and_then(Value::as_array_mut);
            for tx in list.into_iter().flatten() {
                if let Some(hash) = tx.get_mut("hash") {
                    *hash = json!(format!("0x{}", "66".repeat(32)));
                }
                if mode == Mode::Impersonating && tx.is_object() {
                    tx["from"] = json!(format!("0x{}", "77".repeat(20)));
                }
            }
            Json(told).into_response()
        }
        Mode::Garbage => "<html>hello</html>".into_response(),
        Mode::Silent => std::future::pending().await,
    }
}

fn asks_for_state(method: &str) -> bool {
    ["eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getStorageAt"]
        .contains(&method)
}

async fn pass_on(shared: &Shared, request: &Value) -> Value {
    let answer = reqwest::Client::new().post(&shared.behind).json(request).send().await.unwrap();
    answer.json().await.unwrap()
}
