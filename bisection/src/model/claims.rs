//! `propose`, `confirm`, `markVoid`.

use alloy_primitives::{Address, U256};
use recourse_protocol::{
    Attempt, AttemptId, AttemptStatus, BatchIndex, CheckpointHash, Content, ContentHash,
    RevealState, SegmentState, attempt_id, bindings::Segment, content_hash, segment_id,
};

use super::{Model, Move, Outcome, Revert, World};
use crate::Shape;

impl<W: World> Model<W> {
    pub(super) fn propose(&mut self, sender: Address, call: Move) -> Result<Outcome, Revert> {
        let Move::Propose {
            parent,
            batch,
            batch_hash,
            checkpoint,
            steps,
            beneficiary,
            elements,
            bond,
        } = call
        else {
            return Err(Revert::UnknownContent);
        };
        let limits = self.game.limits;
        if bond != limits.claim_bond {
            return Err(Revert::WrongBond);
        }
        if beneficiary.is_zero() {
            return Err(Revert::ZeroBeneficiary);
        }
        if steps == 0 || steps > u64::from(limits.arity).saturating_pow(limits.levels.into()) {
            return Err(Revert::BadSteps);
        }
        if !self.world.ends_batch(checkpoint, batch) {
            return Err(Revert::BadCheckpoint);
        }
        if self.world.batch_hash(batch) != Some(batch_hash) {
            return Err(Revert::BadBatch);
        }
        if batch <= self.content(parent)?.batch {
            return Err(Revert::BadBatch);
        }
        self.check_parent(parent)?;
        let content = Content {
            parent,
            batch,
            batch_hash,
            checkpoint,
            steps,
            confirmed: false,
            contradicted: false,
            voided: false,
        };
        let id = content_hash(parent, batch_hash, checkpoint, steps);
        let whole = self.whole_of(&content)?;
        if let Some(elements) = &elements {
            check_reveal(&whole, limits.arity, elements)?;
        }
        let attempt = self.store_attempt(sender, beneficiary, id, content);
        if let Some(elements) = elements {
            self.store_reveal(attempt, &whole, &elements)?;
        }
        self.ledger.post(bond);
        Ok(Outcome::Attempt(attempt))
    }

    fn check_parent(&self, id: ContentHash) -> Result<(), Revert> {
        let parent = self.content(id)?;
        let alive = self.game.is_claimed(id)
            && !parent.confirmed
            && !parent.contradicted
            && !self.is_void(id)
            && parent.batch > self.tip_batch();
        if id == self.game.tip || alive { Ok(()) } else { Err(Revert::BadParent) }
    }

    fn store_attempt(
        &mut self,
        owner: Address,
        beneficiary: Address,
        id: ContentHash,
        content: Content,
    ) -> AttemptId {
        self.game.contents.entry(id).or_insert(content);
        let nonce = self.nonces.entry(owner).or_default();
        let attempt = attempt_id(id, owner, *nonce);
        *nonce = nonce.saturating_add(U256::ONE);
        let state = Attempt {
            content: id,
            owner,
            beneficiary,
            window_end: self.game.now.saturating_add(self.game.periods.challenge_window),
            quiet_until: 0,
            bond: self.game.limits.claim_bond,
            status: AttemptStatus::Live,
            settled: false,
            segments: Default::default(),
        };
        self.game.attempts.insert(attempt, state);
        attempt
    }

    /// The whole claim as a segment.
    pub(super) fn whole_of(&self, content: &Content) -> Result<Segment, Revert> {
        let parent = self.content(content.parent)?;
        Ok(Segment {
            start: 0,
            end: content.steps,
            startHash: parent.checkpoint.0,
            endHash: content.checkpoint.0,
        })
    }

    pub(super) fn store_reveal(
        &mut self,
        attempt: AttemptId,
        segment: &Segment,
        elements: &[CheckpointHash],
    ) -> Result<(), Revert> {
        let now = self.game.now;
        let quiet_until = now.saturating_add(self.game.periods.response_period);
        let versioned_hash = self.post_blob(elements);
        let state = self.attempt_mut(attempt)?;
        state.quiet_until = quiet_until;
        let entry = state.segments.entry(segment_id(attempt, segment)).or_insert(SegmentState {
            segment: segment.clone(),
            challenge: None,
            reveal: None,
        });
        entry.reveal = Some(RevealState { versioned_hash, at: now, l1_block: now });
        Ok(())
    }

    pub(super) fn confirm(&mut self, id: AttemptId) -> Result<Outcome, Revert> {
        let attempt = self.open_attempt(id)?;
        let content_id = attempt.content;
        let content = *self.content(content_id)?;
        if !self.content(content.parent)?.confirmed {
            return Err(Revert::ParentNotConfirmed);
        }
        if self.game.now <= attempt.window_end.max(attempt.quiet_until) {
            return Err(Revert::TooEarly);
        }
        if attempt.open_challenges().next().is_some() {
            return Err(Revert::OpenChallenges);
        }
        self.attempt_mut(id)?.status = AttemptStatus::Confirmed;
        for (other_id, other) in &mut self.game.contents {
            if *other_id == content_id {
                other.confirmed = true;
            } else if (other.parent, other.batch) == (content.parent, content.batch) {
                other.contradicted = true;
            }
        }
        if content.batch > self.tip_batch() {
            self.game.tip = content_id;
        }
        Ok(Outcome::Done)
    }

    pub(super) fn mark_void(&mut self, id: ContentHash) -> Result<Outcome, Revert> {
        if self.content(id)?.voided || !self.is_void(id) {
            return Err(Revert::NotVoid);
        }
        if let Some(content) = self.game.contents.get_mut(&id) {
            content.voided = true;
        }
        Ok(Outcome::Done)
    }

    /// The batch of an attempt's claim.
    pub(super) fn batch_of_attempt(&self, attempt: &Attempt) -> Result<BatchIndex, Revert> {
        Ok(self.content(attempt.content)?.batch)
    }
}

/// Only the ends are opened on L1; whatever stands between them and behind them is the owner's risk.
pub(super) fn check_reveal(
    segment: &Segment,
    arity: u32,
    elements: &[CheckpointHash],
) -> Result<(), Revert> {
    let shape = Shape::of(segment, arity).ok_or(Revert::TooShort)?;
    let last = usize::try_from(shape.gaps()).map_err(|_| Revert::BadOpening)?;
    let opens = |at: usize, hash| elements.get(at).is_some_and(|element| element.0 == hash);
    if opens(0, segment.startHash) && opens(last, segment.endHash) {
        Ok(())
    } else {
        Err(Revert::BadOpening)
    }
}
