//! Moves of the model as calls of the contract.

use alloy_eips::eip4844::kzg_to_versioned_hash;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolCall;
use recourse_bisection::{
    RevealedGap,
    model::{Carried, Chunk, Move, Proof},
};
use recourse_protocol::{
    AttemptId, CheckpointHash,
    bindings::{BlobOpening, Checkpoint, Execution, Gap, IRollup, Reveal, StepProof},
    segment_id,
};
use recourse_trace_builder::NO_REVEAL;

use crate::{
    compare::Pair,
    toy::{Toy, truth},
};

/// A call, its wei, and the blob that comes along.
pub struct Call {
    pub data: Vec<u8>,
    pub value: u64,
    pub blob: Option<Vec<CheckpointHash>>,
}

/// The commitment of the ideal KZG to a blob.
pub fn commitment(elements: &[CheckpointHash]) -> [u8; 48] {
    let bytes: Vec<u8> = elements.iter().flat_map(|element| element.0.0).collect();
    let mut commitment = [0; 48];
    commitment[..32].copy_from_slice(keccak256(bytes).as_slice());
    commitment
}

/// What L1 knows the blob by.
pub fn versioned_hash(elements: &[CheckpointHash]) -> B256 {
    kzg_to_versioned_hash(&commitment(elements))
}

/// The name of a move, as the contract has it.
pub const fn name(call: &Move) -> &'static str {
    match call {
        Move::Propose { .. } => "propose",
        Move::ChallengeClaim { .. } => "challengeClaim",
        Move::ChallengeGap { .. } => "challengeGap",
        Move::Reveal { .. } => "reveal",
        Move::ProveStep { .. } => "proveStep",
        Move::KillGap { proof: Proof::Known, .. } => "killGap",
        Move::KillGap { .. } => "proveFraudGap",
        Move::KillClaim { proof: Proof::Known, .. } => "killClaim",
        Move::KillClaim { .. } => "proveFraudClaim",
        Move::KillGapBeyond { .. } => "killGapBeyond",
        Move::Timeout { .. } => "timeout",
        Move::Confirm { .. } => "confirm",
        Move::MarkVoid { .. } => "markVoid",
        Move::SettleAttempt { .. } => "settleAttempt",
        Move::SettleChallenge { .. } => "settleChallenge",
        Move::Withdraw => "withdraw",
    }
}

impl Pair {
    /// The call of a move.
    pub fn call(&self, sender: Address, call: &Move) -> Call {
        let plain = |data: Vec<u8>| Call { data, value: 0, blob: None };
        match call.clone() {
            Move::Propose { .. } => self.propose(call),
            Move::ChallengeClaim { attempt, bond } => {
                let call = IRollup::challengeClaimCall { attempt: attempt.0 };
                Call { data: call.abi_encode(), value: bond.to(), blob: None }
            }
            Move::ChallengeGap { attempt, gap, bond } => {
                let gap = self.gap(attempt, &gap);
                let call = IRollup::challengeGapCall { attempt: attempt.0, gap };
                Call { data: call.abi_encode(), value: bond.to(), blob: None }
            }
            Move::Reveal { attempt, segment, elements } => {
                let data = reveal(&elements);
                let call = IRollup::revealCall { attempt: attempt.0, segment, data };
                Call { data: call.abi_encode(), value: 0, blob: Some(elements) }
            }
            Move::ProveStep { pre, carried } => {
                let (pre, proof) = (self.preimage(pre), carrying(&carried));
                plain(IRollup::proveStepCall { pre, proof }.abi_encode())
            }
            Move::Timeout { attempt, segment } => {
                let (attempt, segment) = (attempt.0, segment.0);
                plain(IRollup::timeoutCall { attempt, segmentId: segment }.abi_encode())
            }
            Move::Confirm { attempt } => {
                plain(IRollup::confirmCall { attempt: attempt.0 }.abi_encode())
            }
            Move::MarkVoid { content } => {
                plain(IRollup::markVoidCall { content: content.0 }.abi_encode())
            }
            Move::SettleAttempt { attempt } => {
                plain(IRollup::settleAttemptCall { attempt: attempt.0 }.abi_encode())
            }
            Move::SettleChallenge { attempt, segment } => {
                let (attempt, segment) = (attempt.0, segment.0);
                plain(IRollup::settleChallengeCall { attempt, segmentId: segment }.abi_encode())
            }
            Move::Withdraw => plain(IRollup::withdrawCall { to: sender }.abi_encode()),
            kill => plain(self.kill(kill)),
        }
    }

