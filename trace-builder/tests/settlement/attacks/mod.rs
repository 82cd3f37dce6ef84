//! Attacks that need the real EXECUTE, real transactions or another branch of L1. Those that don't are in
//! `contracts/test/attacks`; docs/attacks.md lists all.

mod copies;
mod full_blocks;
mod longest;
mod reorg;
mod starved;

use alloy_primitives::Bytes;
use recourse_bisection::Action;
use recourse_protocol::AttemptId;

use crate::{
    arena::{Arena, WATCHTOWER},
    fraud::lie_from,
};

/// A lie about a step that executes a transaction, revealed, and the watchtower's fraud proof, not sent yet.
fn lie_and_its_proof() -> (Arena, AttemptId, Bytes) {
    let mut arena = Arena::new(4095);
    let lie = lie_from(&mut arena, 8, true);
    let actions = arena.next(WATCHTOWER);
    let [action @ Action::ProveFraudGap { .. }] = &actions[..] else { panic!("{actions:?}") };
    let call = arena.call_for(WATCHTOWER, action);
    assert!(call.chunks.is_empty() && call.blobs.is_empty());
    (arena, lie.attempt, call.data)
}
