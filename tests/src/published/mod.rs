//! The test vectors for `EXECUTE` that this repository publishes: `docs/vectors/execute`, described in `docs/execute.md`.

mod call;
mod court;
mod reason;
mod trace;

use std::path::PathBuf;

pub use call::{CallVector, L1, Verdict};
pub use court::{Answer, Court};
pub use reason::Reason;
pub use trace::{
    AccountFields, Context, CreditFields, RunFields, StateVector, TraceFields, TraceVector,
    WitnessSize,
};

/// Calls of the precompile.
pub const CALLS: &str = "calls.json";
/// Pieces of blocks.
pub const TRACES: &str = "traces.json";
/// The states that these begin with.
pub const STATES: &str = "states.json";

/// Where the vectors lie.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors/execute")
}
