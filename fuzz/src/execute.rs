//! EXECUTE on spoiled claims, against the engine on the whole state: whatever was done to a claim, "true" means that the
//! engine, which needs no witness, ends at the same root with the same gas and the same receipts.

use alloy_primitives::B256;
use alloy_sol_types::SolValue;
use recourse_execution::{
    Claim, RecordError, Recorded, Recorder,
    block::{BlockBody, Opening},
    replay,
};
use recourse_protocol::{TxPosition, bindings::Trace};

use super::{
    claims::{KNOWN, Known},
    input::Input,
    mutation::{Harm, mutate},
    world::{SCHEDULE, STATE},
};

/// Takes the input as the number of a known claim, what to spoil in it, and what to spoil in its encoding.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut claim = KNOWN[input.index(KNOWN.len())].clone();
    let (changes, raw_changes) = (input.byte() % 16, input.byte() % 4);
    let mut harm = Harm::None;
    for _ in 0..changes {
        if mutate(&mut claim, &mut input) == Harm::Some {
            harm = Harm::Some;
        }
    }
    let repair = input.byte().is_multiple_of(2);
    if harm == Harm::None && !is_true(&claim, &claim.encoded_trace()) {
        panic!("order, copies and surplus do not matter");
    }
    if repair {
        own_up(&mut claim);
    }
    let mut trace = claim.encoded_trace();
    for _ in 0..raw_changes {
        spoil_bytes(&mut trace, &mut input);
    }
    if is_true(&claim, &trace) {
        judge(&claim, &trace);
    }
}

fn is_true(claim: &Known, trace: &[u8]) -> bool {
    let Known { pre, post, gas_used, .. } = *claim;
    // `execute` would take a panic for a "no".
    replay(&Claim { pre, post, trace, gas_used }, &SCHEDULE, &|_| None).is_ok()
}

/// Claims what is true of the spoiled trace; only the witness may lack something then.
fn own_up(claim: &mut Known) {
    if let Some(truth) = truth(&claim.trace) {
        claim.pre = STATE.root();
        claim.post = truth.state_root;
        claim.gas_used = truth.gas_used;
        claim.trace.receiptDigestAfter = truth.receipt_digest;
        let trace = truth.trace.abi_encode();
        assert!(trace.len() > 64 && is_true(claim, &trace), "the least witness is enough");
    }
}

/// A claim that EXECUTE says yes to must be so.
pub fn judge(claim: &Known, trace: &[u8]) {
    let trace = Trace::abi_decode(trace).expect("EXECUTE read it");
    if claim.pre != STATE.root() {
        // A root that nobody knows a node of: nothing can have been read.
        assert_eq!((claim.post, claim.gas_used), (claim.pre, 0));
        return;
    }
    let truth = truth(&trace).expect("the engine can run what EXECUTE ran");
    let got = (truth.state_root, truth.gas_used, truth.receipt_digest);
    assert_eq!(got, (claim.post, claim.gas_used, trace.receiptDigestAfter));
}

/// What the engine on the whole state says: none when no block can be like that. That EXECUTE agrees on the least witness is
/// a part of recording.
fn truth(trace: &Trace) -> Option<Recorded> {
    let opening = Opening { parent_hash: trace.parentHash, anchor: trace.anchor };
    let body = BlockBody {
        opening: trace.opens.then_some(opening),
        transactions: trace.transactions.clone(),
        credits: trace.seals.then(|| trace.credits.clone()),
    };
    let position = TxPosition {
        gas_used_before: trace.gasUsedBefore,
        receipt_digest_before: trace.receiptDigestBefore,
    };
    let recorder = Recorder::new(&SCHEDULE, trace.maxWitnessBytes);
    match recorder.piece(&STATE, &trace.context, position, &body) {
        Ok(recorded) => Some(recorded),
        Err(RecordError::Execution(_)) => None,
        Err(RecordError::Refused(why)) => panic!("engine and EXECUTE differ: {why}"),
    }
}

fn spoil_bytes(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let at = input.index(bytes.len());
    match input.byte() % 5 {
        0 => bytes.truncate(at),
        1 => bytes.extend_from_slice(input.take(32)),
        2 => set_word(bytes, at / 32, B256::with_last_byte(input.byte())),
        3 => set_word(bytes, at / 32, B256::repeat_byte(0xff)),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (input.byte() % 8);
            }
        }
    }
}

fn set_word(bytes: &mut [u8], word: usize, value: B256) {
    if let Some(place) = bytes.get_mut(word * 32..word * 32 + 32) {
        place.copy_from_slice(&value[..]);
    }
}
