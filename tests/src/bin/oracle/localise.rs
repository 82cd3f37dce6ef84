//! Which accounts differ.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use recourse_execution::State;

use crate::{
    case::{Account, Case, state_of},
    ours::Ours,
    worker::Worker,
};

/// One line for each account that differs after the opening and `prefix` transactions.
///
/// # Errors
/// When the worker breaks.
pub(crate) fn localise(
    oracle: &mut Worker,
    case: &Case,
    ours: &Ours,
    prefix: usize,
) -> eyre::Result<Vec<String>> {
    let Some(mine) = ours.states.get(prefix) else {
        return Ok(Vec::new());
    };
    let alloc = oracle.alloc(case, prefix)?;
    let theirs = state_of(&alloc)?;
    let known: BTreeSet<Address> = alloc.keys().chain(case.alloc.keys()).copied().collect();
    let mut lines = Vec::new();
    for address in known {
        let (before, after) = (told(mine, address)?, told(&theirs, address)?);
        if before != after {
            lines.push(format!("{address}: ours {before}, theirs {after}"));
            lines.extend(slots(mine, address, &alloc)?);
        }
    }
    Ok(lines)
}

fn told(state: &State, address: Address) -> eyre::Result<String> {
    Ok(match state.account(address)? {
        None => "absent".to_owned(),
        Some(account) => format!(
            "nonce {} balance {} code {} storage {}",
            account.nonce,
            account.balance,
            account.code_hash,
            account.storage.root()
        ),
    })
}

/// Slots that they have. One that only we have shows in the storage root alone.
fn slots(
    mine: &State,
    address: Address,
    alloc: &BTreeMap<Address, Account>,
) -> eyre::Result<Vec<String>> {
    let mut lines = Vec::new();
    for (slot, value) in alloc.get(&address).into_iter().flat_map(|account| &account.storage) {
        let got = mine.storage(address, *slot)?;
        if got != *value {
            lines.push(format!("{address}[{slot}]: ours {got}, theirs {value}"));
        }
    }
    Ok(lines)
}
