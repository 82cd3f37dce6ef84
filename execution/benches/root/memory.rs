//! Bytes that a state takes in memory, by what the process takes.

use alloy_primitives::{B256, U256};
use recourse_execution::{FlatAccount, FlatState, State};

use crate::world;

const ACCOUNTS: usize = 200_000;

/// Resident bytes of this process; none where there is no /proc.
fn resident() -> Option<u64> {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Builds two states and says what they take, hashed. The first is kept, so that the second finds no memory that it freed.
pub(crate) fn report() {
    let list = world::accounts(ACCOUNTS);
    let (slots, _) = world::slots();
    let slots: Vec<_> = slots.into_iter().map(|(key, value)| (list[0].0, key, value)).collect();
    let accounts = measure("account", list.len(), &list, &[]);
    let storage = measure("slot", slots.len(), &list[..1], &slots);
    drop((accounts, storage));
}

fn measure(
    what: &str,
    count: usize,
    accounts: &[(B256, FlatAccount)],
    slots: &[(B256, B256, U256)],
) -> State {
    let before = resident();
    let mut flat = FlatState::default();
    flat.slots(slots).unwrap();
    flat.accounts(accounts).unwrap();
    let state = flat.finish().unwrap();
    let _ = state.root();
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("{} bytes in memory a {what}", after.saturating_sub(before) / count as u64);
    }
    state
}
