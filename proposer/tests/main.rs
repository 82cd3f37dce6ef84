//! The proposer's parts against the step function itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly"
)]

mod accepted;
mod estimates;
mod outdated;
mod producing;
mod sequencing;
mod shown;
mod world;
