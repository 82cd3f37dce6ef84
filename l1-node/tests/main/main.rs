//! The node as its clients see it: alloy providers, plain HTTP, WebSocket.
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

mod beacon;
mod blobs;
mod bounds;
mod chain;
mod claim;
mod code;
mod connections;
mod execute;
mod faults;
mod forgotten;
mod fork;
mod harness;
#[path = "../../../execution/tests/main/l2_block.rs"]
mod l2_block;
mod limits;
mod metering;
mod minimal;
mod payload;
mod pool;
mod service;
mod transactions;
