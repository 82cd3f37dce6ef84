//! "Out of gas" sold as "is false".

use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolError};
use recourse_protocol::{
    Checkpoint,
    bindings::{
        IRollup,
        IStepVerifier::{ExecuteCouldNotRun, ExecuteIsFalse},
    },
};

use super::lie_and_its_proof;
use crate::{
    arena::{Arena, LIAR, WATCHTOWER},
    l1::Ended,
};

fn truth(arena: &Arena, pre: &IRollup::proveStepCall) -> B256 {
    arena.view(&IRollup::truthCall { pre: Checkpoint::from(pre.pre.clone()).h248().0 })
}

/// The liar sends proofs with so little gas that the call of the precompile runs out of it, while the sixty-fourth part that is
/// kept back is enough to go on. That is "could not run", at every amount of gas: nothing is recorded as true or false, nobody
/// is paid, and the same proof with enough gas works afterwards.
#[test]
fn execute_out_of_gas_in_its_call_is_sold_as_a_verdict() {
    let (arena, attempt, data) = lie_and_its_proof();
    let proof = IRollup::proveFraudGapCall::abi_decode(&data).unwrap();
    let prove = IRollup::proveStepCall { pre: proof.pre, proof: proof.proof };
    let needed = arena.clone().send(WATCHTOWER, data.clone(), U256::ZERO, &[]).unwrap();

    let (mut could_not_run, mut accepted) = (0, 0);
    for what in [data.to_vec(), prove.abi_encode()] {
        for gas in (needed / 3..needed + 100_000).step_by(10_000) {
            let mut starved = arena.clone();
            let rollup = starved.l1.rollup;
            match starved.l1.send_within(gas, LIAR, rollup, what.clone()) {
                Ended::Accepted(_) => {
                    accepted += 1;
                    continue;
                }
                Ended::OutOfGas => {}
                Ended::Reverted(why) => {
                    assert_ne!(why[..], ExecuteIsFalse {}.abi_encode()[..], "{gas} gas");
                    could_not_run += u32::from(why[..] == ExecuteCouldNotRun {}.abi_encode()[..]);
                }
            }
            assert_eq!(truth(&starved, &prove), B256::ZERO, "{gas} gas");
            assert_eq!(starved.owed(WATCHTOWER), U256::ZERO);
            assert!(!starved.is_dead(attempt));
            starved.send(WATCHTOWER, data.clone(), U256::ZERO, &[]).unwrap();
            assert!(starved.is_dead(attempt), "{gas} gas");
        }
    }
    eprintln!("{needed} gas needed; {accepted} accepted, {could_not_run} could not run");
    assert!(could_not_run > 0 && accepted > 0, "{could_not_run}, {accepted}");
}
