//! What happened between two states.

use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::Nibbles;

use super::{Account, AccountPatch, FlatAccount, Slot, State};
use crate::{error::StateError, trie::Trie};

/// What happened between two states. The states tell it themselves, whatever led from one to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Accounts that changed, ascending by key.
    pub accounts: Vec<AccountDiff>,
    /// Codes that are new, with their hashes.
    pub codes: Vec<(B256, Bytes)>,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDiff {
    /// Its hashed address.
    pub key: B256,
    /// As it was; none when it did not exist.
    pub before: Option<FlatAccount>,
    /// As it is; none when it does not exist any more.
    pub after: Option<FlatAccount>,
    /// Hashed slots that changed, ascending, with their values before and after; zero where there is none.
    pub slots: Vec<(B256, U256, U256)>,
}

impl State {
    /// What leads from this state to `after`, in time by the size of that: what the two share in memory is passed over.
    ///
    /// # Errors
    /// Never in practice: states are wholly in memory.
    pub fn diff(&self, after: &Self) -> Result<StateDiff, StateError> {
        let mut found = Vec::new();
        let (old, new) = (self.world().accounts(), after.world().accounts());
        old.differences(new, &mut |key, before, after| found.push((key, before, after)))?;
        let mut accounts = Vec::with_capacity(found.len());
        for (key, before, after) in found {
            let diff = account(&key, before, after)?;
            if diff.before != diff.after || !diff.slots.is_empty() {
                accounts.push(diff);
            }
        }
        let mut codes = Vec::new();
        self.world().codes.differences(&after.world().codes, &mut |key, before, after| {
            if let (None, Some(code)) = (before, after) {
                codes.push((hash(&key), code.bytes()));
            }
        })?;
        Ok(StateDiff { accounts, codes })
    }
}

fn account(
    key: &Nibbles,
    before: Option<&Account>,
    after: Option<&Account>,
) -> Result<AccountDiff, StateError> {
    let storage =
        |account: Option<&Account>| account.map_or_else(Trie::default, |a| a.storage.clone());
    let (old, new) = (storage(before), storage(after));
    let mut slots = Vec::new();
    old.differences(&new, &mut |slot, before, after| {
        let value = |slot: Option<&Slot>| slot.map_or(U256::ZERO, |slot| slot.0);
        let (before, after) = (value(before), value(after));
        if before != after {
            slots.push((hash(&slot), before, after));
        }
    })?;
    Ok(AccountDiff {
        key: hash(key),
        before: before.map(FlatAccount::from),
        after: after.map(FlatAccount::from),
        slots,
    })
}

/// A key of 64 nibbles.
fn hash(key: &Nibbles) -> B256 {
    B256::right_padding_from(&key.pack())
}

impl StateDiff {
    /// What leads back.
    #[must_use]
    pub fn backward(&self) -> Vec<AccountPatch> {
        let back = |diff: &AccountDiff| AccountPatch {
            key: diff.key,
            account: diff.before,
            slots: diff.slots.iter().map(|(slot, before, _)| (*slot, *before)).collect(),
        };
        self.accounts.iter().map(back).collect()
    }

    /// What leads there again.
    #[must_use]
    pub fn forward(&self) -> Vec<AccountPatch> {
        let forth = |diff: &AccountDiff| AccountPatch {
            key: diff.key,
            account: diff.after,
            slots: diff.slots.iter().map(|(slot, _, after)| (*slot, *after)).collect(),
        };
        self.accounts.iter().map(forth).collect()
    }

    /// Whether nothing happened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.codes.is_empty()
    }
}
