//! The calls that make moves on the contract.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::model::{Move, Proof};
use recourse_protocol::bindings::IRollup;

use super::Match;

impl Match {
    pub(super) fn calldata(
        &mut self,
        sender: Address,
        call: &Move,
    ) -> (Bytes, U256, Vec<Box<Blob>>) {
        match call.clone() {
            Move::Propose {
                parent,
                batch_hash,
                checkpoint,
                steps,
                beneficiary,
                elements,
                bond,
                ..
            } => {
                let (reveal, blobs) = self.revealing(elements.as_deref());
                let call = IRollup::proposeCall {
                    parent: parent.0,
                    batchHash: batch_hash,
                    checkpoint: self.known.preimages[&checkpoint].into(),
                    steps,
                    beneficiary,
                    reveal,
                };
                (call.abi_encode().into(), bond, blobs)
            }
            Move::Reveal { attempt, segment, elements } => {
                let (data, blobs) = self.revealing(Some(&elements));
                let call = IRollup::revealCall { attempt: attempt.0, segment, data };
                (call.abi_encode().into(), U256::ZERO, blobs)
            }
            Move::ChallengeGap { attempt, gap, bond } => {
                let gap = self.gap(attempt, &gap);
                let call = IRollup::challengeGapCall { attempt: attempt.0, gap };
                (call.abi_encode().into(), bond, Vec::new())
            }
            Move::ChallengeClaim { attempt, bond } => {
                let call = IRollup::challengeClaimCall { attempt: attempt.0 };
                (call.abi_encode().into(), bond, Vec::new())
            }
            other => (self.free(sender, other), U256::ZERO, Vec::new()),
        }
    }

    /// Calls without value or blobs.
    fn free(&mut self, sender: Address, call: Move) -> Bytes {
        let data = match call {
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Known } => {
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                IRollup::killGapCall { attempt, gap, beneficiary }.abi_encode()
            }
            Move::KillGap { attempt, gap, beneficiary, proof: Proof::Fresh(_) } => {
                let (pre, proof) = self.step(gap.left);
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                let call = IRollup::proveFraudGapCall { attempt, gap, pre, proof, beneficiary };
                call.abi_encode()
            }
            Move::KillClaim { attempt, beneficiary, proof: Proof::Known } => {
                IRollup::killClaimCall { attempt: attempt.0, beneficiary }.abi_encode()
            }
            Move::KillClaim { attempt, beneficiary, proof: Proof::Fresh(_) } => {
                let game = self.model.game();
                let parent = game.contents[&game.attempts[&attempt].content].parent;
                let (pre, proof) = self.step(game.contents[&parent].checkpoint);
                let attempt = attempt.0;
                IRollup::proveFraudClaimCall { attempt, pre, proof, beneficiary }.abi_encode()
            }
            Move::KillGapBeyond { attempt, gap, beneficiary } => {
                let pre = self.known.preimages.get(&gap.left).copied().unwrap_or_default().into();
                let (attempt, gap) = (attempt.0, self.gap(attempt, &gap));
                IRollup::killGapBeyondCall { attempt, gap, pre, beneficiary }.abi_encode()
            }
            Move::Timeout { attempt, segment } => {
                IRollup::timeoutCall { attempt: attempt.0, segmentId: segment.0 }.abi_encode()
            }
            Move::Confirm { attempt } => IRollup::confirmCall { attempt: attempt.0 }.abi_encode(),
            Move::MarkVoid { content } => IRollup::markVoidCall { content: content.0 }.abi_encode(),
            Move::SettleAttempt { attempt } => {
                IRollup::settleAttemptCall { attempt: attempt.0 }.abi_encode()
            }
            Move::SettleChallenge { attempt, segment } => {
                let (attempt, segment_id) = (attempt.0, segment.0);
                IRollup::settleChallengeCall { attempt, segmentId: segment_id }.abi_encode()
            }
            _ => IRollup::withdrawCall { to: sender }.abi_encode(),
        };
        data.into()
    }
}
