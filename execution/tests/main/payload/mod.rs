//! Whole blocks as payloads: `verify_stateless_new_payload` (docs/eip-8079.md).

mod attacks;
mod blocks;
mod limits;
mod official;
mod requests;
mod roots;

use alloy_primitives::Bytes;
use recourse_execution::payload::{
    BlockSchedule, ChainKind, PayloadError, ProtocolFork, StatelessInput, run_stateless_guest,
    validate,
};

use crate::l2_block::{Built, Scene, transfer};

const OSAKA: ProtocolFork = ProtocolFork::Osaka;

/// Two transfers on a small chain.
fn transfers() -> Built {
    Scene::new(&Bytes::new()).block(vec![transfer(0), transfer(1)])
}

fn check(input: &StatelessInput, kind: ChainKind) -> Result<(), PayloadError> {
    validate(OSAKA, input, &BlockSchedule::osaka(), kind)
}

/// What the precompile would give.
fn guest(bytes: &[u8]) -> Vec<u8> {
    run_stateless_guest(bytes, &BlockSchedule::osaka(), ChainKind::L2)
}

/// Whether the result says that the block is valid.
fn says_valid(result: &[u8]) -> bool {
    assert_eq!(result.len(), 43);
    result[32] == 1
}
