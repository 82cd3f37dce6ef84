//! A fraud proof from the public pool, sent by somebody else.

use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolError};
use recourse_protocol::{AttemptId, bindings::IRollup};

use super::lie_and_its_proof;
use crate::arena::{Arena, LIAR, WATCHTOWER};

fn half(arena: &Arena) -> U256 {
    arena.game.limits.claim_bond / U256::from(2)
}

/// Whoever is too late has lost the gas of a transaction that looks at the attempt first.
fn is_too_late(arena: &mut Arena, attempt: AttemptId, data: &[u8]) {
    let why = arena.send(WATCHTOWER, data.to_vec(), U256::ZERO, &[]).unwrap_err();
    let refusal = IRollup::NotPending::abi_decode(&why).unwrap();
    assert_eq!((refusal.attempt, refusal.fate as u8), (attempt.0, IRollup::Fate::Dead as u8));
}

/// The very bytes: they pay whom they name.
#[test]
fn a_copied_fraud_proof_pays_its_sender() {
    let (mut arena, attempt, data) = lie_and_its_proof();
    let burned = arena.l1.balance(alloy_primitives::Address::ZERO);
    arena.send(LIAR, data.clone(), U256::ZERO, &[]).unwrap();
    assert!(arena.is_dead(attempt));
    assert_eq!((arena.owed(LIAR), arena.owed(WATCHTOWER)), (U256::ZERO, half(&arena)));
    assert_eq!(arena.l1.balance(alloy_primitives::Address::ZERO) - burned, half(&arena));
    is_too_late(&mut arena, attempt, &data);
}

/// With another name in them they move the reward, and that is all: the lie is dead, half of its bond burned, the step proven for
/// every attempt that tells the same lie.
#[test]
fn a_copied_fraud_proof_names_its_sender() {
    let (mut arena, attempt, data) = lie_and_its_proof();
    let mut copy = IRollup::proveFraudGapCall::abi_decode(&data).unwrap();
    assert_eq!(copy.beneficiary, WATCHTOWER);
    copy.beneficiary = LIAR;
    arena.send(LIAR, copy.abi_encode(), U256::ZERO, &[]).unwrap();
    assert!(arena.is_dead(attempt));
    assert_eq!((arena.owed(LIAR), arena.owed(WATCHTOWER)), (half(&arena), U256::ZERO));
    is_too_late(&mut arena, attempt, &data);
    // The same lie again: killed by reference, and this time the watchtower is paid.
    let again = crate::fraud::lie_from(&mut arena, 8, true);
    arena.honest(WATCHTOWER);
    assert!(arena.is_dead(again.attempt));
    assert_eq!(arena.owed(WATCHTOWER), half(&arena));
}
