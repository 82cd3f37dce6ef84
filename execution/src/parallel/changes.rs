//! All that a block changed, gathered once.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use alloy_primitives::U256;

use super::{
    flat::{FlatAccount, FlatState},
    job::FlatChange,
    space::{Blocked, Failure, Space},
    workers::Workers,
};

impl From<Blocked> for Failure {
    fn from(blocked: Blocked) -> Self {
        match blocked {
            Blocked::By(_) => Self::Stopped,
            Blocked::Failed(failure) => failure,
        }
    }
}

/// The cell of a slot, behind that of its account.
type ChangedSlot = (u32, u32);

/// Cells that a thread looks at in one go.
const TOGETHER: u32 = 1024;

impl Workers {
    /// What the transactions before `end` changed; all of them are committed.
    pub(super) fn changes(
        &self,
        space: &Space,
        flat: &dyn FlatState,
        end: u32,
    ) -> Result<Vec<FlatChange>, Failure> {
        let mut slots =
            self.gather(space.slots.count(), |index| space.changed_slot(flat, index, end))?;
        slots.sort_unstable();
        self.gather(space.accounts.count(), |index| {
            let from = slots.partition_point(|(account, _)| *account < index);
            let own = slots.get(from..).unwrap_or_default();
            let own = own.iter().take_while(|(account, _)| *account == index);
            let own = own.map(|(_, slot)| space.slot_after(flat, *slot, end));
            space.changed_account(flat, (index, end), own.collect::<Result<_, _>>()?)
        })
    }

    /// What `look` finds in any of the first `count` cells, in no order; by all threads when that is worth it.
    fn gather<T: Send>(
        &self,
        count: u32,
        look: impl Fn(u32) -> Result<Option<T>, Failure> + Sync,
    ) -> Result<Vec<T>, Failure> {
        let next = AtomicU32::new(0);
        let most = usize::try_from(count).unwrap_or_default();
        let all = Mutex::new(Ok(Vec::with_capacity(most)));
        self.together(count > TOGETHER.saturating_mul(2), |_| {
            let mut mine = Vec::new();
            loop {
                let from = next.fetch_add(TOGETHER, Relaxed);
                if from >= count {
                    break;
                }
                let to = from.saturating_add(TOGETHER).min(count);
                let found = (from..to).try_for_each(|index| {
                    mine.extend(look(index)?);
                    Ok(())
                });
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                match (&mut *all, found) {
                    (Ok(all), Ok(())) => all.append(&mut mine),
                    (_, Err(failure)) => *all = Err(failure),
                    (Err(_), _) => {}
                }
            }
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Space {
    fn changed_slot(
        &self,
        flat: &dyn FlatState,
        index: u32,
        end: u32,
    ) -> Result<Option<ChangedSlot>, Failure> {
        let Some(cell) = self.slots.get(index).filter(|cell| cell.versions.latest(end).is_some())
        else {
            return Ok(None);
        };
        let after = self.slot(flat, index, end)?;
        let account = self.accounts.get(cell.account()).ok_or(Failure::Full)?;
        let before = match account.wiped_below(end).map_err(Blocked::By)? {
            0 => self.base_slot(flat, cell)?.value,
            _ => U256::ZERO,
        };
        Ok((before != after).then(|| (cell.account(), index)))
    }

    fn slot_after(
        &self,
        flat: &dyn FlatState,
        index: u32,
        end: u32,
    ) -> Result<(U256, U256), Failure> {
        let cell = self.slots.get(index).ok_or(Failure::Full)?;
        Ok((cell.slot(), self.slot(flat, index, end)?))
    }

    fn changed_account(
        &self,
        flat: &dyn FlatState,
        (index, end): (u32, u32),
        slots: Vec<(U256, U256)>,
    ) -> Result<Option<FlatChange>, Failure> {
        let Some(cell) = self.accounts.get(index) else {
            return Ok(None);
        };
        if slots.is_empty() && cell.versions.latest(end).is_none() {
            return Ok(None);
        }
        let before = self.base_account(flat, cell)?.value.existing();
        let after = self.settled_account(flat, index, end)?.existing();
        let wiped = cell.wiped_below(end).map_err(Blocked::By)? > 0;
        let emptied = wiped && before.is_some_and(|before| before.has_storage);
        let values = |account: Option<FlatAccount>| {
            account.map(|FlatAccount { nonce, balance, code_hash, .. }| (nonce, balance, code_hash))
        };
        if values(before) == values(after) && slots.is_empty() && !emptied {
            return Ok(None);
        }
        Ok(Some(FlatChange { address: cell.address(), after, wiped, slots }))
    }
}
