//! Who staged what a proof pointed to, and is paid when an attempt dies of it.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use recourse_protocol::{AttemptId, CheckpointHash};

use super::{Chunk, Model, Revert, World};

/// The most chunks of a bill.
pub const MAX_BILL: usize = 64;
/// Of the paid half of a bond, the part that is the killer's whatever stands on the bill: one in so many, as a power of two.
const KILLERS_SHARE_BITS: usize = 4;

impl<W: World> Model<W> {
    /// Keeps who staged what the proof of a step pointed to, each chunk once.
    pub(super) fn write_bill(
        &mut self,
        pre: CheckpointHash,
        chunks: &[Chunk],
    ) -> Result<(), Revert> {
        let mut bill: Vec<Chunk> = Vec::new();
        let mut seen = BTreeSet::new();
        for chunk in chunks.iter().filter(|chunk| seen.insert(chunk.pointer)) {
            if bill.len() == MAX_BILL {
                return Err(Revert::BillTooLong);
            }
            bill.push(*chunk);
        }
        self.bills.insert(pre, bill);
        Ok(())
    }

    /// Pays those on the bill whose chunks are not older than the attempt, all the same for a byte, and takes them off it. Gives
    /// the sum.
    pub(super) fn pay_bill(&mut self, id: AttemptId, pre: CheckpointHash) -> Result<U256, Revert> {
        let attempt = self.attempt(id)?;
        let half = attempt.bond.wrapping_shr(1);
        let since = attempt.window_end.saturating_sub(self.game.periods.challenge_window);
        let bill = self.bills.remove(&pre).unwrap_or_default();
        let (due, older): (Vec<_>, Vec<_>) =
            bill.into_iter().partition(|due| due.staged_at >= since);
        self.bills.insert(pre, older);
        let size =
            due.iter().map(|due| U256::from(due.size)).fold(U256::ZERO, U256::saturating_add);
        let at_most = half.saturating_sub(half.wrapping_shr(KILLERS_SHARE_BITS));
        let budget = self.game.limits.chunk_reward.saturating_mul(size).min(at_most);
        let mut spent = U256::ZERO;
        for due in due {
            let share = budget.saturating_mul(U256::from(due.size)).checked_div(size);
            let amount = share.unwrap_or_default();
            self.ledger.credit(due.poster, amount);
            spent = spent.saturating_add(amount);
        }
        Ok(spent)
    }
}
