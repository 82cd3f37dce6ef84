//! Plans of proofs, without an L1: nothing is lost or too large, and a restart finds what was staged.

use std::sync::Arc;

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, B256, Bytes, address};
use alloy_sol_types::SolValue;
use recourse_bisection::model::MAX_BILL;
use recourse_protocol::{
    MAX_INLINE_BYTES,
    bindings::{Execution, StepProof},
};
use recourse_trace_builder::{
    Evidence, L1Limits, Reading, Staged, Stager,
    kzg::Committed,
    staging::{CHUNK_BYTES, SINGLE_AT_MOST},
};

const STORE: Address = address!("00000000000000000000000000000000000c4a3e");
const AROUND: usize = 1_500;

fn stager() -> Stager {
    Stager { store: STORE, limits: L1Limits::default() }
}

fn committed() -> Arc<Committed> {
    let mut blob = Blob::ZERO;
    for (index, element) in blob.chunks_exact_mut(32).enumerate() {
        element[1..9].copy_from_slice(&(index as u64 * 7 + 1).to_be_bytes());
    }
    Arc::new(Committed::to(&blob).unwrap())
}

fn evidence(elements: usize, witness: usize, forced: usize) -> Evidence {
    let reading =
        (elements > 0).then(|| Reading { committed: committed(), first: 3, last: 2 + elements });
    let noise = |length: usize| -> Bytes { (0..length).map(|i| (i * i / 251) as u8 | 1).collect() };
    let execution = Execution {
        postStateRoot: B256::repeat_byte(1),
        gasUsed: 1 << 24,
        witness: noise(witness),
        ..Execution::default()
    };
    Evidence { batch: Default::default(), reading, forced: noise(forced), execution }
}

/// Witness and elements as L1 will put them together.
fn assembled(staged: &Staged) -> (Vec<u8>, Vec<u8>) {
    let chunk = |pointer: &Address| {
        let chunk = staged.chunks.iter().find(|chunk| chunk.pointer == *pointer);
        chunk.unwrap().bytes.to_vec()
    };
    let StepProof { opening, execution, .. } = &staged.proof;
    let witness = execution.pointers.iter().map(chunk);
    let elements = opening.pointers.iter().map(chunk);
    let inline = opening.elements.iter().flat_map(|element| element.0).collect::<Vec<u8>>();
    (
        [vec![execution.witness.to_vec()], witness.collect()].concat().concat(),
        [vec![inline], elements.collect()].concat().concat(),
    )
}

fn planned(evidence: &Evidence) -> Staged {
    let staged = stager().plan(evidence, AROUND).unwrap().unwrap();
    let calldata = AROUND + staged.proof.abi_encoded_size();
    assert!(calldata + 256 <= 128 * 1024, "{calldata} bytes");
    assert_eq!(staged.bill.bytes, calldata + 256, "bytes are counted exactly");
    assert!(staged.bill.gas <= 1 << 24, "{:?}", staged.bill);
    assert!(staged.chunks.len() <= MAX_BILL, "{} chunks", staged.chunks.len());
    let (witness, elements) = assembled(&staged);
    assert_eq!(witness, evidence.execution.witness);
    if let Some(reading) = &evidence.reading {
        let all: Vec<u8> = reading.committed.elements().iter().flat_map(|e| e.0).collect();
        let read = all[reading.first * 32..(reading.last + 1) * 32].to_vec();
        assert!(elements == all || elements == read);
    }
    staged
}

#[test]
fn what_fits_is_inline() {
    for (elements, witness) in [(0, 0), (1, 0), (4, 3_000), (60, 100_000), (0, 125_000)] {
        let evidence = evidence(elements, witness, 0);
        let staged = planned(&evidence);
        assert!(staged.chunks.is_empty(), "{elements} elements, {witness} bytes");
        assert_eq!(staged.proof, evidence.plain().unwrap());
    }
}

