//! Transactions end in their order: what each of them read is looked at again, now that all before it are known.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use alloy_primitives::{B256, U256};
use recourse_protocol::MAX_TX_GAS;
use revm::state::Bytecode;

use super::{
    ahead::Credit,
    cells::{ADDED, AccountCell, BALANCE, CODE, NONCE, WHOLE, WIPED, account_words},
    job::TxEnd,
    record::{Outcome, Status, Work, needs},
    run::Run,
    space::Failure,
    versions::Version,
    weight::Weights,
    worker::Worker,
};

/// Runs that may come to nothing before it is asked whether too many do.
const FEW: u64 = 16;

/// What is known of the transactions that ended.
#[derive(Debug)]
pub(super) struct Committer {
    /// Gas left in the block.
    pub(super) available: u64,
    pub(super) ends: Vec<TxEnd>,
    /// The cell of the fee recipient, once one was paid.
    pub(super) beneficiary: Option<u32>,
    /// Codes that they made.
    pub(super) codes: Vec<(B256, Bytecode)>,
    /// What holds the limit on bytes of state, if there is one.
    pub(super) weights: Option<Weights>,
    /// Why the block can't be run here.
    pub(super) failure: Option<Failure>,
    /// Transactions that ran once more.
    pub(super) again: u64,
    /// Those that would have, had they not waited for another.
    pub(super) waited: u64,
    /// Slots over which they had to.
    pub(super) disputed: Vec<u32>,
    /// What may be run for nothing.
    pub(super) credit: Credit,
    /// Gas that was run for nothing.
    pub(super) wasted: u64,
}

impl Committer {
    /// For so many transactions.
    pub(super) fn new(
        available: u64,
        count: usize,
        weights: Option<Weights>,
        credit: Credit,
    ) -> Self {
        Self {
            available,
            ends: Vec::with_capacity(count),
            beneficiary: None,
            codes: Vec::new(),
            weights,
            failure: None,
            again: 0,
            waited: 0,
            disputed: Vec::new(),
            credit,
            wasted: 0,
        }
    }

    /// What a run came to counts for nothing.
    pub(super) fn throw_away(&mut self, gas: u64) {
        self.credit.spend(gas);
        self.wasted = self.wasted.saturating_add(gas);
    }

    /// Nothing of what is committed stands: it earned nothing, and was run for nothing.
    pub(super) fn take_back(&mut self) {
        let gas = self.ends.iter().map(TxEnd::gas).fold(0, u64::saturating_add);
        self.credit.spend(gas);
        self.throw_away(gas);
    }

    /// Whether others cost more than they help: most of what they run has to run again, or may not start, or nearly all waits for
    /// the one before it.
    fn is_better_alone(&self) -> bool {
        let ended = u64::try_from(self.ends.len()).unwrap_or(u64::MAX);
        let chained = self.again.saturating_add(self.waited);
        self.again > FEW && self.again.saturating_mul(2) > ended
            || chained > FEW && chained.saturating_mul(8) > ended.saturating_mul(7)
            || self.credit.left() < MAX_TX_GAS
    }
}

impl Worker<'_> {
    /// Ends all transactions that can end, unless another thread is about to.
    pub(super) fn commit(&mut self) {
        let run = self.run;
        while self.first_ran() {
            let Ok(mut committer) = run.committer.try_lock() else {
                return;
            };
            while self.first_ran() && !run.space.is_stopped() {
                self.end_first(&mut committer);
            }
            if run.space.is_stopped() {
                return;
            }
        }
    }

    /// Whether the first transaction that is not committed ran.
    fn first_ran(&self) -> bool {
        let first = self.run.space.floor.load(Acquire);
        self.run.record(first).is_some_and(|record| record.status() == Status::Done)
    }

    fn end_first(&mut self, committer: &mut Committer) {
        let run = self.run;
        let index = run.space.floor.load(Acquire);
        let Some((record, tx)) = run.record(index).zip(run.tx(index)) else {
            return;
        };
        let mut work = record.take().unwrap_or_default();
        let limit = tx.env().map_or(0, |env| env.gas_limit);
        let mut ran = 0;
        let end = if let Err(invalid) = tx.admit(committer.available) {
            // It did not run, unless it is too large for any block.
            run.space.take_back(index, &work, &Work::default());
            Ok(Some(TxEnd::NoOp(invalid)))
        } else {
            if work.since < index && !run.is_true(index, &work, &mut committer.disputed) {
                committer.again = committer.again.wrapping_add(1);
                committer.throw_away(work.gas(limit));
                run.space.make_stale(index, &work);
                record.set(Status::Running);
                record.put(work);
                run.pause();
                self.execute(index, None);
                run.wake(&mut self.waiting);
                work = record.take().unwrap_or_default();
            }
            committer.waited = committer.waited.wrapping_add(work.waited.into());
            ran = work.gas(limit);
            run.end(index, &mut work, committer)
        };
        match end {
            Ok(Some(end)) => {
                work.forget();
                record.put(work);
                committer.credit.earn(ran);
                committer.available = committer.available.saturating_sub(end.gas_used());
                committer.ends.push(end);
                record.set(Status::Committed);
                let next = index.saturating_add(1);
                run.ahead.set(next, committer.available, &committer.credit);
                if committer.is_better_alone() {
                    run.alone.store(true, Relaxed);
                }
                run.space.floor.store(next, Release);
            }
            // From here on the tries have to be asked.
            ended => {
                committer.failure = ended.err();
                committer.throw_away(ran);
                run.space.stop.store(true, Release);
            }
        }
    }
}

