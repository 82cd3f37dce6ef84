//! `proveStep`, `kill`, `proveFraud`.

use alloy_primitives::Address;
use recourse_protocol::{AttemptId, AttemptStatus, CheckpointHash};

use super::{Model, Outcome, Revert, World};
use crate::RevealedGap;

impl<W: World> Model<W> {
    pub(super) fn prove_step(&mut self, pre: CheckpointHash) -> Result<Outcome, Revert> {
        let post = self.world.step(pre).ok_or(Revert::NotProven)?;
        self.game.truths.insert(pre, post);
        Ok(Outcome::Done)
    }

    pub(super) fn kill_gap(
        &mut self,
        id: AttemptId,
        gap: &RevealedGap,
        beneficiary: Address,
        prove: bool,
    ) -> Result<Outcome, Revert> {
        self.check_pair(id, gap)?;
        self.kill(id, (gap.left, gap.right), beneficiary, prove)
    }

    pub(super) fn kill_claim(
        &mut self,
        id: AttemptId,
        beneficiary: Address,
        prove: bool,
    ) -> Result<Outcome, Revert> {
        let content = *self.content(self.open_attempt(id)?.content)?;
        if content.steps != 1 {
            return Err(Revert::NotAPair);
        }
        let left = self.content(content.parent)?.checkpoint;
        self.kill(id, (left, content.checkpoint), beneficiary, prove)
    }

    pub(super) fn kill_gap_beyond(
        &mut self,
        id: AttemptId,
        gap: &RevealedGap,
        beneficiary: Address,
    ) -> Result<Outcome, Revert> {
        self.check_pair(id, gap)?;
        let last = self.batch_of_attempt(self.attempt(id)?)?;
        let batch = self.world.batch_of(gap.left).ok_or(Revert::NotProven)?;
        if batch <= last {
            return Err(Revert::NotBeyond);
        }
        self.die(id, beneficiary)?;
        Ok(Outcome::Done)
    }

    fn check_pair(&self, id: AttemptId, gap: &RevealedGap) -> Result<(), Revert> {
        self.open_attempt(id)?;
        self.opened_gap(id, gap)?;
        if gap.is_pair() { Ok(()) } else { Err(Revert::NotAPair) }
    }

    fn kill(
        &mut self,
        id: AttemptId,
        (left, right): (CheckpointHash, CheckpointHash),
        beneficiary: Address,
        prove: bool,
    ) -> Result<Outcome, Revert> {
        if prove {
            self.prove_step(left)?;
        }
        match self.game.truths.get(&left) {
            None => Err(Revert::NotProven),
            Some(post) if *post == right => Err(Revert::PairIsTrue),
            Some(_) => {
                self.die(id, beneficiary)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Half of the bond is the reward, the rest is burned: an owner who kills its own claim loses.
    pub(super) fn die(&mut self, id: AttemptId, beneficiary: Address) -> Result<(), Revert> {
        if beneficiary.is_zero() {
            return Err(Revert::ZeroBeneficiary);
        }
        let attempt = self.attempt_mut(id)?;
        attempt.status = AttemptStatus::Dead;
        attempt.settled = true;
        let bond = attempt.bond;
        let reward = bond.wrapping_shr(1);
        self.ledger.credit(beneficiary, reward);
        self.ledger.burn(bond.saturating_sub(reward));
        Ok(())
    }
}
