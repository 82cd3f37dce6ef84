//! Bonds: `settleAttempt`, `settleChallenge`, `withdraw`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use recourse_protocol::{AttemptId, AttemptStatus, SegmentId};

use super::{Model, Outcome, Revert, World};

/// Where all money is that was ever posted, in wei: `posted = held + owed + withdrawn + burned`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Bonds that were ever posted.
    pub posted: U256,
    /// Bonds whose fate is open.
    pub held: U256,
    /// Credited, not yet taken.
    pub owed: BTreeMap<Address, U256>,
    /// Taken.
    pub withdrawn: BTreeMap<Address, U256>,
    /// Lost to everybody.
    pub burned: U256,
}

impl Ledger {
    /// What an account may withdraw.
    #[must_use]
    pub fn owed_to(&self, who: Address) -> U256 {
        self.owed.get(&who).copied().unwrap_or_default()
    }

    /// What an account has withdrawn.
    #[must_use]
    pub fn withdrawn_by(&self, who: Address) -> U256 {
        self.withdrawn.get(&who).copied().unwrap_or_default()
    }

    pub(super) const fn post(&mut self, amount: U256) {
        self.posted = self.posted.saturating_add(amount);
        self.held = self.held.saturating_add(amount);
    }

    pub(super) fn credit(&mut self, who: Address, amount: U256) {
        self.held = self.held.saturating_sub(amount);
        let owed = self.owed.entry(who).or_default();
        *owed = owed.saturating_add(amount);
    }

    pub(super) const fn burn(&mut self, amount: U256) {
        self.held = self.held.saturating_sub(amount);
        self.burned = self.burned.saturating_add(amount);
    }
}

impl<W: World> Model<W> {
    pub(super) fn settle_attempt(&mut self, id: AttemptId) -> Result<Outcome, Revert> {
        let attempt = self.attempt(id)?;
        let content = *self.content(attempt.content)?;
        if attempt.settled {
            return Err(Revert::AlreadySettled);
        }
        let (bond, beneficiary) = (attempt.bond, attempt.beneficiary);
        let earned = attempt.segments.values().filter_map(|s| Some(s.challenge?.bond));
        let earned = earned.fold(U256::ZERO, U256::saturating_add);
        let (content_id, void) = (attempt.content, self.is_void(attempt.content));
        if content.confirmed {
            self.ledger.credit(beneficiary, bond.saturating_add(earned));
            self.attempt_mut(id)?.status = AttemptStatus::Confirmed;
        } else if content.contradicted {
            self.ledger.burn(bond);
        } else if void {
            self.ledger.credit(beneficiary, bond);
            if let Some(content) = self.game.contents.get_mut(&content_id) {
                content.voided = true;
            }
        } else {
            return Err(Revert::FateUnknown);
        }
        self.attempt_mut(id)?.settled = true;
        Ok(Outcome::Done)
    }

    pub(super) fn settle_challenge(
        &mut self,
        id: AttemptId,
        key: SegmentId,
    ) -> Result<Outcome, Revert> {
        let attempt = self.attempt(id)?;
        let content = *self.content(attempt.content)?;
        let challenge = self.segment(id, key)?.challenge.ok_or(Revert::NotChallenged)?;
        if challenge.settled {
            return Err(Revert::AlreadySettled);
        }
        let dead = attempt.status == AttemptStatus::Dead;
        if !dead && !content.contradicted && !self.is_void(attempt.content) {
            return Err(Revert::FateUnknown);
        }
        self.ledger.credit(challenge.challenger, challenge.bond);
        let state = self.attempt_mut(id)?.segments.get_mut(&key).ok_or(Revert::UnknownSegment)?;
        if let Some(challenge) = &mut state.challenge {
            challenge.settled = true;
        }
        Ok(Outcome::Done)
    }

    pub(super) fn withdraw(&mut self, sender: Address) -> Result<Outcome, Revert> {
        let amount = self.ledger.owed.remove(&sender).filter(|amount| !amount.is_zero());
        let amount = amount.ok_or(Revert::NothingOwed)?;
        let withdrawn = self.ledger.withdrawn.entry(sender).or_default();
        *withdrawn = withdrawn.saturating_add(amount);
        Ok(Outcome::Paid(amount))
    }
}
