//! One beacon node's REST API.

use alloy_eips::eip4844::BYTES_PER_BLOB;
use alloy_primitives::{B256, Bytes};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

use super::BlobPlace;

const SPEC: &str = "/eth/v1/config/spec";
const MILLIS_PER_SECOND: u64 = 1000;
/// What an answer may have beside blobs, in bytes; `config/spec` has some 20 KiB.
const REST: usize = 1 << 20;
/// Blobs of a block at most, three times what L1 allows in 2026. One is asked for, but a block may have it often.
const BLOBS: usize = 64;
/// A blob in hex, with `0x`, quotes and a comma, and room for white space, in bytes.
const BLOB: usize = 2 * BYTES_PER_BLOB + 64;

/// Why a beacon node was of no use.
#[derive(Debug, thiserror::Error)]
pub enum BeaconError {
    /// No answer, or one that broke off.
    #[error("{path}: no answer")]
    Http {
        /// Path asked for.
        path: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that is longer than any true one. It was not read to its end.
    #[error("{path}: more than {limit} bytes")]
    TooLong {
        /// Path asked for.
        path: String,
        /// In bytes.
        limit: usize,
    },
    /// An answer that is not what the standard says.
    #[error("{path}: not to be read")]
    Malformed {
        /// Path asked for.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An answer that says no.
    #[error("{path}: status {status}")]
    Status {
        /// Path asked for.
        path: String,
        /// HTTP status.
        status: StatusCode,
    },
    /// The node's clock makes no sense for this L1.
    #[error("the beacon chain has no slot at L1 time {l1_timestamp}")]
    NoSlot {
        /// In seconds.
        l1_timestamp: u64,
    },
}

/// One beacon node.
#[derive(Debug)]
pub(super) struct Beacon {
    url: String,
    http: reqwest::Client,
    /// Once the node told it. That it has none may change: a proxy in front of it may have said so.
    clock: OnceCell<Clock>,
}

/// By which a beacon node counts slots.
#[derive(Debug, Clone, Copy)]
struct Clock {
    genesis: u64,
    millis_per_slot: u64,
}

#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Genesis {
    genesis_time: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Spec {
    slot_duration_ms: Option<String>,
    seconds_per_slot: Option<String>,
}

impl Beacon {
    pub(super) fn new(url: &str, http: reqwest::Client) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), http, clock: OnceCell::new() }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What the node has under this versioned hash, if anything. Not verified. A blob that a block has twice is one: more
    /// than the first is never looked at, so a lie costs one commitment.
    pub(super) async fn blob(
        &self,
        hash: B256,
        place: BlobPlace,
    ) -> Result<Option<Bytes>, BeaconError> {
        let id = match self.clock().await? {
            Some(clock) => clock.slot(place)?,
            None => place.l1_block,
        };
        let path = format!("/eth/v1/beacon/blobs/{id}?versioned_hashes={hash}");
        let limit = BLOBS.saturating_mul(BLOB).saturating_add(REST);
        Ok(self.get::<Vec<Bytes>>(path, limit).await?.into_iter().next())
    }

    /// None if the node names blocks by the number of the L1 block: dev nodes without a consensus layer (Anvil) serve no
    /// `config/spec`.
    async fn clock(&self) -> Result<Option<Clock>, BeaconError> {
        match self.clock.get_or_try_init(|| self.read_clock()).await {
            Ok(clock) => Ok(Some(*clock)),
            Err(BeaconError::Status { path, status: StatusCode::NOT_FOUND }) if path == SPEC => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn read_clock(&self) -> Result<Clock, BeaconError> {
        let spec: Spec = self.get(SPEC.to_owned(), REST).await?;
        let genesis: Genesis = self.get("/eth/v1/beacon/genesis".to_owned(), REST).await?;
        let no_clock = BeaconError::NoSlot { l1_timestamp: 0 };
        Ok(Clock {
            genesis: genesis
                .genesis_time
                .parse()
                .map_err(|_| BeaconError::NoSlot { l1_timestamp: 0 })?,
            millis_per_slot: spec.millis_per_slot().ok_or(no_clock)?,
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: String, limit: usize) -> Result<T, BeaconError> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        let answer = match answer {
            Err(source) => return Err(BeaconError::Http { path, source: source.without_url() }),
            Ok(answer) if !answer.status().is_success() => {
                return Err(BeaconError::Status { path, status: answer.status() });
            }
            Ok(answer) => answer,
        };
        let body = match read(answer, limit).await {
            Err(source) => return Err(BeaconError::Http { path, source: source.without_url() }),
            Ok(None) => return Err(BeaconError::TooLong { path, limit }),
            Ok(Some(body)) => body,
        };
        let envelope = serde_json::from_slice::<Envelope<T>>(&body);
        Ok(envelope.map_err(|source| BeaconError::Malformed { path, source })?.data)
    }
}

/// The body, as far as it is within the limit; none if it is not.
async fn read(mut answer: Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

impl Spec {
    /// Newer specifications count milliseconds, older ones seconds.
    fn millis_per_slot(&self) -> Option<u64> {
        let millis = self.slot_duration_ms.as_ref().and_then(|text| text.parse().ok());
        let seconds = self.seconds_per_slot.as_ref().and_then(|text| text.parse::<u64>().ok());
        let millis = millis.or_else(|| seconds?.checked_mul(MILLIS_PER_SECOND));
        millis.filter(|millis| *millis > 0)
    }
}

impl Clock {
    fn slot(self, place: BlobPlace) -> Result<u64, BeaconError> {
        let l1_timestamp = place.l1_timestamp;
        let since = l1_timestamp.checked_sub(self.genesis);
        let millis = since.and_then(|seconds| seconds.checked_mul(MILLIS_PER_SECOND));
        let slot = millis.and_then(|millis| millis.checked_div(self.millis_per_slot));
        slot.ok_or(BeaconError::NoSlot { l1_timestamp })
    }
}
