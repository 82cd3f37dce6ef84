//! What `execute` takes of the machine at most: stack, memory. A program of its own, for it counts what is allocated.

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
    dead_code,
    reason = "a test may fail loudly, and shares helpers that it does not use to the last one"
)]

mod allocator;
#[path = "../main/assembler.rs"]
mod assembler;
mod calls;
#[path = "../main/inputs.rs"]
mod inputs;
#[path = "../main/loops.rs"]
mod loops;
mod memory;
mod openings;
mod precompiles;
#[path = "../main/scene.rs"]
mod scene;
mod small;
mod traces;
mod tries;
