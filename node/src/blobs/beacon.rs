//! One beacon node's REST API.

use alloy_primitives::{B256, Bytes};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

use super::BlobPlace;

const MILLIS_PER_SECOND: u64 = 1000;

/// Why a beacon node was of no use.
#[derive(Debug, thiserror::Error)]
pub enum BeaconError {
    /// No answer, or none that can be read.
    #[error("{path}: no answer")]
    Http {
        /// Path asked for.
        path: String,
        /// Why.
        #[source]
        source: reqwest::Error,
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
    clock: OnceCell<Clock>,
}

/// How a beacon node names the block of a blob.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// By slot, as the standard says.
    Slots { genesis: u64, millis_per_slot: u64 },
    /// By number of the L1 block: dev nodes without a consensus layer (Anvil) serve no `config/spec`.
    BlockNumbers,
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

    /// What the node has under this versioned hash. Not verified.
    pub(super) async fn blobs(
        &self,
        hash: B256,
        place: BlobPlace,
    ) -> Result<Vec<Bytes>, BeaconError> {
        let id = self.clock().await?.block_id(place)?;
        let path = format!("/eth/v1/beacon/blobs/{id}?versioned_hashes={hash}");
        Ok(self.get::<Vec<Bytes>>(path).await?.data)
    }

    async fn clock(&self) -> Result<Clock, BeaconError> {
        self.clock.get_or_try_init(|| self.read_clock()).await.copied()
    }

    async fn read_clock(&self) -> Result<Clock, BeaconError> {
        let spec = match self.get::<Spec>("/eth/v1/config/spec".to_owned()).await {
            Ok(spec) => spec.data,
            Err(BeaconError::Status { status: StatusCode::NOT_FOUND, .. }) => {
                return Ok(Clock::BlockNumbers);
            }
            Err(error) => return Err(error),
        };
        let genesis = self.get::<Genesis>("/eth/v1/beacon/genesis".to_owned()).await?.data;
        let no_clock = BeaconError::NoSlot { l1_timestamp: 0 };
        Ok(Clock::Slots {
            genesis: genesis
                .genesis_time
                .parse()
                .map_err(|_| BeaconError::NoSlot { l1_timestamp: 0 })?,
            millis_per_slot: spec.millis_per_slot().ok_or(no_clock)?,
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<Envelope<T>, BeaconError> {
        let failed = |source: reqwest::Error| BeaconError::Http {
            path: path.clone(),
            source: source.without_url(),
        };
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.map_err(failed)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(BeaconError::Status { path, status });
        }
        answer.json().await.map_err(failed)
    }
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
    fn block_id(self, place: BlobPlace) -> Result<u64, BeaconError> {
        let Self::Slots { genesis, millis_per_slot } = self else { return Ok(place.l1_block) };
        let l1_timestamp = place.l1_timestamp;
        let since = l1_timestamp.checked_sub(genesis);
        let millis = since.and_then(|seconds| seconds.checked_mul(MILLIS_PER_SECOND));
        let slot = millis.and_then(|millis| millis.checked_div(millis_per_slot));
        slot.ok_or(BeaconError::NoSlot { l1_timestamp })
    }
}
