//! Proofs of steps, and what EXECUTE should be asked.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolValue;
use recourse_protocol::{
    Checkpoint, Inputs, Rule, Step, TransactionSource,
    bindings::{self, BlobOpening, Execution, StepProof, Trace},
    plan,
};

use super::world::World;
use crate::toy::CONFIG;

const WITNESS: &[u8] = b"whatever EXECUTE needs";

/// The proof of a step that Rust took.
pub(super) fn of(world: &mut World, pre: &Checkpoint, taken: &Step) -> StepProof {
    let forced = match &taken.plan.rule {
        Rule::Transact(tx) if tx.source != TransactionSource::Tape => tx.raw.clone(),
        _ => Bytes::new(),
    };
    let execution = match &taken.plan.rule {
        Rule::Seal(seal) if seal.credits.is_empty() => Execution::default(),
        Rule::Open(_) | Rule::Transact(_) | Rule::Seal(_) => Execution {
            postStateRoot: taken.post.state_root,
            receiptDigestAfter: taken.post.receipt_digest,
            gasUsed: taken.gas_used,
            witness: WITNESS.into(),
            pointers: vec![],
        },
        Rule::Skip | Rule::EndOfBlob | Rule::Close => Execution::default(),
    };
    let batch = world.inputs.batch(pre.batch).unwrap().unwrap();
    StepProof {
        batch: bindings::Batch::from((*batch).clone()),
        opening: opening(world, pre, taken.plan.read),
        forcedTransaction: forced,
        execution,
    }
}

/// Proofs that an attacker might try from a checkpoint that Rust refuses.
pub(super) fn attempts(world: &mut World, pre: &Checkpoint) -> Vec<StepProof> {
    let batch = world.inputs.batch(pre.batch).unwrap();
    let batch = batch.map_or_else(bindings::Batch::default, |b| (*b).clone().into());
    let read = plan(pre, &world.inputs, &CONFIG).map_or(1, |plan| plan.read);
    let known = usize::try_from(pre.blob).is_ok_and(|blob| blob < batch.versionedHashes.len());
    let opening = if known { opening(world, pre, read) } else { BlobOpening::default() };
    let execution = Execution { receiptDigestAfter: pre.receipt_digest, ..Execution::default() };
    let bare = StepProof { batch, opening, ..StepProof::default() };
    vec![bare.clone(), StepProof { execution, ..bare }]
}

fn opening(world: &mut World, pre: &Checkpoint, read: u32) -> BlobOpening {
    let past = usize::try_from(pre.offset).unwrap() >= recourse_protocol::PAYLOAD_BYTES;
    if read == 0 || past {
        return BlobOpening::default();
    }
    let first = pre.offset as usize / 31;
    let last = (pre.offset as usize + read as usize - 1) / 31;
    let blob = &mut world.blobs[pre.batch.0 as usize - 1][pre.blob as usize];
    // Short items may be proven either way.
    if last - first >= 8 || (first + last) % 7 == 5 {
        let (elements, proof) = blob.open_whole();
        let commitment = blob.commitment.clone();
        return BlobOpening { commitment, elements, proofs: vec![proof], pointers: Vec::new() };
    }
    let (elements, proofs): (Vec<_>, Vec<_>) =
        (first..=last.min(4095)).map(|index| blob.open(index)).unzip();
    BlobOpening { commitment: blob.commitment.clone(), elements, proofs, pointers: Vec::new() }
}

/// What the precompile must be asked for a step: nothing, or `abi.encode(pre, post, trace, gasUsed)`.
pub(super) fn execute_input(pre: &Checkpoint, taken: &Step) -> Option<Bytes> {
    let mut trace = Trace {
        gasUsedBefore: pre.gas_used,
        receiptDigestBefore: pre.receipt_digest,
        receiptDigestAfter: taken.post.receipt_digest,
        maxWitnessBytes: CONFIG.max_witness_bytes,
        witness: WITNESS.into(),
        ..Trace::default()
    };
    match &taken.plan.rule {
        Rule::Open(open) => {
            trace.context = open.block.clone();
            trace.opens = true;
            trace.parentHash = pre.parent_hash;
            trace.anchor = open.anchor;
            trace.gasUsedBefore = 0;
            trace.receiptDigestBefore = B256::ZERO;
        }
        Rule::Transact(tx) => {
            trace.context = tx.block.clone();
            trace.transactions = vec![tx.raw.clone()];
        }
        Rule::Seal(seal) if !seal.credits.is_empty() => {
            trace.context = seal.block.clone();
            trace.seals = true;
            trace.credits = seal.credits.clone();
        }
        Rule::Seal(_) | Rule::Skip | Rule::EndOfBlob | Rule::Close => return None,
    }
    let trace = Bytes::from(trace.abi_encode());
    let question = (pre.state_root, taken.post.state_root, trace, taken.gas_used);
    Some(question.abi_encode_params().into())
}
