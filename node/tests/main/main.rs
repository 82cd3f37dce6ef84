//! This crate against a scripted L1 over real HTTP on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod ahead;
mod blobs;
mod client;
mod foreseen;
mod forgetting;
mod game;
mod mirror;
#[path = "../kills/model.rs"]
mod model;
mod node;
mod states;
mod support;
mod tx;
