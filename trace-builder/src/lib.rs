#![doc = include_str!("../README.md")]

mod batch;
mod claim;
mod derivation;
mod hashes;
pub mod kzg;
mod prove;
mod respond;
pub mod staging;

pub use batch::{BatchHistory, BatchRecorder};
pub use claim::ClaimHistory;
pub use derivation::{Derivation, HistoryError, Snapshot};
pub use hashes::{BatchHashes, ClaimHashes, Claimable};
pub use kzg::{Blobs, KzgError};
pub use prove::{Evidence, ProveError, ProvenStep, Reading, StepProver};
pub use respond::{Call, NO_REVEAL, RespondError, Responder};
pub use staging::{Chunk, L1Limits, Staged, Stager};
