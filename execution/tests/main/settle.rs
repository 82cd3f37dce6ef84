//! What it means that `execute` settles a recorded piece.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, Executed, Invalid, Recorded, Recorder, State, TxRun, execute, replay,
};
use recourse_protocol::{TxPosition, bindings::BlockContext, bindings::Trace};

use crate::scene::{MAX_WITNESS, block, schedule};

pub fn no_pointers(_: Address) -> Option<Bytes> {
    None
}

pub fn claim<'a>(pre: B256, recorded: &Recorded, trace: &'a [u8]) -> Claim<'a> {
    Claim { pre, post: recorded.state_root, trace, gas_used: recorded.gas_used }
}

/// What `execute` says; that would take a panic for a "no", which this does not catch.
pub fn is_true(claim: &Claim<'_>) -> bool {
    replay(claim, &schedule(), &no_pointers).is_ok()
}

/// `execute` says yes; says no when anything is changed, and when any part of the witness is left out.
pub fn settles(pre: &State, recorded: &Recorded) {
    let bytes = recorded.trace.abi_encode();
    let claim = claim(pre.root(), recorded, &bytes);
    assert_eq!(replay(&claim, &schedule(), &no_pointers), Ok(()));
    let says = |claim| execute(claim, &schedule(), &no_pointers);
    assert!(says(&claim));
    assert!(!says(&Claim { post: B256::repeat_byte(2), ..claim }));

    assert!(!is_true(&Claim { post: B256::repeat_byte(1), ..claim }));
    assert!(!is_true(&Claim { pre: B256::repeat_byte(1), ..claim }));
    for gas_used in [claim.gas_used + 1, claim.gas_used.wrapping_sub(1), 0, u64::MAX] {
        if gas_used != claim.gas_used {
            assert!(!is_true(&Claim { gas_used, ..claim }), "gas {gas_used}");
        }
    }
    let mut digest = recorded.trace.clone();
    digest.receiptDigestAfter = keccak256(digest.receiptDigestAfter);
    assert!(!is_true(&Claim { trace: &digest.abi_encode(), ..claim }));

    for index in 0..recorded.witness.nodes.len() {
        let mut witness = recorded.witness.clone();
        witness.nodes.remove(index);
        assert!(!with_witness(&claim, &recorded.trace, witness.encode()), "node {index}");
    }
    for index in 0..recorded.witness.codes.len() {
        let mut witness = recorded.witness.clone();
        witness.codes.remove(index);
        assert!(!with_witness(&claim, &recorded.trace, witness.encode()), "code {index}");
    }
    // What is too much does not matter.
    let mut witness = recorded.witness.clone();
    witness.nodes.insert(0, Bytes::from_static(&[7; 32]));
    witness.codes.push(Bytes::from_static(&[7; 32]));
    assert!(with_witness(&claim, &recorded.trace, witness.encode()));
}

pub fn with_witness(claim: &Claim<'_>, trace: &Trace, witness: Bytes) -> bool {
    let trace = Trace { witness, ..trace.clone() }.abi_encode();
    is_true(&Claim { trace: &trace, ..*claim })
}

/// Runs a transaction, settles it, and gives what became of it.
pub fn run(state: &State, raw: &[u8]) -> Recorded {
    run_in(state, &block(), TxPosition::default(), raw)
}

pub fn run_in(state: &State, block: &BlockContext, position: TxPosition, raw: &[u8]) -> Recorded {
    let schedule = schedule();
    let recorded =
        Recorder::new(&schedule, MAX_WITNESS).transact(state, block, position, raw).unwrap();
    settles(state, &recorded);
    recorded
}

pub fn executed(recorded: &Recorded) -> &Executed {
    match &recorded.runs[0] {
        TxRun::Included(executed) => executed,
        TxRun::NoOp(why) => panic!("a no-op: {why}"),
    }
}

pub fn no_op(recorded: &Recorded) -> &Invalid {
    assert_eq!(recorded.gas_used, 0);
    assert_eq!(recorded.receipt_digest, recorded.trace.receiptDigestBefore);
    match &recorded.runs[0] {
        TxRun::NoOp(why) => why,
        TxRun::Included(executed) => panic!("included: {executed:?}"),
    }
}
