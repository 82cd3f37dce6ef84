//! Whole blocks, validated by their witness alone: `verify_stateless_new_payload` of the execution specs, as EIP-8079 wants
//! it behind a precompile, on the executor that `EXECUTE` has. See docs/eip-8079.md.

mod block;
mod containers;
mod error;
mod header;
mod headers;
mod host;
mod outcome;
mod requests;
mod rules;
mod run;
mod schema;
mod verify;

pub use containers::*;
pub use error::{InvalidBlock, NotOnL2, PayloadError};
pub use header::{check_blobs, check_header};
pub use host::{Beside, OverLimit, WitnessError, stateless_input, witness_of};
pub use outcome::{check_body, check_result};
pub use rules::{BlockRules, BlockSchedule};
pub use schema::{Malformed, ProtocolFork};
pub use verify::{ChainKind, run_stateless_guest, validate, verify_stateless_new_payload};
