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

//! Real batches, real blobs, real transactions, and the committed contracts on an EVM with EXECUTE: every step of a history
//! is proven to the StepVerifier, and whole disputes are played by the planner's moves.

mod arena;
mod attacks;
mod bonds;
mod differential;
mod exhaustion;
mod fraud;
mod histories;
mod l1;
mod l2;
mod openings;
mod staged;
mod stager;
mod steps;
