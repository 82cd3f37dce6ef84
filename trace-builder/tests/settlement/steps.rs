//! Every step of a history, proven to the deployed StepVerifier.

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::History;
use recourse_protocol::{
    Rule, StepIndex, TransactionSource,
    bindings::{IStepVerifier, StepProof},
};
use recourse_trace_builder::{ProvenStep, Reading, StepProver};

use crate::{
    l1::L1,
    l2::{self, Chain},
};

fn prove(l1: &L1, chain: &Chain, at: u64) -> ProvenStep {
    let prover = StepProver { derivation: chain.derivation(l1), blobs: &l1.events };
    prover.prove(&chain.claim(0, 3), StepIndex(at)).unwrap()
}

fn plain(step: &ProvenStep) -> StepProof {
    step.evidence.plain().unwrap()
}

fn verify(
    l1: &mut L1,
    step: &ProvenStep,
    proof: StepProof,
) -> Result<B256, alloy_primitives::Bytes> {
    let call = IStepVerifier::stepCall { pre: step.pre.into(), proof };
    let receipt = l1.send(L1::OWNER, l1.verifier, call.abi_encode(), U256::ZERO, &[])?;
    let post = IStepVerifier::stepCall::abi_decode_returns(&receipt.output).unwrap();
    Ok(recourse_protocol::Checkpoint::from(post).h248().0)
}

/// What a step does, in words.
fn kind(step: &ProvenStep) -> &'static str {
    let elements = step.evidence.reading.as_ref().map_or(0, Reading::count);
    let item = elements == 0;
    match &step.rule {
        Rule::Open(_) if item => "implicit open",
        Rule::Open(_) => "open",
        Rule::Transact(tx) => match (tx.source, step.evidence.execution.gasUsed) {
            (TransactionSource::Forced(_), 0) => "forced no-op",
            (TransactionSource::Forced(_), _) => "forced",
            (TransactionSource::Tape, 0) => "no-op",
            (TransactionSource::Tape, _) => "transaction",
        },
        Rule::Seal(seal) if seal.credits.len() == 16 => "seal with all credits",
        Rule::Seal(seal) if !seal.credits.is_empty() => "seal with credits",
        Rule::Seal(_) if item => "implicit seal",
        Rule::Seal(_) => "seal",
        Rule::Skip if elements > 1 => "skip",
        Rule::Skip => "skip in one element",
        Rule::EndOfBlob => "end of blob",
        Rule::Close => "close",
    }
}

#[test]
fn the_contract_takes_every_step() {
    let (mut l1, chain) = l2::chain(4095);
    let history = chain.claim(0, 3);
    let mut seen = BTreeSet::new();
    for at in 0..history.steps() {
        let step = prove(&l1, &chain, at);
        seen.insert(kind(&step));
        assert_eq!(Some(step.post.h248()), history.hash(StepIndex(at + 1)));
        let got = verify(&mut l1, &step, plain(&step));
        let what = kind(&step);
        assert_eq!(got, Ok(step.post.h248().0), "step {at}, {what}");
    }
    for kind in [
        "open",
        "implicit open",
        "transaction",
        "no-op",
        "forced",
        "forced no-op",
        "seal with all credits",
        "seal with credits",
        "seal",
        "skip",
        "skip in one element",
        "end of blob",
        "close",
    ] {
        assert!(seen.contains(kind), "no step was: {kind}; but {seen:?}");
    }
}

#[test]
fn tampered_proofs_are_refused() {
    let (mut l1, chain) = l2::chain(4095);
    let history = chain.claim(0, 3);
    for at in 0..history.steps() {
        let step = prove(&l1, &chain, at);
        for (what, proof) in tampered(&plain(&step)) {
            let got = verify(&mut l1, &step, proof);
            assert!(got.is_err(), "step {at}, {}: {what} changed nothing", kind(&step));
        }
    }
}

/// All the ways to change one thing.
fn tampered(honest: &StepProof) -> Vec<(&'static str, StepProof)> {
    let mut proofs = Vec::new();
    let mut with = |what, change: &dyn Fn(&mut StepProof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        proofs.push((what, proof));
    };
    with("another state root", &|p| p.execution.postStateRoot.0[31] ^= 1);
    with("another receipt", &|p| p.execution.receiptDigestAfter.0[31] ^= 1);
    with("more gas", &|p| p.execution.gasUsed += 1);
    with("another fee recipient", &|p| p.batch.feeRecipient.0[0] ^= 1);
    with("a surplus forced transaction", &|p| {
        p.forcedTransaction = [p.forcedTransaction.to_vec(), vec![0]].concat().into();
    });
    if honest.opening.elements.is_empty() {
        with("a surplus element", &|p| p.opening.elements.push(B256::ZERO));
    } else {
        with("another element", &|p| p.opening.elements[0].0[31] ^= 1);
        with("one element less", &|p| {
            p.opening.elements.pop();
            p.opening.proofs.pop();
        });
    }
    if honest.execution.witness.len() > 3 {
        with("no witness", &|p| p.execution.witness = alloy_primitives::hex!("c2c0c0").into());
    }
    proofs
}
