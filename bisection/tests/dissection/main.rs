#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly"
)]

//! Whole games on the reference model with a toy history: numbers instead of checkpoints.

mod actors;
mod arena;
mod asked;
mod games;
mod laws;
mod search;
mod toy;
mod watched;
