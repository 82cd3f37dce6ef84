#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod checkpoint;
mod config;
mod rules;
mod solidity;
mod tape;
mod totality;
mod toy;
