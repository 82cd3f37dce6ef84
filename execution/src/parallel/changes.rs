//! All that a block changed, gathered once.

use std::collections::HashMap;

use alloy_primitives::U256;

use super::{
    flat::{FlatAccount, FlatState},
    job::FlatChange,
    space::{Blocked, Failure, Space},
};

impl From<Blocked> for Failure {
    fn from(blocked: Blocked) -> Self {
        match blocked {
            Blocked::By(_) => Self::Stopped,
            Blocked::Failed(failure) => failure,
        }
    }
}

/// A slot of an account, by the account's cell, and its new value.
type ChangedSlot = (u32, (U256, U256));

impl Space {
    /// What the transactions before `end` changed; all of them are committed.
    pub(super) fn changes(
        &self,
        flat: &dyn FlatState,
        end: u32,
    ) -> Result<Vec<FlatChange>, Failure> {
        let mut slots: HashMap<u32, Vec<(U256, U256)>> = HashMap::new();
        for index in 0..self.slots.count() {
            if let Some((account, slot)) = self.changed_slot(flat, index, end)? {
                slots.entry(account).or_default().push(slot);
            }
        }
        let mut changes = Vec::new();
        for index in 0..self.accounts.count() {
            let slots = slots.remove(&index).unwrap_or_default();
            changes.extend(self.changed_account(flat, (index, end), slots)?);
        }
        Ok(changes)
    }

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
        Ok((before != after).then(|| (cell.account(), (cell.slot(), after))))
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
        let after = self.account(flat, index, end)?.existing();
        let wiped = cell.wiped_below(end).map_err(Blocked::By)? > 0;
        let emptied = wiped && before.is_some_and(|before| before.has_storage);
        let values = |account: Option<FlatAccount>| {
            account.map(|FlatAccount { nonce, balance, code_hash, .. }| (nonce, balance, code_hash))
        };
        if values(before) == values(after) && slots.is_empty() && !emptied {
            return Ok(None);
        }
        Ok(Some(FlatChange { address: cell.address(), before, after, wiped, slots }))
    }
}
