//! Taking in what L1 says.

use std::time::Instant;

use alloy_primitives::{B256, Bytes};
use recourse_protocol::BatchIndex;
use recourse_rpc::Finality;

use super::{Adopted, Horizon, Producer, ProducerError};
use crate::{chain::Pin, sequence::L2Block};

/// What a new L1 head did to the L2 head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Batches that came from L1 just as they had been made.
    pub promoted: u64,
    /// Batches that somebody else appended.
    pub foreign: u64,
    /// Batches that L1 took back.
    pub lost: u64,
    /// Transactions that wait again.
    pub readmitted: usize,
    /// A batch that L1 took back while it was taken in. What came before it is taken in; the next look goes on from there.
    pub outdated: Option<BatchIndex>,
}

impl Producer {
    /// Follows L1 to a new head.
    ///
    /// # Errors
    /// [`ProducerError`], always fatal.
    pub fn follow<H: Horizon>(
        &mut self,
        horizon: &H,
        now: Instant,
    ) -> Result<Followed, ProducerError> {
        self.clock.saw(horizon.timestamp(), now);
        let mut done = Followed::default();
        let mut given_up = Vec::new();
        let mut taken = self.take_in(horizon, &mut done, &mut given_up);
        if !self.stands {
            // Also where the next batch could not be had: what was adopted before it stays.
            let stood =
                self.give_up(horizon, self.adopted()).map(|waiting| given_up.extend(waiting));
            taken = taken.and(stood);
        }
        if taken.is_ok() && self.views_changed(horizon) {
            taken = self.give_up(horizon, self.adopted()).map(|waiting| given_up.extend(waiting));
        }
        // Whatever failed: the journal has them as waiting.
        done.readmitted = self.readmit(given_up)?;
        match taken {
            Err(ProducerError::Outdated(batch)) => done.outdated = Some(batch),
            taken => taken?,
        }
        self.journal.forget(&self.chain.expire(now))?;
        self.tell_finality(horizon);
        if let Some((block, state)) = horizon.confirmed().filter(|_| done.outdated.is_none()) {
            self.chain.pin(Pin::Confirmed, block, state);
        }
        Ok(done)
    }

