//! An L2 with funded accounts, a few contracts, and enough others that its tries are a few nodes deep.

use std::collections::BTreeMap;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip7702, TxEnvelope, TxLegacy},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    network::TxSignerSync,
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use recourse_execution::{Genesis, GenesisAccount, Schedule, State};
use recourse_protocol::bindings::BlockContext;

use crate::assembler;

pub const CHAIN: u64 = 7_777;
pub const BASE_FEE: u64 = 1_000_000_000;
pub const MAX_WITNESS: u32 = 1 << 20;
pub const STORER: Address = Address::repeat_byte(0x51);
pub const CODE_READER: Address = Address::repeat_byte(0x52);
pub const COINBASE: Address = Address::repeat_byte(0xcb);

pub fn schedule() -> Schedule {
    Schedule::osaka()
}

pub fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([0x4b, index])).unwrap()
}

pub fn account(index: u8) -> Address {
    key(index).address()
}

/// An address that genesis funds with 1 wei.
pub fn filler(index: u64) -> Address {
    Address::from_slice(&keccak256(index.to_be_bytes())[..20])
}

pub fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount { nonce: 1, balance: U256::from(1_000), code, storage: BTreeMap::new() }
}

pub fn genesis() -> Genesis {
    let mut alloc = BTreeMap::new();
    for index in 0..8 {
        alloc.insert(
            account(index),
            GenesisAccount {
                balance: U256::from(10).pow(U256::from(20)),
                ..GenesisAccount::default()
            },
        );
    }
    for index in 0..300 {
        alloc.insert(
            filler(index),
            GenesisAccount { balance: U256::from(1), ..GenesisAccount::default() },
        );
    }
    let storage = (0..24_u64).map(|slot| (U256::from(slot), U256::from(slot + 1))).collect();
    alloc.insert(STORER, GenesisAccount { storage, ..contract(assembler::storer()) });
    alloc.insert(CODE_READER, contract(assembler::code_reader()));
    Genesis { alloc }
}

pub fn state() -> State {
    genesis().build().unwrap()
}

pub fn block() -> BlockContext {
    BlockContext {
        chainId: CHAIN,
        number: 1,
        timestamp: 1_000_000,
        gasLimit: 1 << 28,
        baseFee: U256::from(BASE_FEE),
        prevRandao: B256::repeat_byte(0x7a),
        coinbase: COINBASE,
    }
}

/// An EIP-1559 transaction with sane defaults.
pub fn tx(nonce: u64, to: TxKind) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 10 * u128::from(BASE_FEE),
        max_priority_fee_per_gas: 7,
        to,
        ..TxEip1559::default()
    }
}

pub fn transfer(nonce: u64, to: Address, value: u64) -> TxEip1559 {
    TxEip1559 { value: U256::from(value), ..tx(nonce, to.into()) }
}

pub fn call(nonce: u64, to: Address, input: Bytes) -> TxEip1559 {
    TxEip1559 { input, ..tx(nonce, to.into()) }
}

pub fn create(nonce: u64, input: Bytes) -> TxEip1559 {
    TxEip1559 { input, ..tx(nonce, TxKind::Create) }
}

pub fn legacy(nonce: u64, to: Address) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN),
        nonce,
        gas_price: 2 * u128::from(BASE_FEE),
        gas_limit: 100_000,
        to: to.into(),
        value: U256::from(5),
        ..TxLegacy::default()
    }
}

/// Sets `delegate` as the code of `authority`, which signs for that.
pub fn delegation(nonce: u64, authority: u8, authority_nonce: u64, delegate: Address) -> TxEip7702 {
    let authorization =
        Authorization { chain_id: U256::from(CHAIN), address: delegate, nonce: authority_nonce };
    let signature = key(authority).sign_hash_sync(&authorization.signature_hash()).unwrap();
    TxEip7702 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 500_000,
        max_fee_per_gas: 10 * u128::from(BASE_FEE),
        max_priority_fee_per_gas: 3,
        to: account(authority),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    }
}

pub fn sign<T>(from: u8, mut tx: T) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = key(from).sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// Calldata for the storer.
pub fn writes(pairs: &[(u64, u64)]) -> Bytes {
    let words = pairs.iter().flat_map(|(slot, value)| [U256::from(*slot), U256::from(*value)]);
    words.flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>().into()
}
