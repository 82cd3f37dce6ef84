//! Making blocks and batches.

use std::time::Instant;

use recourse_protocol::ViewIndex;

use super::{Ahead, Counts, Horizon, Producer, ProducerError};
use crate::sequence::{Opening, Production, Terms};

impl Producer {
    /// Makes a block if there is something to put into it. Gives whether it made one.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn make_block<H: Horizon>(
        &mut self,
        horizon: &H,
        now: Instant,
    ) -> Result<bool, ProducerError> {
        // What is made for a batch that L1 has already would be given up as soon as that is derived.
        let is_late = Self::is_taken(horizon, self.sequencer.at().batch);
        if !self.stands || is_late || self.ahead.len() > self.settings.backlog {
            return Ok(false);
        }
        let Some(opening) = self.opening(horizon, now) else { return Ok(false) };
        let mut ready = self.chain.ready();
        if ready.is_empty() && !self.owes(horizon, opening.view) && !self.is_idle(now) {
            return Ok(false);
        }
        if self.sequencer.batch().is_none_or(|batch| batch.is_empty()) {
            self.began = now;
            let terms = self.terms(horizon);
            self.sequencer.begin(terms, self.settings.max_blobs);
        }
        let made = self.sequencer.produce(horizon.inputs(), opening, &mut ready);
        let production = self.or_start_over(horizon, made)?;
        self.keep(horizon, production, now)
    }

    /// Cuts the batch that grows, if its time is over and no other is on its way.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn cut_if_due<H: Horizon>(
        &mut self,
        horizon: &H,
        now: Instant,
    ) -> Result<bool, ProducerError> {
        let over = now.saturating_duration_since(self.began) >= self.settings.batch_interval;
        if over && self.ahead.is_empty() { self.cut(horizon) } else { Ok(false) }
    }

    /// Cuts the batch that grows, if there is anything in it.
    ///
    /// # Errors
    /// [`ProducerError`].
    pub fn cut<H: Horizon>(&mut self, horizon: &H) -> Result<bool, ProducerError> {
        let Some(head) = self.head_of_batch().filter(|_| self.stands) else { return Ok(false) };
        let cut = self.sequencer.cut(horizon.inputs());
        let Some((cut, blocks)) = self.or_start_over(horizon, cut)? else { return Ok(false) };
        self.journal.cut(cut.index, &head)?;
        self.ahead.push_back(Ahead { cut, records: self.records });
        self.records = 0;
        self.extend(blocks)?;
        Ok(true)
    }

    /// Keeps a block on disk, then shows it.
    fn keep<H: Horizon>(
        &mut self,
        horizon: &H,
        production: Production,
        now: Instant,
    ) -> Result<bool, ProducerError> {
        let Production { block, invalid, writes, full } = production;
        let made = block.is_some();
        if let (Some(block), Some(head)) = (block, self.head_of_batch()) {
            let mut done = invalid.clone();
            done.extend(block.mined.transactions().iter().map(|tx| *tx.tx_hash()));
            self.journal.record(block.batch, self.records, &head, &writes, &done)?;
            self.records = self.records.saturating_add(1);
            self.last_block = now;
            self.chain.discard(&invalid);
            self.extend(vec![block])?;
        }
        if full {
            self.cut(horizon)?;
        }
        Ok(made)
    }

    /// After a failure the sequencer stands nowhere: it goes back to what L1 gave.
    fn or_start_over<H: Horizon, T>(
        &mut self,
        horizon: &H,
        result: Result<T, crate::sequence::SequenceError>,
    ) -> Result<T, ProducerError> {
        if result.is_err() {
            self.stands = false;
            self.start_over(horizon)?;
        }
        Ok(result?)
    }

    /// View and time of the next block, or none if it has to wait for L1.
    fn opening<H: Horizon>(&self, horizon: &H, now: Instant) -> Option<Opening> {
        let at = self.sequencer.at();
        let after_parent = at.timestamp.saturating_add(self.settings.l2.block_time);
        let wanted = self.clock.even(now).max(after_parent);
        let Counts { views, .. } = horizon.counts();
        let usable =
            |view: &u32| horizon.inputs_view(*view).is_some_and(|view| view.l1_timestamp <= wanted);
        let view = (at.view.0..views).rev().find(usable)?;
        let seen = horizon.inputs_view(view)?.l1_timestamp;
        let timestamp = self.clock.timestamp(after_parent.max(seen), now)?;
        Some(Opening { timestamp, view: ViewIndex(view) })
    }

    /// Whether a view has forced transactions or deposits that no block has served.
    fn owes<H: Horizon>(&self, horizon: &H, view: ViewIndex) -> bool {
        let at = self.sequencer.at();
        horizon
            .inputs_view(view.0)
            .is_some_and(|v| v.forced_end > at.forced_done || v.deposits_end > at.deposits_done)
    }

    fn is_idle(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(self.last_block);
        self.settings.max_idle.is_some_and(|most| idle >= most)
    }

    /// The newest view that is old enough to be promised, with as much time again until the promise goes stale.
    fn terms<H: Horizon>(&self, horizon: &H) -> Terms {
        let age = self.settings.force_delay.div_ceil(2);
        let old = |view: &u32| {
            horizon
                .inputs_view(*view)
                .is_some_and(|v| v.l1_timestamp.saturating_add(age) <= horizon.timestamp())
        };
        let min_view = (1..horizon.counts().views).rev().find(old).unwrap_or(0);
        Terms { fee_recipient: self.settings.fee_recipient, min_view: ViewIndex(min_view) }
    }
}
