//! Tries as deep as those of a large chain, around the few accounts and slots of which the values are known.
//!
//! Around the path of every key that a block touches, whether or not something lies there, each of the first levels gets all
//! of its 16 children: what is not known is one synthetic leaf, which a witness names by its hash only, as it names whole
//! subtries. Seven full levels are those of 16^7 = 268 million accounts (mainnet has about as many), four are those of a
//! contract with 65,536 slots.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256, keccak256};
use recourse_execution::{
    Account, State,
    state::{AccountChange, Code, World},
    trie::InMemory,
};

use crate::{known::Accounts, plain::Touched};

/// Full levels of the account trie.
pub(crate) const ACCOUNT_LEVELS: usize = 7;
/// Full levels of the trie of a contract's storage.
pub(crate) const STORAGE_LEVELS: usize = 4;

/// The state of these accounts, with what is touched padded.
pub(crate) fn state(accounts: &Accounts, touched: &Touched) -> eyre::Result<State> {
    let keys: BTreeSet<B256> = touched.keys().chain(accounts.keys()).map(keccak256).collect();
    let mut changes: BTreeMap<B256, AccountChange> = padding(&keys, ACCOUNT_LEVELS)
        .into_iter()
        .map(|key| (key, change(filler(key), None, BTreeMap::new())))
        .collect();
    let nothing = BTreeSet::new();
    for (address, known) in accounts.iter().filter(|(_, known)| !known.is_empty()) {
        let account = Account {
            nonce: known.nonce,
            balance: known.balance,
            code_hash: known.code_hash,
            ..Account::default()
        };
        let code = (!known.code.is_empty()).then(|| Code::new(known.code.clone()));
        // Storage without nonce or code would make a creation collide (EIP-7610).
        let slots = match known.nonce == 0 && known.code.is_empty() {
            true => BTreeMap::new(),
            false => slots(&known.storage, touched.get(address).unwrap_or(&nothing)),
        };
        changes.insert(keccak256(address), change(account, code, slots));
    }
    let mut world = World::default();
    world.apply(changes, &mut InMemory)?;
    Ok(State::from(world))
}

fn change(account: Account, code: Option<Code>, slots: BTreeMap<B256, U256>) -> AccountChange {
    AccountChange { before: None, after: Some(account), code, slots }
}

fn filler(key: B256) -> Account {
    // As large as a common account: a nonce, and a fraction of an ether.
    let balance = u64::from_be_bytes(key.0[24..].try_into().unwrap_or_default()) >> 5;
    Account { nonce: 1, balance: U256::from(balance), ..Account::default() }
}

fn slots(known: &BTreeMap<U256, U256>, touched: &BTreeSet<U256>) -> BTreeMap<B256, U256> {
    let hash = |slot: &U256| keccak256(slot.to_be_bytes::<32>());
    let keys: BTreeSet<B256> = touched.iter().chain(known.keys()).map(hash).collect();
    let fillers = padding(&keys, STORAGE_LEVELS);
    let mut slots: BTreeMap<_, _> =
        fillers.into_iter().map(|key| (key, U256::from_be_slice(&key[16..]))).collect();
    for (slot, value) in known.iter().filter(|(_, value)| !value.is_zero()) {
        slots.insert(hash(slot), *value);
    }
    slots
}

/// Keys that fill the first levels of a trie around `keys`.
fn padding(keys: &BTreeSet<B256>, levels: usize) -> Vec<B256> {
    let mut fillers: BTreeSet<B256> = BTreeSet::new();
    for key in keys {
        for level in 0..levels {
            for nibble in 0..16 {
                let (least, most) = below(*key, level, nibble);
                let taken = keys.range(least..=most).next().is_some()
                    || fillers.range(least..=most).next().is_some();
                if !taken {
                    // The rest of the key is a hash, as the rest of any key.
                    let rest = keccak256(least);
                    fillers.insert(least | (rest & (least ^ most)));
                }
            }
        }
    }
    fillers.into_iter().collect()
}

/// The first and the last key that share the first `level` nibbles with `key` and go on with `nibble`.
fn below(key: B256, level: usize, nibble: u8) -> (B256, B256) {
    let (mut least, mut most) = (B256::ZERO, B256::repeat_byte(0xff));
    for at in 0..=level {
        let own = if at == level { nibble } else { key[at / 2] >> (4 * (1 - at % 2)) & 0x0f };
        let shift = 4 * (1 - at % 2);
        least[at / 2] |= own << shift;
        most[at / 2] = most[at / 2] & !(0x0f << shift) | own << shift;
    }
    (least, most)
}