    fn propose(&self, call: &Move) -> Call {
        let Move::Propose {
            parent,
            batch_hash,
            checkpoint,
            steps,
            beneficiary,
            elements,
            bond,
            ..
        } = call.clone()
        else {
            panic!("not a proposal");
        };
        let none = Reveal { blobIndex: NO_REVEAL, ..Reveal::default() };
        let call = IRollup::proposeCall {
            parent: parent.0,
            batchHash: batch_hash,
            checkpoint: self.preimage(checkpoint),
            steps,
            beneficiary,
            reveal: elements.as_deref().map_or(none, reveal),
        };
        Call { data: call.abi_encode(), value: bond.to(), blob: elements }
    }

    fn kill(&self, kill: Move) -> Vec<u8> {
        match kill {
            Move::KillGap { attempt, gap, beneficiary, proof } => {
                let (pre, gap) = (self.preimage(gap.left), self.gap(attempt, &gap));
                let attempt = attempt.0;
                match step_proof(&proof) {
                    None => IRollup::killGapCall { attempt, gap, beneficiary }.abi_encode(),
                    Some(proof) => {
                        IRollup::proveFraudGapCall { attempt, gap, pre, proof, beneficiary }
                            .abi_encode()
                    }
                }
            }
            Move::KillClaim { attempt, beneficiary, proof } => {
                let pre = self.preimage(self.start_of(attempt));
                let attempt = attempt.0;
                match step_proof(&proof) {
                    None => IRollup::killClaimCall { attempt, beneficiary }.abi_encode(),
                    Some(proof) => {
                        IRollup::proveFraudClaimCall { attempt, pre, proof, beneficiary }
                            .abi_encode()
                    }
                }
            }
            Move::KillGapBeyond { attempt, gap, beneficiary } => {
                let (pre, gap) = (self.preimage(gap.left), self.gap(attempt, &gap));
                let attempt = attempt.0;
                IRollup::killGapBeyondCall { attempt, gap, pre, beneficiary }.abi_encode()
            }
            other => panic!("{other:?} is no kill"),
        }
    }

    /// The preimage, or that of another hash where nobody knows it.
    fn preimage(&self, hash: CheckpointHash) -> Checkpoint {
        let toy: &Toy = self.model.world();
        toy.known.get(&hash).copied().unwrap_or_else(|| truth(1 << 40)).into()
    }

    fn start_of(&self, attempt: AttemptId) -> CheckpointHash {
        let game = self.model.game();
        let content = game.attempts.get(&attempt).and_then(|a| game.contents.get(&a.content));
        let parent = content.and_then(|content| game.contents.get(&content.parent));
        parent.map(|parent| parent.checkpoint).unwrap_or_default()
    }

    fn gap(&self, attempt: AttemptId, gap: &RevealedGap) -> Gap {
        let elements = self.revealed(attempt, segment_id(attempt, &gap.parent));
        let zero = || Bytes::from_static(&[0; 48]);
        Gap {
            parent: gap.parent.clone(),
            index: gap.index,
            left: gap.left.0,
            right: gap.right.0,
            commitment: elements.map_or_else(zero, |list| commitment(&list).to_vec().into()),
            leftProof: zero(),
            rightProof: zero(),
        }
    }
}

fn reveal(elements: &[CheckpointHash]) -> Reveal {
    let zero = || Bytes::from_static(&[0; 48]);
    Reveal {
        blobIndex: 0,
        commitment: commitment(elements).to_vec().into(),
        startProof: zero(),
        endProof: zero(),
    }
}

fn step_proof(proof: &Proof) -> Option<StepProof> {
    let Proof::Fresh(carried) = proof else { return None };
    Some(carrying(carried))
}

/// From both places where a proof can point to chunks, with bytes in all three where it can have some itself.
fn carrying(carried: &Carried) -> StepProof {
    let pointers = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.pointer).collect();
    let (first, second) = carried.chunks.split_at(carried.chunks.len() / 2);
    let elements = vec![B256::ZERO; carried.inline / 96];
    let forced = vec![0; carried.inline / 3];
    let witness = vec![0; carried.inline - 32 * elements.len() - forced.len()];
    let proof = StepProof {
        opening: BlobOpening { elements, pointers: pointers(first), ..Default::default() },
        forcedTransaction: forced.into(),
        execution: Execution {
            witness: witness.into(),
            pointers: pointers(second),
            ..Default::default()
        },
        ..Default::default()
    };
    assert_eq!(proof.inline_bytes(), carried.inline);
    proof
}
