//! What a call with a proof costs at most.

use recourse_protocol::{ELEMENTS, bindings::StepProof};

use super::{
    encoded_size,
    layout::{Layout, Opening},
};
use crate::{Evidence, prove::no_opening};

/// A signed EIP-1559 transaction without its calldata: at most.
const ENVELOPE_BYTES: usize = 256;
const TRANSACTION_GAS: u64 = 21_000;
/// EIP-7623, per byte that is not zero: at least so much in all,
const FLOOR_GAS: u64 = 40;
/// and so much beside the execution.
const BYTE_GAS: u64 = 16;
/// What the Rollup does beside the proof: opens a gap, writes the truth, pays and burns.
const ROLLUP_GAS: u64 = 450_000;
const SINGLE_OPENING_GAS: u64 = 57_000;
/// Without what memory costs.
const WHOLE_BLOB_GAS: u64 = 1_300_000;
/// A pointer is read, its poster is looked up, put on a bill, and paid for the first time.
const POINTER_GAS: u64 = 60_000;
/// `EXECUTE_GAS_COST`, an opening, 16 credits or a transaction, and the fields of a trace.
const EXECUTE_GAS: u64 = 30_000 + 60_000 + 16 * 6_000 + 4_096;
/// Of the most that `EXECUTE` asks, gas of L2 for one of L1.
const DEAREST_RATE: u64 = 4;
/// An item's bytes are in memory so often: as elements, as a transaction, in the trace, in the call.
const COPIES: u64 = 5;

/// What a call costs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// Bytes of the signed transaction.
    pub bytes: usize,
    /// Gas, `EXECUTE` at its dearest.
    pub gas: u64,
}

impl Bill {
    /// With `around` bytes of calldata beside the proof.
    pub(super) fn of(evidence: &Evidence, layout: &Layout, around: usize) -> Self {
        let calldata = around.saturating_add(proof_size(evidence, layout));
        let floor = size(calldata).saturating_mul(FLOOR_GAS);
        let run = execution(evidence, layout).saturating_add(memory(evidence, layout, calldata));
        let plain = size(calldata).saturating_mul(BYTE_GAS).saturating_add(run);
        Self {
            bytes: calldata.saturating_add(ENVELOPE_BYTES),
            gas: TRANSACTION_GAS.saturating_add(floor.max(plain)),
        }
    }
}

/// Bytes of the proof, ABI-encoded.
fn proof_size(evidence: &Evidence, layout: &Layout) -> usize {
    let mut bare = StepProof {
        batch: evidence.batch.clone(),
        opening: no_opening(),
        forcedTransaction: evidence.forced.clone(),
        execution: evidence.execution.clone(),
    };
    bare.execution.witness = Default::default();
    let (elements, proofs) = layout.inline_opening();
    let commitment = if proofs > 0 { 64usize } else { 0 };
    let witness = layout.inline_witness(evidence.execution.witness.len());
    // A proof of 48 bytes takes two words, and one each for its place and its length.
    [
        commitment,
        elements.saturating_mul(32),
        proofs.saturating_mul(128),
        layout.chunks().saturating_mul(32),
        witness.next_multiple_of(32),
    ]
    .into_iter()
    .fold(encoded_size(&bare), usize::saturating_add)
}

fn execution(evidence: &Evidence, layout: &Layout) -> u64 {
    let opening = match layout.opening {
        Opening::None => 0,
        Opening::Single(count) => size(count).saturating_mul(SINGLE_OPENING_GAS),
        Opening::Whole(_) => WHOLE_BLOB_GAS,
    };
    let asked = &evidence.execution;
    let execute = if asked.postStateRoot.is_zero() {
        0
    } else {
        let bytes = asked.witness.len().saturating_add(transaction_bytes(evidence));
        let run = asked.gasUsed.div_ceil(DEAREST_RATE);
        EXECUTE_GAS.saturating_add(size(bytes)).saturating_add(run)
    };
    let pointers = size(layout.chunks()).saturating_mul(POINTER_GAS);
    [opening, execute, pointers].into_iter().fold(ROLLUP_GAS, u64::saturating_add)
}

/// Of the Rollup, which hands the proof on, and of the StepVerifier.
fn memory(evidence: &Evidence, layout: &Layout, calldata: usize) -> u64 {
    let whole = matches!(layout.opening, Opening::Whole(_));
    let blob = if whole { ELEMENTS.saturating_mul(64) } else { 0 };
    let witness = layout.inline_witness(evidence.execution.witness.len());
    let copied = size(transaction_bytes(evidence).saturating_add(witness)).saturating_mul(COPIES);
    expansion(size(calldata)).saturating_add(expansion(size(blob).saturating_add(copied)))
}

/// What so many bytes of memory cost.
fn expansion(bytes: u64) -> u64 {
    let words = bytes.div_ceil(32);
    words.saturating_mul(3).saturating_add(words.saturating_mul(words) >> 9)
}

/// At most.
fn transaction_bytes(evidence: &Evidence) -> usize {
    let read = evidence.reading.as_ref().map_or(0, |reading| reading.count().saturating_mul(31));
    evidence.forced.len().max(read)
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
