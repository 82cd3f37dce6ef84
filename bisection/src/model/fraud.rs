//! `proveStep`, `kill`, `proveFraud`.

use alloy_primitives::{Address, U256};
use recourse_protocol::{AttemptId, AttemptStatus, CheckpointHash, MAX_INLINE_BYTES};

use super::{Carried, Model, Outcome, Proof, Revert, World};
use crate::RevealedGap;

impl<W: World> Model<W> {
    pub(super) fn prove_step(
        &mut self,
        pre: CheckpointHash,
        carried: &Carried,
    ) -> Result<Outcome, Revert> {
        // A proof of what is known already is not looked at.
        if self.game.truths.contains_key(&pre) {
            return Ok(Outcome::Done);
        }
        if carried.inline > MAX_INLINE_BYTES {
            return Err(Revert::TooMuchInline);
        }
        let post = self.world.step(pre).ok_or(Revert::NotProven)?;
        self.game.truths.insert(pre, post);
        self.write_bill(pre, &carried.chunks)?;
        Ok(Outcome::Done)
    }

    pub(super) fn kill_gap(
        &mut self,
        id: AttemptId,
        gap: &RevealedGap,
        beneficiary: Address,
        proof: &Proof,
    ) -> Result<Outcome, Revert> {
        self.open_attempt(id)?;
        self.prove_if_fresh(gap.left, proof)?;
        self.check_pair(id, gap)?;
        self.kill(id, (gap.left, gap.right), beneficiary)
    }

    pub(super) fn kill_claim(
        &mut self,
        id: AttemptId,
        beneficiary: Address,
        proof: &Proof,
    ) -> Result<Outcome, Revert> {
        let content = *self.content(self.open_attempt(id)?.content)?;
        let left = self.content(content.parent)?.checkpoint;
        self.prove_if_fresh(left, proof)?;
        if content.steps != 1 {
            return Err(Revert::NotAPair);
        }
        self.kill(id, (left, content.checkpoint), beneficiary)
    }

    pub(super) fn kill_gap_beyond(
        &mut self,
        id: AttemptId,
        gap: &RevealedGap,
        beneficiary: Address,
    ) -> Result<Outcome, Revert> {
        let last = self.batch_of_attempt(self.open_attempt(id)?)?;
        let batch = self.world.batch_of(gap.left).ok_or(Revert::NotProven)?;
        if batch <= last {
            return Err(Revert::NotBeyond);
        }
        self.check_pair(id, gap)?;
        self.die(id, beneficiary, U256::ZERO)?;
        Ok(Outcome::Done)
    }

    fn check_pair(&self, id: AttemptId, gap: &RevealedGap) -> Result<(), Revert> {
        self.opened_gap(id, gap)?;
        if gap.is_pair() { Ok(()) } else { Err(Revert::NotAPair) }
    }

    fn prove_if_fresh(&mut self, left: CheckpointHash, proof: &Proof) -> Result<(), Revert> {
        if let Proof::Fresh(carried) = proof {
            self.prove_step(left, carried)?;
        }
        Ok(())
    }

    fn kill(
        &mut self,
        id: AttemptId,
        (left, right): (CheckpointHash, CheckpointHash),
        beneficiary: Address,
    ) -> Result<Outcome, Revert> {
        match self.game.truths.get(&left) {
            None => Err(Revert::NotProven),
            Some(post) if *post == right => Err(Revert::PairIsTrue),
            Some(_) if beneficiary.is_zero() => Err(Revert::ZeroBeneficiary),
            Some(_) => {
                let spent = self.pay_bill(id, left)?;
                self.die(id, beneficiary, spent)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Half of the bond is paid, of which posters got `spent`, the rest is burned: an owner who kills its own claim loses.
    pub(super) fn die(
        &mut self,
        id: AttemptId,
        beneficiary: Address,
        spent: U256,
    ) -> Result<(), Revert> {
        if beneficiary.is_zero() {
            return Err(Revert::ZeroBeneficiary);
        }
        let attempt = self.attempt_mut(id)?;
        attempt.status = AttemptStatus::Dead;
        attempt.settled = true;
        let bond = attempt.bond;
        let half = bond.wrapping_shr(1);
        self.ledger.burn(bond.saturating_sub(half));
        self.ledger.credit(beneficiary, half.saturating_sub(spent));
        Ok(())
    }
}
