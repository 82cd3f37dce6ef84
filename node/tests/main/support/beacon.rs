//! The beacon API.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use alloy_primitives::{B256, Bytes};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::chain::{Chain, GENESIS_TIME, SECONDS_PER_BLOCK};

type Shared = State<Arc<Mutex<Chain>>>;

pub(crate) async fn spec(State(chain): Shared) -> Response {
    if !chain.lock().unwrap().has_spec {
        return StatusCode::NOT_FOUND.into_response();
    }
    let data =
        json!({ "SECONDS_PER_SLOT": SECONDS_PER_BLOCK.to_string(), "PRESET_BASE": "mainnet" });
    Json(json!({ "data": data })).into_response()
}

pub(crate) async fn genesis() -> Response {
    Json(json!({ "data": { "genesis_time": GENESIS_TIME.to_string() } })).into_response()
}

/// Slots and block numbers are the same here: a block in every slot.
pub(crate) async fn blobs(
    State(chain): Shared,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, B256>>,
) -> Response {
    let mut chain = chain.lock().unwrap();
    chain.seen.push(format!("blobs/{id}"));
    let known = id.parse().is_ok_and(|id: usize| id < chain.blocks.len());
    let blob = chain.blobs.get(&query["versioned_hashes"]).filter(|_| known);
    let honest = blob.map(|blob| Bytes::copy_from_slice(blob.as_slice()));
    let data: Vec<Bytes> = match (&chain.lie, honest) {
        (Some(lie), Some(honest)) if chain.lies_first => vec![lie.clone(), honest],
        (Some(lie), _) => vec![lie.clone()],
        (None, Some(honest)) => vec![honest],
        (None, None) => return StatusCode::NOT_FOUND.into_response(),
    };
    (json!({ "data": data }).to_string() + &" ".repeat(chain.padding)).into_response()
}
