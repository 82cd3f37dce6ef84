//! Moves and who makes them.

use alloy_primitives::{Address, B256, U256};
use recourse_protocol::{
    AttemptId, BatchIndex, CheckpointHash, ContentHash, SegmentId, bindings::Segment,
};

use super::{Model, Revert, World};
use crate::RevealedGap;

/// A staged chunk that a proof points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where it stands.
    pub pointer: Address,
    /// Who staged it.
    pub poster: Address,
    /// Its bytes.
    pub size: u32,
    /// When, in seconds.
    pub staged_at: u64,
}

/// What a proof brings, as far as its cost to others goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes of elements, witness and forced transaction that it brings itself.
    pub inline: usize,
    /// What it points to, in this order. A chunk may come twice.
    pub chunks: Vec<Chunk>,
}

/// How a kill comes by the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It was proven before.
    Known,
    /// It is proven in the same transaction.
    Fresh(Carried),
}

/// A call of the contract. Blobs are lists of their elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// `propose`.
    Propose {
        /// What it builds on.
        parent: ContentHash,
        /// The last batch.
        batch: BatchIndex,
        /// Hash of that batch.
        batch_hash: B256,
        /// Where it ends.
        checkpoint: CheckpointHash,
        /// Steps from the parent.
        steps: u64,
        /// Who gets the bond back.
        beneficiary: Address,
        /// The reveal that comes along.
        elements: Option<Vec<CheckpointHash>>,
        /// In wei.
        bond: U256,
    },
    /// `challengeClaim`.
    ChallengeClaim {
        /// Against whom.
        attempt: AttemptId,
        /// In wei.
        bond: U256,
    },
    /// `challengeGap`.
    ChallengeGap {
        /// Against whom.
        attempt: AttemptId,
        /// The gap, with its ends opened.
        gap: RevealedGap,
        /// In wei.
        bond: U256,
    },
    /// `reveal`.
    Reveal {
        /// The own attempt.
        attempt: AttemptId,
        /// What was challenged.
        segment: Segment,
        /// The blob.
        elements: Vec<CheckpointHash>,
    },
    /// `proveStep`.
    ProveStep {
        /// The checkpoint before.
        pre: CheckpointHash,
        /// In the proof.
        carried: Carried,
    },
    /// `killGap`, or `proveFraudGap` with a fresh proof.
    KillGap {
        /// Against whom.
        attempt: AttemptId,
        /// A gap of one step.
        gap: RevealedGap,
        /// Who is rewarded.
        beneficiary: Address,
        /// Of the step.
        proof: Proof,
    },
    /// `killClaim`, or `proveFraudClaim` with a fresh proof.
    KillClaim {
        /// Against whom.
        attempt: AttemptId,
        /// Who is rewarded.
        beneficiary: Address,
        /// Of the step.
        proof: Proof,
    },
    /// `killGapBeyond`.
    KillGapBeyond {
        /// Against whom.
        attempt: AttemptId,
        /// A gap of one step.
        gap: RevealedGap,
        /// Who is rewarded.
        beneficiary: Address,
    },
    /// `timeout`.
    Timeout {
        /// Against whom.
        attempt: AttemptId,
        /// The unanswered challenge.
        segment: SegmentId,
    },
    /// `confirm`.
    Confirm {
        /// Which.
        attempt: AttemptId,
    },
    /// `markVoid`.
    MarkVoid {
        /// Which.
        content: ContentHash,
    },
    /// `settleAttempt`.
    SettleAttempt {
        /// Which.
        attempt: AttemptId,
    },
    /// `settleChallenge`.
    SettleChallenge {
        /// Against whom it was.
        attempt: AttemptId,
        /// Which.
        segment: SegmentId,
    },
    /// `withdraw`.
    Withdraw,
}

/// What a move gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing but its effect.
    Done,
    /// A new attempt.
    Attempt(AttemptId),
    /// A new challenge.
    Challenge(SegmentId),
    /// Wei paid out.
    Paid(U256),
}

impl<W: World> Model<W> {
    /// Makes a move of `sender`'s now.
    ///
    /// # Errors
    /// [`Revert`], with nothing changed.
    pub fn apply(&mut self, sender: Address, call: Move) -> Result<Outcome, Revert> {
        // As in the EVM, a revert undoes what a two-part move did before.
        let before = (self.game.truths.clone(), self.bills.clone());
        let result = self.dispatch(sender, call);
        if result.is_err() {
            (self.game.truths, self.bills) = before;
        }
        result
    }

    fn dispatch(&mut self, sender: Address, call: Move) -> Result<Outcome, Revert> {
        match call {
            Move::Propose { .. } => self.propose(sender, call),
            Move::ChallengeClaim { attempt, bond } => self.challenge_claim(sender, attempt, bond),
            Move::ChallengeGap { attempt, gap, bond } => {
                self.challenge_gap(sender, attempt, &gap, bond)
            }
            Move::Reveal { attempt, segment, elements } => {
                self.reveal(sender, attempt, &segment, &elements)
            }
            Move::ProveStep { pre, carried } => self.prove_step(pre, &carried),
            Move::KillGap { attempt, gap, beneficiary, proof } => {
                self.kill_gap(attempt, &gap, beneficiary, &proof)
            }
            Move::KillClaim { attempt, beneficiary, proof } => {
                self.kill_claim(attempt, beneficiary, &proof)
            }
            Move::KillGapBeyond { attempt, gap, beneficiary } => {
                self.kill_gap_beyond(attempt, &gap, beneficiary)
            }
            Move::Timeout { attempt, segment } => self.timeout(attempt, segment),
            Move::Confirm { attempt } => self.confirm(attempt),
            Move::MarkVoid { content } => self.mark_void(content),
            Move::SettleAttempt { attempt } => self.settle_attempt(attempt),
            Move::SettleChallenge { attempt, segment } => self.settle_challenge(attempt, segment),
            Move::Withdraw => self.withdraw(sender),
        }
    }
}
