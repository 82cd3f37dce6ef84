//! The state before.

use std::collections::BTreeMap;

use alloy_eips::{
    eip2935::{HISTORY_SERVE_WINDOW, HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
};
use alloy_primitives::{Address, Bytes, U64, U256};

use super::{author::Author, cast::Cast, dice::Dice};
use crate::case::{Account, Case};

const ETHER: u64 = 1_000_000_000_000_000_000;

pub(super) fn alloc(dice: &mut Dice, cast: &mut Cast) -> BTreeMap<Address, Account> {
    let inits: Vec<_> = (0..cast.inits()).map(|_| Author::new(dice, cast).init()).collect();
    cast.add_creations(&inits);
    let mut alloc = BTreeMap::new();
    for (library, code) in cast.libraries.iter().zip(inits) {
        alloc.insert(*library, account(1, 0, code));
    }
    for library in cast.libraries.iter().skip(cast.inits()) {
        alloc.insert(*library, account(1, 0, Author::new(dice, cast).runtime()));
    }
    for contract in &cast.contracts {
        let code = Author::new(dice, cast).runtime();
        let it = account(1, dice.below(10), code);
        alloc.insert(*contract, Account { storage: storage(dice, cast), ..it });
    }
    others(dice, cast, &mut alloc);
    people(dice, cast, &mut alloc);
    alloc.insert(HISTORY_STORAGE_ADDRESS, account(1, 0, HISTORY_STORAGE_CODE.clone()));
    alloc.insert(BEACON_ROOTS_ADDRESS, account(1, 0, BEACON_ROOTS_CODE.clone()));
    alloc
}

/// The EIP-2935 contract knows what the block's ancestors are.
pub(super) fn remember_hashes(case: &mut Case) {
    let count = u64::try_from(case.block_hashes.len()).unwrap_or_default();
    let first = case.block.number.saturating_to::<u64>().saturating_sub(count);
    let Some(history) = case.alloc.get_mut(&HISTORY_STORAGE_ADDRESS) else {
        return;
    };
    // The parent's comes with the opening.
    for (number, hash) in (first..).zip(case.block_hashes.iter().rev().skip(1).rev()) {
        let slot = number.checked_rem(HISTORY_SERVE_WINDOW as u64).unwrap_or_default();
        history.storage.insert(U256::from(slot), (*hash).into());
    }
}

fn account(nonce: u64, balance: u64, code: Bytes) -> Account {
    Account {
        nonce: U64::from(nonce),
        balance: U256::from(balance),
        code,
        storage: BTreeMap::new(),
    }
}

fn storage(dice: &mut Dice, cast: &Cast) -> BTreeMap<U256, U256> {
    let part = dice.below(100);
    let chosen: Vec<_> = cast.slots.iter().filter(|_| dice.percent(part)).copied().collect();
    chosen.into_iter().map(|slot| (slot, U256::from(dice.within(1, 300)))).collect()
}

/// Some of those who have a name exist: with money, and where a creation collides with code, nonce or storage.
fn others(dice: &mut Dice, cast: &Cast, alloc: &mut BTreeMap<Address, Account>) {
    for name in &cast.names {
        if alloc.contains_key(name) || !dice.percent(30) {
            continue;
        }
        let (nonce, balance, code) = match dice.below(20) {
            0 => (1, 0, Bytes::new()),
            1 => (0, 1, Bytes::from_static(&[0])),
            _ => (0, dice.within(1, 5), Bytes::new()),
        };
        let it = account(nonce, balance, code);
        // Storage alone (EIP-7610).
        let slots =
            if balance > 1 && dice.percent(5) { storage(dice, cast) } else { BTreeMap::new() };
        alloc.insert(*name, Account { storage: slots, ..it });
    }
}

/// Senders: rich, some poor, some with a delegation (EIP-7702), seldom with other code (EIP-3607).
fn people(dice: &mut Dice, cast: &Cast, alloc: &mut BTreeMap<Address, Account>) {
    for sender in cast.senders() {
        let balance = if dice.percent(96) { 10 * ETHER } else { dice.within(1, 1_000_000) };
        let code = match dice.below(50) {
            0..=9 => delegation(dice.pick(&cast.names)),
            10 => Bytes::from_static(&[0]),
            _ => Bytes::new(),
        };
        let it = account(dice.below(3), balance, code);
        let slots = if it.code.is_empty() { BTreeMap::new() } else { storage(dice, cast) };
        alloc.insert(sender, Account { storage: slots, ..it });
    }
}

fn delegation(to: Address) -> Bytes {
    [&[0xef, 0x01, 0x00], to.as_slice()].concat().into()
}
