//! Tests of the crate as its users see it.

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

mod agreement;
mod assembler;
mod blocks_official;
mod blockwise;
mod bound;
mod collision;
mod crowds;
mod exhaustion;
mod fuzz_seeds;
mod fuzz_targets;
mod hostile;
mod hostile_encoding;
mod hostile_state;
mod hostile_tries;
mod hostile_witness;
mod inputs;
mod l2_block;
mod loops;
mod older_rules;
mod parallel;
mod parallel_alone;
mod parallel_hints;
mod parallel_rare;
mod parallel_work;
mod payload;
mod pieces;
mod provability;
mod random;
mod scene;
mod segments;
mod settle;
mod spoil;
mod state;
mod state_bulk;
mod traces;
mod trie_bulk;
mod trie_model;
mod trie_official;
mod vectors;
