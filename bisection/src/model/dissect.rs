//! `challenge`, `reveal`, `timeout`.

use alloy_primitives::{Address, U256};
use recourse_protocol::{
    AttemptId, Challenge, CheckpointHash, RevealState, SegmentId, SegmentState, bindings::Segment,
    segment_id,
};

use super::{Model, Outcome, Revert, World, claims::check_reveal};
use crate::RevealedGap;

impl<W: World> Model<W> {
    pub(super) fn challenge_claim(
        &mut self,
        sender: Address,
        id: AttemptId,
        bond: U256,
    ) -> Result<Outcome, Revert> {
        let attempt = self.open_attempt(id)?;
        let last = attempt.window_end;
        let whole = self.whole_of(self.content(attempt.content)?)?;
        self.challenge(sender, id, (&whole, last), bond)
    }

    pub(super) fn challenge_gap(
        &mut self,
        sender: Address,
        id: AttemptId,
        gap: &RevealedGap,
        bond: U256,
    ) -> Result<Outcome, Revert> {
        let attempt = self.open_attempt(id)?;
        let revealed_at = self.opened_gap(id, gap)?.at;
        let quiet_until = revealed_at.saturating_add(self.game.periods.response_period);
        let last = attempt.window_end.max(quiet_until);
        self.challenge(sender, id, (&gap.segment(), last), bond)
    }

    /// Challenges a segment until a last second.
    fn challenge(
        &mut self,
        challenger: Address,
        id: AttemptId,
        (segment, last): (&Segment, u64),
        bond: U256,
    ) -> Result<Outcome, Revert> {
        if bond != self.game.limits.challenge_bond {
            return Err(Revert::WrongBond);
        }
        if segment.end.saturating_sub(segment.start) < 2 {
            return Err(Revert::TooShort);
        }
        if self.game.now > last {
            return Err(Revert::TooLate);
        }
        let deadline = self.game.now.saturating_add(self.game.periods.response_period);
        let key = segment_id(id, segment);
        let segments = &mut self.attempt_mut(id)?.segments;
        if let Some(known) = segments.get(&key) {
            let challenged = known.challenge.is_some();
            return Err(if challenged {
                Revert::AlreadyChallenged
            } else {
                Revert::AlreadyRevealed
            });
        }
        let challenge = Challenge { challenger, bond, deadline, settled: false };
        let state =
            SegmentState { segment: segment.clone(), challenge: Some(challenge), reveal: None };
        segments.insert(key, state);
        self.ledger.post(bond);
        Ok(Outcome::Challenge(key))
    }

    /// Checks that a gap is what its blob says.
    pub(super) fn opened_gap(
        &self,
        id: AttemptId,
        gap: &RevealedGap,
    ) -> Result<RevealState, Revert> {
        let known = self.attempt(id)?.segments.get(&segment_id(id, &gap.parent));
        let reveal = known.and_then(|state| state.reveal).ok_or(Revert::NotRevealed)?;
        let elements = self.elements(reveal.versioned_hash).ok_or(Revert::BadOpening)?;
        let arity = self.game.limits.arity;
        let true_gap = RevealedGap::of(&gap.parent, arity, gap.index, &elements);
        if true_gap.as_ref() == Some(gap) { Ok(reveal) } else { Err(Revert::BadOpening) }
    }

    pub(super) fn reveal(
        &mut self,
        sender: Address,
        id: AttemptId,
        segment: &Segment,
        elements: &[CheckpointHash],
    ) -> Result<Outcome, Revert> {
        let attempt = self.open_attempt(id)?;
        if attempt.owner != sender {
            return Err(Revert::NotOwner);
        }
        let state = attempt.segments.get(&segment_id(id, segment)).ok_or(Revert::NotChallenged)?;
        let challenge = state.challenge.ok_or(Revert::NotChallenged)?;
        if state.reveal.is_some() {
            return Err(Revert::AlreadyRevealed);
        }
        if self.game.now > challenge.deadline {
            return Err(Revert::TooLate);
        }
        check_reveal(segment, self.game.limits.arity, elements)?;
        self.store_reveal(id, segment, elements)?;
        Ok(Outcome::Done)
    }

    pub(super) fn timeout(&mut self, id: AttemptId, key: SegmentId) -> Result<Outcome, Revert> {
        self.open_attempt(id)?;
        let state = self.segment(id, key)?;
        let challenge = state.challenge.ok_or(Revert::NotChallenged)?;
        if state.reveal.is_some() {
            return Err(Revert::AlreadyRevealed);
        }
        if self.game.now <= challenge.deadline {
            return Err(Revert::TooEarly);
        }
        self.die(id, challenge.challenger, U256::ZERO)?;
        Ok(Outcome::Done)
    }
}
