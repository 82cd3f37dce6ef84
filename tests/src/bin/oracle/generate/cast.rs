//! Who and what occurs in a case.

use std::collections::BTreeMap;

use alloy::signers::local::PrivateKeySigner;
use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use alloy_primitives::{Address, Bytes, U256, keccak256};

use eyre::OptionExt;

use super::dice::Dice;

/// People with keys.
const SENDERS: u8 = 6;
/// Contracts with code of their own.
const CONTRACTS: u8 = 8;
/// Accounts whose code is what others create with.
const LIBRARIES: u8 = 6;
/// Candidates for slots and addresses that are neighbours in their tries.
const CANDIDATES: u64 = 3_000;

#[derive(Debug)]
pub(super) struct Cast {
    pub(super) keys: Vec<PrivateKeySigner>,
    pub(super) contracts: Vec<Address>,
    /// The first half holds init codes, the second runtime codes.
    pub(super) libraries: Vec<Address>,
    /// Slots, many of them neighbours.
    pub(super) slots: Vec<U256>,
    /// Everybody that a code may name.
    pub(super) names: Vec<Address>,
    pub(super) coinbase: Address,
}

impl Cast {
    /// # Errors
    /// Never: the keys are good.
    pub(super) fn new(dice: &mut Dice) -> eyre::Result<Self> {
        let keys = (0..SENDERS)
            .map(|index| PrivateKeySigner::from_bytes(&keccak256([b'k', index])))
            .collect::<Result<Vec<_>, _>>()?;
        let contracts: Vec<_> = (0..CONTRACTS).map(|index| numbered(0xc0, index)).collect();
        let libraries: Vec<_> = (0..LIBRARIES).map(|index| numbered(0x1b, index)).collect();
        let mut cast = Self {
            slots: slots(dice),
            names: Vec::new(),
            coinbase: Address::ZERO,
            keys,
            contracts,
            libraries,
        };
        cast.names = cast.everybody(dice);
        cast.coinbase =
            if dice.percent(50) { Address::repeat_byte(0xcb) } else { dice.pick(&cast.names) };
        cast.names.push(cast.coinbase);
        Ok(cast)
    }

    pub(super) fn senders(&self) -> Vec<Address> {
        self.keys.iter().map(PrivateKeySigner::address).collect()
    }

    /// Anybody's key.
    ///
    /// # Errors
    /// Never: there are keys.
    pub(super) fn key(&self, dice: &mut Dice) -> eyre::Result<PrivateKeySigner> {
        let index = usize::try_from(dice.below(SENDERS.into()))?;
        self.keys.get(index).cloned().ok_or_eyre("no key")
    }

    /// The library of an init code.
    pub(super) fn init(&self, dice: &mut Dice) -> Address {
        dice.pick(self.libraries.get(..self.inits()).unwrap_or_default())
    }

    /// The library of a code to deploy.
    pub(super) fn runtime(&self, dice: &mut Dice) -> Address {
        dice.pick(self.libraries.get(self.inits()..).unwrap_or_default())
    }

    pub(super) fn inits(&self) -> usize {
        self.libraries.len() / 2
    }

    /// Names that contracts get which are created with these codes.
    pub(super) fn add_creations(&mut self, inits: &[Bytes]) {
        for contract in &self.contracts {
            for init in inits {
                for salt in 0..2 {
                    let salt = U256::from(salt).to_be_bytes::<32>();
                    self.names.push(contract.create2_from_code(salt, init));
                }
            }
        }
    }

    fn everybody(&self, dice: &mut Dice) -> Vec<Address> {
        let mut names = self.senders();
        // Twice: they should be called often.
        names.extend(self.contracts.iter().chain(&self.contracts));
        names.extend(&self.libraries);
        names.extend([HISTORY_STORAGE_ADDRESS, BEACON_ROOTS_ADDRESS]);
        names.extend((0..=0x12).map(Address::with_last_byte));
        names.extend([0x0100_u64, 0x0101].map(|low| Address::from_word(U256::from(low).into())));
        names.extend(self.contracts.iter().map(|contract| contract.create(dice.within(1, 3))));
        names.extend(self.senders().iter().map(|sender| sender.create(dice.below(3))));
        names.extend(strangers(dice));
        names
    }
}

fn numbered(kind: u8, index: u8) -> Address {
    let mut address = Address::repeat_byte(kind);
    address.0.0[19] = index;
    address
}

/// Slots: a few small ones, and neighbours by their hashes.
fn slots(dice: &mut Dice) -> Vec<U256> {
    let mut slots: Vec<_> = (0..6).map(U256::from).collect();
    let candidates = (0..CANDIDATES).map(U256::from);
    slots.extend(neighbours(dice, 4, candidates, |slot| slot.to_be_bytes::<32>().to_vec()));
    slots
}

/// Addresses that nobody has a key to, neighbours by their hashes.
fn strangers(dice: &mut Dice) -> Vec<Address> {
    let candidates = (0..CANDIDATES)
        .map(|index| Address::from_word(U256::from(index.saturating_add(0xdead_0000)).into()));
    neighbours(dice, 3, candidates, |address| address.to_vec())
}

/// Of `groups` groups, those whose hashes share their first two nibbles.
fn neighbours<T>(
    dice: &mut Dice,
    groups: u64,
    candidates: impl Iterator<Item = T>,
    bytes: impl Fn(&T) -> Vec<u8>,
) -> Vec<T> {
    let mut by_prefix: BTreeMap<u8, Vec<T>> = BTreeMap::new();
    for candidate in candidates {
        let prefix = keccak256(bytes(&candidate)).0[0];
        by_prefix.entry(prefix).or_default().push(candidate);
    }
    (0..groups)
        .filter_map(|_| by_prefix.remove(&dice.bytes(1).first().copied().unwrap_or_default()))
        .flatten()
        .collect()
}
