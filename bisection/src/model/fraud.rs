//! `proveStep`, `kill`, `proveFraud`.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use recourse_protocol::{AttemptId, AttemptStatus, CheckpointHash};

use super::{Chunk, Model, Outcome, Proof, Revert, World};
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
        proof: &Proof,
    ) -> Result<Outcome, Revert> {
        self.open_attempt(id)?;
        let used = self.proven(gap.left, proof)?;
        self.check_pair(id, gap)?;
        self.kill(id, (gap.left, gap.right), beneficiary, used)
    }

    pub(super) fn kill_claim(
        &mut self,
        id: AttemptId,
        beneficiary: Address,
        proof: &Proof,
    ) -> Result<Outcome, Revert> {
        let content = *self.content(self.open_attempt(id)?.content)?;
        let left = self.content(content.parent)?.checkpoint;
        let used = self.proven(left, proof)?;
        if content.steps != 1 {
            return Err(Revert::NotAPair);
        }
        self.kill(id, (left, content.checkpoint), beneficiary, used)
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
        self.die(id, beneficiary, &[])?;
        Ok(Outcome::Done)
    }

    fn check_pair(&self, id: AttemptId, gap: &RevealedGap) -> Result<(), Revert> {
        self.opened_gap(id, gap)?;
        if gap.is_pair() { Ok(()) } else { Err(Revert::NotAPair) }
    }

    /// Proves a step if the kill brings a proof. Gives the chunks that count: a proof of what is known already is not looked at.
    fn proven<'p>(
        &mut self,
        left: CheckpointHash,
        proof: &'p Proof,
    ) -> Result<&'p [Chunk], Revert> {
        let Proof::Fresh(chunks) = proof else { return Ok(&[]) };
        let known = self.game.truths.contains_key(&left);
        self.prove_step(left)?;
        Ok(if known { &[] } else { chunks })
    }

    fn kill(
        &mut self,
        id: AttemptId,
        (left, right): (CheckpointHash, CheckpointHash),
        beneficiary: Address,
        used: &[Chunk],
    ) -> Result<Outcome, Revert> {
        match self.game.truths.get(&left) {
            None => Err(Revert::NotProven),
            Some(post) if *post == right => Err(Revert::PairIsTrue),
            Some(_) => {
                self.die(id, beneficiary, used)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Half of the bond is paid, first to those who staged what was used, the rest is burned: an owner who kills its own claim
    /// loses.
    pub(super) fn die(
        &mut self,
        id: AttemptId,
        beneficiary: Address,
        used: &[Chunk],
    ) -> Result<(), Revert> {
        if beneficiary.is_zero() {
            return Err(Revert::ZeroBeneficiary);
        }
        let attempt = self.attempt_mut(id)?;
        attempt.status = AttemptStatus::Dead;
        attempt.settled = true;
        let bond = attempt.bond;
        let mut left = bond.wrapping_shr(1);
        self.ledger.burn(bond.saturating_sub(left));
        let mut paid = BTreeSet::new();
        for chunk in used.iter().filter(|chunk| paid.insert(chunk.pointer)) {
            let price = self.game.limits.chunk_reward.saturating_mul(U256::from(chunk.size));
            let amount = price.min(left);
            left = left.saturating_sub(amount);
            self.ledger.credit(chunk.poster, amount);
        }
        self.ledger.credit(beneficiary, left);
        Ok(())
    }
}