impl Run<'_> {
    /// Whether all that a transaction read is what it would read now that all before it are committed. If not for a slot, that is
    /// added to `disputed`.
    fn is_true(&self, index: u32, work: &Work, disputed: &mut Vec<u32>) -> bool {
        let space = self.space;
        work.accounts.iter().all(|read| {
            read.needs & needs::CODE_ALONE != 0 && !space.ever_coded(read.cell)
                || space.is_untouched(read.cell, read.sequence)
                || space.account(self.flat, read.cell, index).is_ok_and(|now| read.agrees(&now))
        }) && work.slots.iter().all(|read| {
            let same = space.is_slot_untouched(read.cell, read.sequence)
                || space.slot(self.flat, read.cell, index).is_ok_and(|now| read.seen == now);
            if !same && let Some(cell) = space.slots.get(read.cell) {
                cell.disputed.add();
                disputed.push(read.cell);
            }
            same
        })
    }

    /// Takes the end of a transaction that read what is true; none when it may use too many bytes of state.
    fn end(
        &self,
        index: u32,
        work: &mut Work,
        committer: &mut Committer,
    ) -> Result<Option<TxEnd>, Failure> {
        let end = match work.outcome.take() {
            Some(Outcome::Ran(result)) => TxEnd::Ran(result),
            Some(Outcome::Invalid(invalid)) => return Ok(Some(TxEnd::NoOp(invalid.into()))),
            Some(Outcome::Failed(failure)) => return Err(failure),
            None => return Err(Failure::Stopped),
        };
        if let Some(weights) = &mut committer.weights {
            if !weights.admits_work(self, work)? {
                return Ok(None);
            }
            weights.add_work(self, work)?;
        }
        // First what can fail, and changes nothing that is committed.
        if !work.reward.is_zero() {
            self.reward(index, work.reward, committer)?;
        }
        self.settle(index, work)?;
        committer.codes.append(&mut work.codes);
        Ok(Some(end))
    }

    /// Makes what a transaction wrote whole, now that all before it is.
    pub(super) fn settle(&self, index: u32, work: &Work) -> Result<(), Failure> {
        let parts = || work.parts.iter().filter_map(|cell| self.space.accounts.get(*cell));
        parts().try_for_each(|cell| settle(cell, index))?;
        // Only when nothing can fail any more: who asks what ended before a transaction asks only this, once versions are forgotten.
        for cell in parts().filter(|cell| cell.ever_wiped.load(Acquire)) {
            cell.versions.update(index, |version, _| {
                if version.flags & WIPED != 0 {
                    cell.wiped.store(index.saturating_add(1), Release);
                }
            });
        }
        Ok(())
    }

    /// Pays the fee recipient.
    fn reward(&self, index: u32, reward: U256, by: &mut Committer) -> Result<(), Failure> {
        let cell = match by.beneficiary {
            Some(cell) => cell,
            None => *by.beneficiary.insert(self.space.account_index(self.block.beneficiary)?),
        };
        let account = self.space.account(self.flat, cell, index)?;
        let balance = account.balance.checked_add(reward).ok_or(Failure::Huge)?;
        let words = account_words(account.nonce, balance, account.code_hash);
        self.space.write_account(cell, &Version { tx: index, flags: WHOLE, words }).map(drop)
    }
}

/// Makes a version whole, now that all before it are: what it did not write is as before, what it added is added.
fn settle(cell: &AccountCell, tx: u32) -> Result<(), Failure> {
    let base = cell.base().map(|base| base.value);
    let mut failure = None;
    cell.versions.update(tx, |version, before| {
        if version.flags & WHOLE == WHOLE {
            return;
        }
        let (nonce, balance, code_hash) = match (before, base) {
            (Some(before), _) => (before.nonce(), Some(before.amount()), before.code_hash()),
            (None, Some(base)) => (Some(base.nonce), Some(base.balance), Some(base.code_hash)),
            (None, None) => (None, None, None),
        };
        let now = match version.flags & (BALANCE | ADDED) {
            BALANCE => Some(version.amount()),
            ADDED => balance.and_then(|balance| balance.checked_add(version.amount())),
            _ => balance,
        };
        let nonce = version.nonce().or(nonce);
        let code_hash = version.code_hash().or(code_hash);
        match (nonce, now, code_hash) {
            (Some(nonce), Some(now), Some(code_hash)) => {
                version.words = account_words(nonce, now, code_hash);
                version.flags = NONCE | BALANCE | CODE | version.flags & WIPED;
            }
            _ => failure = Some(Failure::Huge),
        }
    });
    failure.map_or(Ok(()), Err)
}
