//! Transactions of the accounts of `scene`.

use alloy::{
    consensus::{
        SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    },
    eips::{eip2718::Encodable2718, eip2930::AccessListItem, eip7702::Authorization},
    network::TxSignerSync,
    signers::SignerSync,
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};

use crate::scene::{BASE_FEE, CHAIN, STORER, account, key};

/// Ten base fees.
pub(crate) const PRICE: u128 = 10 * BASE_FEE as u128;

/// An EIP-1559 transaction with sane defaults.
pub(crate) fn tx(nonce: u64, to: TxKind) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: PRICE,
        max_priority_fee_per_gas: 7,
        to,
        ..TxEip1559::default()
    }
}

pub(crate) fn transfer(nonce: u64, to: Address, value: u64) -> TxEip1559 {
    TxEip1559 { value: U256::from(value), ..tx(nonce, to.into()) }
}

pub(crate) fn call(nonce: u64, to: Address, input: Bytes) -> TxEip1559 {
    TxEip1559 { input, ..tx(nonce, to.into()) }
}

pub(crate) fn create(nonce: u64, input: Bytes) -> TxEip1559 {
    TxEip1559 { input, ..tx(nonce, TxKind::Create) }
}

pub(crate) fn legacy(chain_id: Option<u64>, to: Address) -> TxLegacy {
    TxLegacy {
        chain_id,
        gas_price: PRICE,
        gas_limit: 100_000,
        to: to.into(),
        value: U256::from(5),
        ..TxLegacy::default()
    }
}

/// Names slots of the storer that it does not touch: warming is no use.
pub(crate) fn with_access_list(to: Address) -> TxEip2930 {
    let item = AccessListItem {
        address: STORER,
        storage_keys: (0..3_u64).map(|slot| U256::from(slot).into()).collect(),
    };
    TxEip2930 {
        chain_id: CHAIN,
        gas_price: PRICE,
        gas_limit: 100_000,
        to: to.into(),
        value: U256::from(5),
        access_list: vec![item].into(),
        ..TxEip2930::default()
    }
}

/// Sets `delegate` as the code of `authority`, which signs for that, and calls it with `input`.
pub(crate) fn delegation(
    authority: u8,
    authority_nonce: u64,
    delegate: Address,
    input: Bytes,
) -> eyre::Result<TxEip7702> {
    let authorization =
        Authorization { chain_id: U256::from(CHAIN), address: delegate, nonce: authority_nonce };
    let signature = key(authority)?.sign_hash_sync(&authorization.signature_hash())?;
    Ok(TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 500_000,
        max_fee_per_gas: PRICE,
        max_priority_fee_per_gas: 3,
        to: account(authority)?,
        input,
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    })
}

/// Signs with the key of account `from`.
pub(crate) fn sign<T>(from: u8, mut tx: T) -> eyre::Result<Bytes>
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<Signed<T>>,
{
    let signature = key(from)?.sign_transaction_sync(&mut tx)?;
    Ok(encode(tx.into_signed(signature)))
}

pub(crate) fn encode<T>(signed: Signed<T>) -> Bytes
where
    TxEnvelope: From<Signed<T>>,
{
    TxEnvelope::from(signed).encoded_2718().into()
}

/// Input for the storer.
pub(crate) fn writes(pairs: &[(u64, u64)]) -> Bytes {
    words(pairs.iter().flat_map(|(slot, value)| [U256::from(*slot), U256::from(*value)]))
}

pub(crate) fn words(words: impl IntoIterator<Item = U256>) -> Bytes {
    words.into_iter().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>().into()
}
