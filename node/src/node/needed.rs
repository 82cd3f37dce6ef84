//! From which batch on L2's states may still be asked for, and since when that is beyond doubt.
//!
//! [`Game::oldest_start`](recourse_protocol::Game::oldest_start) says what one L1 block leaves to be asked for, and never goes
//! back from a block to its children. So it takes no more than to know that a block stays. Nobody's word is taken for that: a
//! block counts when it is behind the finalized one, was still on the chain then, and has been known to this store, by this
//! machine's clock and by L1's, for longer than any dispute lasts.

use std::sync::Arc;

use recourse_protocol::{BatchIndex, Periods};
use serde::{Deserialize, Serialize};

use crate::{
    l1::BlockRef,
    mirror::L1State,
    store::{Store, StoreError, Table, Write},
};

#[cfg(test)]
mod tests;

/// Where the marks stand in [`Table::Meta`].
const KEY: &[u8] = b"l2-needed";
/// Seconds for which a mark has to stand, at least: 14 days.
const LEAST: u64 = 14 * 86_400;
/// Seconds between two marks, at least: it bounds how many there are.
const APART: u64 = 3600;
/// Marks, at most: where nothing gets final they would pile up. The oldest go.
const MOST: usize = 1000;

/// What an L1 block left to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    needed: BatchIndex,
    block: BlockRef,
    /// When it was set, by the clock of this machine, in seconds.
    seen: u64,
    /// Whether its block was on the chain when finality had passed it.
    is_final: bool,
}

/// What is to be done about old states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Advice {
    /// All ends from this batch on may be asked for, as L1 stands now.
    pub(super) needed: BatchIndex,
    /// Nobody will ever ask for ends before this batch's.
    pub(super) forget_before: BatchIndex,
}

/// The marks that were set.
#[derive(Debug)]
pub(super) struct Needed {
    store: Arc<dyn Store>,
    marks: Vec<Mark>,
    /// Seconds for which a mark has to stand.
    margin: u64,
    /// The head that was looked at last, and what was said of it.
    last: Option<(BlockRef, Option<u64>, Advice)>,
}

impl Needed {
    pub(super) fn open(
        store: Arc<dyn Store>,
        periods: &Periods,
        levels: u8,
    ) -> Result<Self, StoreError> {
        let marks = match store.get(Table::Meta, KEY)? {
            None => Vec::new(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| StoreError::Malformed { table: Table::Meta, source })?,
        };
        // The longest dispute: the window, and two responses a level.
        let responses = u64::from(levels).saturating_mul(2).saturating_mul(periods.response_period);
        let margin = periods.challenge_window.saturating_add(responses).max(LEAST);
        Ok(Self { store, marks, margin, last: None })
    }

    /// Looks at L1, at this time by the clock of this machine. None when L1 contradicts itself.
    pub(super) fn look(&mut self, l1: &L1State, now: u64) -> Result<Option<Advice>, StoreError> {
        if let Some((head, finalized, advice)) = self.last
            && (head, finalized) == (l1.head, l1.finalized)
        {
            return Ok(Some(advice));
        }
        let Some(needed) = l1.game.oldest_start() else { return Ok(None) };
        let before = self.marks.clone();
        // Set by a clock that was wrong.
        self.marks.retain(|mark| mark.seen <= now.saturating_add(APART));
        self.drop_rewritten(l1, needed)?;
        self.set_mark(l1, needed, now);
        let ripe = self.marks.iter().filter(|mark| self.is_ripe(mark, l1, now));
        let forget_before = ripe.map(|mark| mark.needed).max().unwrap_or_default();
        // What ripened is summed up by the newest such mark.
        self.marks.retain(|mark| mark.needed >= forget_before);
        if self.marks != before {
            self.save()?;
        }
        let advice = Advice { needed, forget_before };
        self.last = Some((l1.head, l1.finalized, advice));
        Ok(Some(advice))
    }

    /// Drops marks that L1 contradicts; finality makes the others firm.
    fn drop_rewritten(&mut self, l1: &L1State, needed: BatchIndex) -> Result<(), StoreError> {
        let mut kept = Vec::with_capacity(self.marks.len());
        for mut mark in self.marks.drain(..) {
            // Needs never go back along one chain.
            if mark.needed > needed || mark.block.number > l1.head.number {
                continue;
            }
            if !mark.is_final && l1.finalized.is_some_and(|number| mark.block.number <= number) {
                if block_at(self.store.as_ref(), mark.block.number)? != Some(mark.block) {
                    continue;
                }
                mark.is_final = true;
            }
            kept.push(mark);
        }
        self.marks = kept;
        Ok(())
    }

    fn set_mark(&mut self, l1: &L1State, needed: BatchIndex, now: u64) {
        let last = self.marks.last();
        let is_new = last.map_or(BatchIndex(0), |mark| mark.needed) < needed;
        // A clock that went back makes marks wait longer, never less.
        let is_time = last.is_none_or(|mark| mark.seen.saturating_add(APART) <= now);
        // This machine's clock may be behind; where L1's is far ahead of it, one of them is wrong.
        let seen = now.max(l1.head.timestamp);
        if is_new && is_time && seen <= now.saturating_add(APART) {
            self.marks.push(Mark { needed, block: l1.head, seen, is_final: false });
        }
        if self.marks.len() > MOST
            && let Some(oldest) = self.marks.iter().position(|mark| !mark.is_final)
        {
            self.marks.remove(oldest);
        }
    }

    fn is_ripe(&self, mark: &Mark, l1: &L1State, now: u64) -> bool {
        mark.is_final
            && mark.seen.saturating_add(self.margin) <= now
            && mark.block.timestamp.saturating_add(self.margin) <= l1.head.timestamp
    }

    fn save(&self) -> Result<(), StoreError> {
        let malformed = |source| StoreError::Malformed { table: Table::Meta, source };
        let bytes = serde_json::to_vec(&self.marks).map_err(malformed)?;
        self.store.apply(vec![Write::Put(Table::Meta, KEY.to_vec(), bytes)])
    }
}

/// The L1 block of this number that the mirror passed, if it still remembers that.
fn block_at(store: &dyn Store, number: u64) -> Result<Option<BlockRef>, StoreError> {
    let Some(bytes) = store.get(Table::Blocks, &number.to_be_bytes())? else { return Ok(None) };
    let malformed = |source| StoreError::Malformed { table: Table::Blocks, source };
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}
