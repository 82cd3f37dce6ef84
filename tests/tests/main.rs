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

mod anvil;
mod architecture;
mod attacks;
mod bridge;
mod demo;
mod deployment;
mod faults;
mod fork;
mod fraud;
mod garbage;
mod honest;
mod l2_rpc;
mod messages;
mod network;
mod published;
mod restarts;
mod rpc;
mod sequencer;
mod staged;
mod vectors;
