//! The states that the published vectors begin with, and who lives in them.

use std::collections::BTreeMap;

use alloy::signers::local::PrivateKeySigner;
use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use eyre::{OptionExt, bail};
use recourse_execution::{GenesisAccount, State};
use recourse_protocol::bindings::BlockContext;

use crate::contracts::{self, Code};

pub(crate) const CHAIN: u64 = 7_777;
pub(crate) const BASE_FEE: u64 = 1_000_000_000;
pub(crate) const MAX_WITNESS: u32 = 1 << 20;
pub(crate) const COINBASE: Address = Address::repeat_byte(0xcb);
/// Nobody is there.
pub(crate) const NOBODY: Address = Address::repeat_byte(0x99);
pub(crate) const STORER: Address = Address::repeat_byte(0x51);
pub(crate) const CODE_READER: Address = Address::repeat_byte(0x52);
pub(crate) const REVERTER: Address = Address::repeat_byte(0x53);
pub(crate) const LOGGER: Address = Address::repeat_byte(0x54);
pub(crate) const HASHER: Address = Address::repeat_byte(0x55);
pub(crate) const OBSERVER: Address = Address::repeat_byte(0x56);
pub(crate) const DESTROYER: Address = Address::repeat_byte(0x57);
pub(crate) const CALLER: Address = Address::repeat_byte(0x58);
pub(crate) const LOOPER: Address = Address::repeat_byte(0x59);
/// Has a code of 400 bytes.
pub(crate) const LONG: Address = Address::repeat_byte(0x5a);

/// The states by name.
pub(crate) const STATES: [&str; 10] = [
    "plain",
    "probes",
    "empty",
    "lonely",
    "history",
    "delegated",
    "contract-sender",
    "rich",
    "no-history-code",
    "no-anchor-code",
];

pub(crate) type Accounts = BTreeMap<Address, GenesisAccount>;

/// The key of account `index`: `keccak256(0x4b, index)`.
pub(crate) fn key(index: u8) -> eyre::Result<PrivateKeySigner> {
    Ok(PrivateKeySigner::from_bytes(&keccak256([0x4b, index]))?)
}

pub(crate) fn account(index: u8) -> eyre::Result<Address> {
    Ok(key(index)?.address())
}

/// The block in which almost everything happens.
pub(crate) fn block() -> BlockContext {
    BlockContext {
        chainId: CHAIN,
        number: 300,
        timestamp: 1_800_000_000,
        gasLimit: 1 << 28,
        baseFee: U256::from(BASE_FEE),
        prevRandao: B256::repeat_byte(0x7a),
        coinbase: COINBASE,
    }
}

/// The accounts of a state.
pub(crate) fn accounts(name: &str) -> eyre::Result<Accounts> {
    let mut all = plain()?;
    match name {
        "plain" => {}
        "empty" => all.clear(),
        "lonely" => {
            let first = account(0)?;
            all.retain(|address, _| *address == first);
        }
        "history" => {
            let slots = (0..300_u64).map(|slot| (U256::from(slot), hash_of_block(slot)));
            let kept = [44, 298, 299].map(U256::from);
            at(&mut all, eip2935::HISTORY_STORAGE_ADDRESS)?.storage =
                slots.filter(|(slot, _)| kept.contains(slot)).collect();
        }
        "delegated" => {
            let code = [&[0xef, 0x01, 0x00], STORER.as_slice()].concat();
            let delegated = at(&mut all, account(1)?)?;
            delegated.code = code.into();
            delegated.nonce = 1;
        }
        "probes" => {
            all = accounts("delegated")?;
            for (index, (code, _)) in (0..).zip(probes()?) {
                let storage = (0..3_u64).map(|slot| (U256::from(slot), U256::from(7))).collect();
                let account = GenesisAccount { nonce: 1, code, storage, ..Default::default() };
                all.insert(probe(index), account);
            }
        }
        "contract-sender" => at(&mut all, account(0)?)?.code = Bytes::from_static(&[0x00]),
        "rich" => at(&mut all, account(0)?)?.balance = U256::MAX,
        "no-history-code" => {
            at(&mut all, eip2935::HISTORY_STORAGE_ADDRESS)?.code = Bytes::from_static(&[0x00]);
        }
        "no-anchor-code" => {
            all.remove(&eip4788::BEACON_ROOTS_ADDRESS);
        }
        _ => bail!("no state is called {name}"),
    }
    Ok(all)
}

/// Where the contract `index` of [`probes`] is.
pub(crate) const fn probe(index: u8) -> Address {
    Address::repeat_byte(0x60_u8.saturating_add(index))
}

/// The codes of the state `probes`, and the least gas with which each reads what it reads.
pub(crate) fn probes() -> eyre::Result<[(Bytes, u64); 7]> {
    Ok(contracts::probes([account(2)?, LONG, REVERTER, LOGGER], account(1)?))
}

/// What the state `history` says that the hash of block `number` is.
pub(crate) fn hash_of_block(number: u64) -> U256 {
    keccak256(number.to_be_bytes()).into()
}

pub(crate) fn state(name: &str) -> eyre::Result<State> {
    Ok(State::of(&accounts(name)?)?)
}

fn at(all: &mut Accounts, address: Address) -> eyre::Result<&mut GenesisAccount> {
    all.get_mut(&address).ok_or_eyre("an account is missing")
}

fn plain() -> eyre::Result<Accounts> {
    let mut all = Accounts::new();
    for index in 0..3 {
        let balance = U256::from(10).pow(U256::from(20));
        all.insert(account(index)?, GenesisAccount { balance, ..GenesisAccount::default() });
    }
    for index in 0..4_u8 {
        let balance = U256::ONE;
        let address = Address::from_word(keccak256([index]));
        all.insert(address, GenesisAccount { balance, ..GenesisAccount::default() });
    }
    for (address, code) in codes()? {
        let contract =
            GenesisAccount { nonce: 1, balance: U256::from(1_000), code, ..Default::default() };
        all.insert(address, contract);
    }
    let slots = (0..8_u64).map(|slot| (U256::from(slot), U256::from(slot.saturating_add(1))));
    at(&mut all, STORER)?.storage = slots.collect();
    for (address, code) in [
        (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
        (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
    ] {
        let code = code.clone();
        all.insert(address, GenesisAccount { nonce: 1, code, ..Default::default() });
    }
    Ok(all)
}

fn codes() -> eyre::Result<[(Address, Bytes); 10]> {
    Ok([
        (STORER, contracts::storer()),
        (CODE_READER, contracts::code_reader()),
        (REVERTER, contracts::reverter()),
        (LOGGER, contracts::logger()),
        (HASHER, contracts::hasher()),
        (OBSERVER, contracts::observer()),
        (DESTROYER, contracts::destroyer(account(2)?)),
        (CALLER, contracts::caller(REVERTER, LOGGER, NOBODY)),
        (LOOPER, contracts::looper()),
        (LONG, Code::new().ops(&[0; 400]).build()),
    ])
}