#[test]
fn long_items_take_the_whole_blob() {
    let few = planned(&evidence(SINGLE_AT_MOST, 0, 0));
    assert_eq!(few.proof.opening.proofs.len(), SINGLE_AT_MOST);
    let many = planned(&evidence(SINGLE_AT_MOST + 1, 0, 0));
    assert_eq!(many.proof.opening.proofs.len(), 1);
    assert_eq!(many.chunks.len(), 1, "4,096 elements are a whole transaction");
}

#[test]
fn large_witnesses_are_staged_as_far_as_they_must() {
    for witness in [130_000, 200_000, 600_000, 1 << 20, (1 << 20) + 200_000] {
        let staged = planned(&evidence(4, witness, 0));
        let inline = staged.proof.execution.witness.len();
        assert!(inline > 128 * 1024 - CHUNK_BYTES - 10_000, "{inline} of {witness} inline");
    }
}

#[test]
fn the_worst_of_everything_fits() {
    planned(&evidence(4_000, 1 << 20, 0));
    planned(&evidence(0, 1 << 19, 126_971));
}

/// Whatever a transaction may be, the Rollup takes no more inline.
#[test]
fn a_proof_brings_no_more_than_the_contract_takes() {
    let boundless = Stager { limits: L1Limits { gas: u64::MAX, bytes: usize::MAX }, ..stager() };
    let inline = |elements, witness, forced| {
        let staged = boundless.plan(&evidence(elements, witness, forced), AROUND).unwrap();
        staged.map(|staged| (staged.proof.inline_bytes(), staged.chunks.len()))
    };
    assert_eq!(inline(0, MAX_INLINE_BYTES, 0), Some((MAX_INLINE_BYTES, 0)));
    assert_eq!(inline(0, MAX_INLINE_BYTES + 1, 0), Some((MAX_INLINE_BYTES + 1 - CHUNK_BYTES, 1)));
    assert_eq!(inline(4_000, 0, 0), Some((MAX_INLINE_BYTES, 0)), "a whole blob");
    assert_eq!(inline(4_000, 3_000, 0), Some((MAX_INLINE_BYTES, 1)), "and its witness");
    assert_eq!(inline(0, 3_000, MAX_INLINE_BYTES), Some((MAX_INLINE_BYTES, 1)));
    assert_eq!(inline(0, 0, MAX_INLINE_BYTES + 1), None, "nothing of it can be staged");
}

/// Beside a forced transaction of the longest kind and a gap's openings there is hardly room for the pointers.
#[test]
fn what_fits_nothing_is_said() {
    assert!(stager().plan(&evidence(0, 1 << 20, 128 * 1024), AROUND).unwrap().is_none());
    let poor = Stager { limits: L1Limits { gas: 1 << 20, ..L1Limits::default() }, ..stager() };
    assert!(poor.plan(&evidence(4_000, 0, 0), AROUND).unwrap().is_none());
}

/// Who starts again with another kind of call, or after limits changed, finds its chunks.
#[test]
fn chunks_are_the_same_whatever_else_the_call_carries() {
    let evidence = evidence(4_000, 700_000, 0);
    let chunks = |around, bytes| {
        let limits = L1Limits { bytes, ..L1Limits::default() };
        let staged = Stager { limits, ..stager() }.plan(&evidence, around).unwrap().unwrap();
        staged.chunks.iter().map(|chunk| chunk.pointer).collect::<Vec<_>>()
    };
    let (few, again) = (chunks(500, 131_072), chunks(500, 131_072));
    assert_eq!(few, again);
    let more = chunks(30_000, 120_000);
    assert!(more.len() > few.len());
    assert!(few.iter().all(|pointer| more.contains(pointer)));
}

#[test]
fn what_repeats_itself_is_staged_once() {
    let mut evidence = evidence(4_000, 0, 0);
    let committed = Arc::new(Committed::to(&Blob::ZERO).unwrap());
    evidence.reading = Some(Reading { committed, first: 0, last: 3_999 });
    let tight = Stager { limits: L1Limits { bytes: 60_000, ..L1Limits::default() }, ..stager() };
    let staged = tight.plan(&evidence, AROUND).unwrap().unwrap();
    assert!(staged.proof.opening.pointers.len() > 1);
    assert_eq!(staged.chunks.len(), 1);
}
