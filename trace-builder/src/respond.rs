//! Moves as calls of the Rollup contract.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use recourse_bisection::{Action, ClaimRange, History, Need, RevealedGap};
use recourse_protocol::{
    AttemptId, CheckpointHash, Game, Inputs, StepIndex,
    bindings::{self, Gap, IRollup, Reveal, Segment, StepProof},
    segment_id,
};

use crate::{
    Blobs, Chunk, ClaimHistory, Claimable, HistoryError, L1Limits, ProveError, ProvenStep, Staged,
    Stager, StepProver,
    kzg::{Committed, KzgError, reveal_blob},
    staging::encoded_size,
};

/// `Reveal.blobIndex` of a proposal that reveals nothing.
pub const NO_REVEAL: u32 = u32::MAX;

/// A call of the Rollup contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Calldata.
    pub data: Bytes,
    /// Bond, in wei.
    pub value: U256,
    /// Blobs that the transaction must carry, in this order and no others before them.
    pub blobs: Vec<Box<Blob>>,
    /// What the ChunkStore must hold before.
    pub chunks: Vec<Chunk>,
}

/// A move could not be turned into a call.
#[derive(Debug, thiserror::Error)]
pub enum RespondError<I: core::error::Error + 'static, B: core::error::Error + 'static> {
    /// The move needs the history of these batches, and got another one or none.
    #[error("the history of {expected:?} is needed, got {got:?}")]
    NeedsHistory {
        /// What is needed.
        expected: ClaimRange,
        /// What was given.
        got: Option<ClaimRange>,
    },
    /// The move proves something of these batches, for which hashes are not enough.
    #[error("states of {0:?} are needed, got hashes alone")]
    NeedsStates(ClaimRange),
    /// The move proves no step.
    #[error("the move proves no step")]
    NothingToProve,
    /// The history has another checkpoint where the step to prove starts.
    #[error("the step at {at} should start from {expected}, the history has {got}")]
    OtherStep {
        /// The step, as the claim counts.
        at: StepIndex,
        /// What was planned with.
        expected: CheckpointHash,
        /// What the history has.
        got: CheckpointHash,
    },
    /// The game has no such reveal: it is older or newer than the plan.
    #[error("attempt {0} has not revealed that segment")]
    NotRevealed(AttemptId),
    /// The revealed blob is not the one that the plan read.
    #[error("element {index} should be {expected}, the blob has {got}")]
    OtherBlob {
        /// Which.
        index: u32,
        /// What was planned with.
        expected: CheckpointHash,
        /// What the blob has.
        got: CheckpointHash,
    },
    /// The history does not end at what is to be claimed, or where a false claim goes on.
    #[error("the history ends at {got:?}, not at {expected}")]
    OtherEnd {
        /// Where it should end.
        expected: CheckpointHash,
        /// Where the history ends.
        got: Option<CheckpointHash>,
    },
    /// A revealed blob could not be had.
    #[error("a revealed blob could not be read")]
    Blob(#[source] B),
    /// A blob could not be made or opened.
    #[error(transparent)]
    Kzg(#[from] KzgError),
    /// The history could not be re-run.
    #[error(transparent)]
    History(#[from] HistoryError<I>),
    /// The step could not be proven.
    #[error(transparent)]
    Prove(#[from] ProveError<I, B>),
    /// The limits of L1 are too low for the step, however it is staged. With the default ones that can't be.
    #[error("no transaction within {0:?} carries the proof")]
    TooLarge(L1Limits),
}

/// Turns actions into calls.
#[derive(Debug)]
pub struct Responder<'a, I, B> {
    /// The game that the actions were planned on.
    pub game: &'a Game,
    /// Proves steps.
    pub prover: StepProver<'a, I, B>,
    /// Divides proofs among transactions.
    pub stager: Stager,
    /// Who gets bonds and rewards.
    pub beneficiary: Address,
}

type Failure<I, B> = RespondError<<I as Inputs>::Error, <B as Blobs>::Error>;

impl<I: Inputs, B: Blobs> Responder<'_, I, B>
where
    I::Error: 'static,
{
    /// The call that proves a step and kills by it. `part` is a true history in which that step lies, as that of its batch alone;
    /// `start` is where it starts, in steps of the claim.
    ///
    /// # Errors
    /// [`RespondError`]; nothing must be sent then. [`RespondError::NothingToProve`] for other moves.
    pub fn prove(
        &self,
        action: &Action,
        start: StepIndex,
        part: &ClaimHistory,
    ) -> Result<Call, Failure<I, B>> {
        let Need::Step(_, at) = action.need() else { return Err(RespondError::NothingToProve) };
        let outside: HistoryError<I::Error> = HistoryError::PastTheEnd { at, steps: part.steps() };
        let place = at.0.checked_sub(start.0).map(StepIndex).ok_or(outside)?;
        let proven = self.prover.prove(part, place)?;
        match action {
            Action::ProveFraudGap { attempt, gap, .. } => {
                self.prove_fraud_gap(*attempt, gap, &proven)
            }
            Action::ProveFraudClaim { attempt, .. } => self.prove_fraud_claim(*attempt, &proven),
            _ => Err(RespondError::NothingToProve),
        }
    }

    /// The call that makes a move for which the hashes of a history are enough, or none: all but those that prove a step.
    /// `history` is that of [`Action::range`], for actions that have one.
    ///
    /// # Errors
    /// [`RespondError`]; nothing must be sent then. [`RespondError::NeedsStates`] for the others.
    pub fn claim<H: Claimable>(
        &self,
        action: &Action,
        history: Option<&H>,
    ) -> Result<Call, Failure<I, B>> {
        let own = action.range().map(|range| needed(range, history)).transpose()?;
        match (action, own) {
            (Action::Reveal { attempt, segment, .. }, Some(own)) => {
                self.reveal(*attempt, segment, own)
            }
            (Action::Propose { .. }, Some(own)) => self.propose(action, own),
            (Action::KillGapBeyond { attempt, gap, end, .. }, Some(own)) => {
                self.kill_gap_beyond(*attempt, gap, *end, own)
            }
            (Action::KillGap { attempt, gap }, _) => {
                let gap = self.gap(*attempt, gap)?;
                let beneficiary = self.beneficiary;
                Ok(call(&IRollup::killGapCall { attempt: attempt.0, gap, beneficiary }))
            }
            (Action::ChallengeGap { attempt, gap, bond }, _) => {
                let gap = self.gap(*attempt, gap)?;
                Ok(paying(&IRollup::challengeGapCall { attempt: attempt.0, gap }, *bond))
            }
            (_, Some(own)) => Err(RespondError::NeedsStates(own.range())),
            (other, None) => Ok(self.plain(other)),
        }
    }

    /// Moves that need nothing but what they name.
    fn plain(&self, action: &Action) -> Call {
        match action {
            Action::KillClaim { attempt } => {
                let beneficiary = self.beneficiary;
                call(&IRollup::killClaimCall { attempt: attempt.0, beneficiary })
            }
            Action::ChallengeClaim { attempt, bond } => {
                paying(&IRollup::challengeClaimCall { attempt: attempt.0 }, *bond)
            }
            Action::Timeout { attempt, segment } => {
                call(&IRollup::timeoutCall { attempt: attempt.0, segmentId: segment.0 })
            }
            Action::Confirm { attempt } => call(&IRollup::confirmCall { attempt: attempt.0 }),
            Action::MarkVoid { content } => call(&IRollup::markVoidCall { content: content.0 }),
            Action::SettleAttempt { attempt } => {
                call(&IRollup::settleAttemptCall { attempt: attempt.0 })
            }
            Action::SettleChallenge { attempt, segment } => {
                call(&IRollup::settleChallengeCall { attempt: attempt.0, segmentId: segment.0 })
            }
            // All that is left is Withdraw: the others were answered before.
            _ => call(&IRollup::withdrawCall { to: self.beneficiary }),
        }
    }

    fn reveal(
        &self,
        attempt: AttemptId,
        segment: &Segment,
        own: &impl Claimable,
    ) -> Result<Call, Failure<I, B>> {
        let (data, blob) = self.revealing(segment, own)?;
        let reveal = IRollup::revealCall { attempt: attempt.0, segment: segment.clone(), data };
        Ok(Call { blobs: vec![blob], ..call(&reveal) })
    }

    /// The blob of a segment, first of its transaction, opened at its ends.
    fn revealing(
        &self,
        segment: &Segment,
        own: &impl Claimable,
    ) -> Result<(Reveal, Box<Blob>), Failure<I, B>> {
        let arity = self.game.limits.arity;
        let blob = reveal_blob(own, segment, arity)?;
        let committed = Committed::to(&blob)?;
        let last = recourse_bisection::Shape::of(segment, arity).map_or(0, |shape| shape.gaps());
        let reveal = Reveal {
            blobIndex: 0,
            commitment: committed.commitment(),
            startProof: committed.open(0)?,
            endProof: committed.open(element(last))?,
        };
        Ok((reveal, blob))
    }

    fn propose(&self, action: &Action, own: &impl Claimable) -> Result<Call, Failure<I, B>> {
        let Action::Propose { parent, batch_hash, checkpoint, steps, reveal, bond, .. } = action
        else {
            return Ok(self.plain(action));
        };
        let ends = (own.hash(StepIndex(0)), own.last());
        let got = ends.1.map(|end| end.h248());
        let other_end = RespondError::OtherEnd { expected: *checkpoint, got };
        let ((Some(start), Some(end)), true) = (ends, got == Some(*checkpoint)) else {
            return Err(other_end);
        };
        let nothing = Reveal { blobIndex: NO_REVEAL, ..Reveal::default() };
        let (reveal, blobs) = if *reveal {
            let segment =
                Segment { start: 0, end: *steps, startHash: start.0, endHash: checkpoint.0 };
            let (reveal, blob) = self.revealing(&segment, own)?;
            (reveal, vec![blob])
        } else {
            (nothing, Vec::new())
        };
        let propose = IRollup::proposeCall {
            parent: parent.0,
            batchHash: *batch_hash,
            checkpoint: end.into(),
            steps: *steps,
            beneficiary: self.beneficiary,
            reveal,
        };
        Ok(Call { blobs, ..paying(&propose, *bond) })
    }

    fn prove_fraud_gap(
        &self,
        attempt: AttemptId,
        gap: &RevealedGap,
        proven: &ProvenStep,
    ) -> Result<Call, Failure<I, B>> {
        let (expected, got) = (gap.left, proven.pre.h248());
        if got != expected {
            return Err(RespondError::OtherStep { at: gap.start, expected, got });
        }
        let whole = IRollup::proveFraudGapCall {
            attempt: attempt.0,
            gap: self.gap(attempt, gap)?,
            pre: proven.pre.into(),
            proof: StepProof::default(),
            beneficiary: self.beneficiary,
        };
        let call = |proof| IRollup::proveFraudGapCall { proof, ..whole.clone() };
        self.fraud(proven, call)
    }

    fn prove_fraud_claim(
        &self,
        attempt: AttemptId,
        proven: &ProvenStep,
    ) -> Result<Call, Failure<I, B>> {
        let whole = IRollup::proveFraudClaimCall {
            attempt: attempt.0,
            pre: proven.pre.into(),
            proof: StepProof::default(),
            beneficiary: self.beneficiary,
        };
        let call = |proof| IRollup::proveFraudClaimCall { proof, ..whole.clone() };
        self.fraud(proven, call)
    }

    /// Proof and kill in one transaction, if they fit one. Else the proof alone: once it is on L1, a kill by reference is
    /// the next move.
    fn fraud<C: SolCall>(
        &self,
        proven: &ProvenStep,
        kill: impl Fn(StepProof) -> C,
    ) -> Result<Call, Failure<I, B>> {
        if let Some(call) = self.staged(proven, kill)? {
            return Ok(call);
        }
        let pre: bindings::Checkpoint = proven.pre.into();
        let alone = |proof| IRollup::proveStepCall { pre: pre.clone(), proof };
        self.staged(proven, alone)?.ok_or(RespondError::TooLarge(self.stager.limits))
    }

    fn staged<C: SolCall>(
        &self,
        proven: &ProvenStep,
        make: impl Fn(StepProof) -> C,
    ) -> Result<Option<Call>, Failure<I, B>> {
        let around = around(&make(StepProof::default()));
        let planned = self.stager.plan(&proven.evidence, around)?;
        Ok(planned.map(|Staged { chunks, proof, .. }| Call { chunks, ..call(&make(proof)) }))
    }

    fn kill_gap_beyond(
        &self,
        attempt: AttemptId,
        gap: &RevealedGap,
        end: StepIndex,
        own: &impl Claimable,
    ) -> Result<Call, Failure<I, B>> {
        let (expected, last) = (gap.left, own.last());
        let got = last.map(|last| last.h248());
        let is_end = end == StepIndex(own.steps()) && got == Some(expected);
        let pre = last.filter(|_| is_end).ok_or(RespondError::OtherEnd { expected, got })?;
        let pre: bindings::Checkpoint = pre.into();
        let gap = self.gap(attempt, gap)?;
        let beneficiary = self.beneficiary;
        Ok(call(&IRollup::killGapBeyondCall { attempt: attempt.0, gap, pre, beneficiary }))
    }

    /// The gap, opened in the blob that revealed its parent.
    fn gap(&self, attempt: AttemptId, gap: &RevealedGap) -> Result<Gap, Failure<I, B>> {
        let id = segment_id(attempt, &gap.parent);
        let state = self.game.attempts.get(&attempt).and_then(|state| state.segments.get(&id));
        let reveal = state.and_then(|s| s.reveal).ok_or(RespondError::NotRevealed(attempt))?;
        let blob = self.prover.blobs.blob(reveal.versioned_hash).map_err(RespondError::Blob)?;
        let committed = Committed::to(&blob)?;
        let right = gap.index.saturating_add(1);
        for (index, expected) in [(gap.index, gap.left), (right, gap.right)] {
            let got = CheckpointHash(committed.element(element(index))?);
            if got != expected {
                return Err(RespondError::OtherBlob { index, expected, got });
            }
        }
        Ok(Gap {
            parent: gap.parent.clone(),
            index: gap.index,
            left: gap.left.0,
            right: gap.right.0,
            commitment: committed.commitment(),
            leftProof: committed.open(element(gap.index))?,
            rightProof: committed.open(element(right))?,
        })
    }
}

fn needed<H: Claimable, I: core::error::Error, B: core::error::Error>(
    expected: ClaimRange,
    history: Option<&H>,
) -> Result<&H, RespondError<I, B>> {
    let got = history.map(Claimable::range);
    history
        .filter(|history| history.range() == expected)
        .ok_or(RespondError::NeedsHistory { expected, got })
}

fn element(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn call(call: &impl SolCall) -> Call {
    paying(call, U256::ZERO)
}

fn paying(call: &impl SolCall, value: U256) -> Call {
    Call { data: call.abi_encode().into(), value, blobs: Vec::new(), chunks: Vec::new() }
}

/// Bytes of a call beside its proof, which is empty yet.
fn around(call: &impl SolCall) -> usize {
    call.abi_encoded_size().saturating_add(4).saturating_sub(encoded_size(&StepProof::default()))
}