    /// Adopts what was derived.
    fn take_in<H: Horizon>(
        &mut self,
        horizon: &H,
        done: &mut Followed,
        given_up: &mut Vec<(B256, Bytes)>,
    ) -> Result<(), ProducerError> {
        let common = self.common(horizon);
        let lost = self.adopted().0.saturating_sub(common.0);
        if lost > 0 {
            given_up.extend(self.give_up(horizon, common)?);
            done.lost = lost;
        }
        let start = self.skip_final(horizon, common)?;
        done.foreign = start.0.saturating_sub(common.0);
        for index in start.0.saturating_add(1)..=horizon.derived().0 {
            let index = BatchIndex(index);
            if self.promote(horizon, index)? {
                done.promoted = done.promoted.saturating_add(1);
            } else {
                self.take(horizon, index, given_up)?;
                done.foreign = done.foreign.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Gives up all blocks ahead of L1, for instance because their append failed. Their transactions wait again.
    ///
    /// # Errors
    /// [`ProducerError`]; [`ProducerError::Outdated`] when L1 has not got all that was adopted: follow it first.
    pub fn start_over<H: Horizon>(&mut self, horizon: &H) -> Result<usize, ProducerError> {
        let given_up = self.give_up(horizon, self.adopted())?;
        self.readmit(given_up)
    }

    /// A chain that has but its genesis goes to the newest final batch at once: what lies before is in the archive. Gives the
    /// newest adopted batch.
    fn skip_final<H: Horizon>(
        &mut self,
        horizon: &H,
        common: BatchIndex,
    ) -> Result<BatchIndex, ProducerError> {
        let last = horizon.finalized().min(horizon.derived());
        if common.0 > 0 || self.is_ahead() {
            return Ok(common);
        }
        let Some(block) = horizon.last_block(last)? else { return Ok(common) };
        let Some(state) = block.state.clone() else { return Ok(common) };
        self.stands = false;
        for index in 1..=last.0 {
            let index = BatchIndex(index);
            let end = horizon.checkpoint(index).ok_or(ProducerError::NotDerived(index))?;
            self.adopt(horizon, index, end.number)?;
        }
        self.chain.start_at(block, state);
        Ok(last)
    }

    /// The newest adopted batch that L1 still has.
    fn common<H: Horizon>(&self, horizon: &H) -> BatchIndex {
        let stands = |index: u64, adopted: &Adopted| {
            let index = BatchIndex(index);
            horizon.hash(index) == Some(adopted.hash)
                && horizon.checkpoint(index).is_some_and(|end| end.h248() == adopted.end)
        };
        let mut index = self.adopted().0;
        for adopted in self.adopted.iter().rev() {
            if stands(index, adopted) {
                break;
            }
            index = index.saturating_sub(1);
        }
        BatchIndex(index)
    }

    /// Adopts a derived batch that was made here, if it is that one.
    fn promote<H: Horizon>(
        &mut self,
        horizon: &H,
        index: BatchIndex,
    ) -> Result<bool, ProducerError> {
        let end = horizon.checkpoint(index).ok_or(ProducerError::NotDerived(index))?;
        let is_it = |ahead: &&super::Ahead| ahead.cut.index == index && ahead.cut.end.at == end;
        let Some(ahead) = self.ahead.front().filter(is_it) else { return Ok(false) };
        let (last_block, records) = (end.number, ahead.records);
        self.adopt(horizon, index, last_block)?;
        self.ahead.pop_front();
        self.journal.drop_batches(&[(index, records)], &[])?;
        Ok(true)
    }

    /// Adopts a derived batch that somebody else made, or another run. Adds the transactions given up for it. The sequencer
    /// goes there once all are taken.
    fn take<H: Horizon>(
        &mut self,
        horizon: &H,
        index: BatchIndex,
        given_up: &mut Vec<(B256, Bytes)>,
    ) -> Result<(), ProducerError> {
        let end = horizon.checkpoint(index).ok_or(ProducerError::NotDerived(index))?;
        let blocks = horizon.blocks(index)?;
        if self.is_ahead() {
            given_up.extend(self.give_up(horizon, self.adopted())?);
        }
        self.stands = false;
        self.extend(blocks)?;
        self.adopt(horizon, index, end.number)
    }

    fn adopt<H: Horizon>(
        &mut self,
        horizon: &H,
        index: BatchIndex,
        last_block: u64,
    ) -> Result<(), ProducerError> {
        let missing = ProducerError::NotDerived(index);
        let (Some(hash), Some(end)) = (horizon.hash(index), horizon.checkpoint(index)) else {
            return Err(missing);
        };
        self.adopted.push(Adopted { hash, end: end.h248(), last_block });
        Ok(())
    }

    pub(super) fn extend(&self, blocks: Vec<L2Block>) -> Result<(), ProducerError> {
        let useless = self.chain.extend(blocks)?;
        Ok(self.journal.forget(&useless)?)
    }

    /// Whether there is anything beyond the newest adopted batch.
    fn is_ahead(&self) -> bool {
        !self.ahead.is_empty()
            || self.sequencer.batch().is_some()
            || self.chain.head_number() > self.adopted_block()
    }

    /// Goes back to an adopted batch. Gives the transactions that were ahead of it, kept as waiting. Where L1 has that batch no
    /// more, nothing changes.
    fn give_up<H: Horizon>(
        &mut self,
        horizon: &H,
        to: BatchIndex,
    ) -> Result<Vec<(B256, Bytes)>, ProducerError> {
        if self.common(horizon) < to {
            return Err(ProducerError::Outdated(to));
        }
        let end = horizon.end(to)?;
        let block = self.last_block_of(to);
        let base = if block > 0 && block < self.chain.base_number() {
            // L1 took back what it had called final.
            Some(horizon.last_block(to)?.ok_or(ProducerError::NotDerived(to))?)
        } else {
            None
        };
        self.adopted.truncate(usize::try_from(to.0).unwrap_or(usize::MAX));
        let replaced = self.chain.go_back(block, end.state.clone(), base)?;
        let mut batches: Vec<_> = self.ahead.drain(..).map(|a| (a.cut.index, a.records)).collect();
        if let Some(batch) = self.sequencer.batch() {
            batches.push((batch.index(), self.records));
        }
        self.records = 0;
        self.sequencer.reset(end);
        self.stands = true;
        self.journal.drop_batches(&batches, &replaced.dropped)?;
        self.journal.forget(&replaced.useless)?;
        Ok(replaced.dropped)
    }

    /// Whether L1 has another view than the one that the newest block took.
    fn views_changed<H: Horizon>(&self, horizon: &H) -> bool {
        self.sequencer
            .newest_view()
            .is_some_and(|(index, view)| horizon.inputs_view(index.0).as_ref() != Some(view))
    }

    /// Lets accepted transactions wait again, and forgets those that can't run any more. Gives how many wait.
    pub(super) fn readmit(&self, accepted: Vec<(B256, Bytes)>) -> Result<usize, ProducerError> {
        let done = self.chain.readmit(accepted)?;
        self.journal.forget(&done.useless)?;
        Ok(done.waiting)
    }

    fn tell_finality<H: Horizon>(&self, horizon: &H) {
        let (safe, finalized) = (self.adopted(), horizon.finalized().min(self.adopted()));
        // First: no tag names a block whose state could not be asked for.
        self.pin(horizon, Pin::Safe, safe);
        self.pin(horizon, Pin::Finalized, finalized);
        let finalized = self.last_block_of(finalized);
        self.chain.set_finality(Finality { safe: self.adopted_block(), finalized });
    }

    /// Keeps the state after an adopted batch at hand. Where it can't be had, clients are told so: nothing else needs it.
    fn pin<H: Horizon>(&self, horizon: &H, why: Pin, batch: BatchIndex) {
        let block = self.last_block_of(batch);
        if self.chain.pinned(why) == Some(block) {
            return;
        }
        match horizon.end(batch) {
            Ok(end) => self.chain.pin(why, block, end.state),
            Err(error) => tracing::debug!(%batch, %error, "no state to keep at hand"),
        }
    }
}
