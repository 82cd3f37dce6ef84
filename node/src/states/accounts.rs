//! Accounts and slots as bytes.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256};
use alloy_rlp::{Decodable, Encodable, Header};
use recourse_execution::FlatAccount;

use super::StatesError;

const BAD_ACCOUNT: StatesError = StatesError::Damaged("an account");
const BAD_SLOT: StatesError = StatesError::Damaged("a slot");

/// Nonce and balance, each RLP, then the code hash if there is code.
pub(super) fn encode_account(account: &FlatAccount) -> Vec<u8> {
    let mut out = Vec::with_capacity(48);
    account.nonce.encode(&mut out);
    account.balance.encode(&mut out);
    if account.code_hash != KECCAK256_EMPTY {
        out.extend_from_slice(account.code_hash.as_slice());
    }
    out
}

pub(super) fn decode_account(mut bytes: &[u8]) -> Result<FlatAccount, StatesError> {
    let nonce = u64::decode(&mut bytes).map_err(|_| BAD_ACCOUNT)?;
    let balance = U256::decode(&mut bytes).map_err(|_| BAD_ACCOUNT)?;
    let code_hash = match bytes {
        [] => KECCAK256_EMPTY,
        hash => B256::try_from(hash).map_err(|_| BAD_ACCOUNT)?,
    };
    Ok(FlatAccount { nonce, balance, code_hash })
}

/// Big-endian, without leading zeros.
pub(super) fn encode_slot(value: U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(super) fn decode_slot(bytes: &[u8]) -> Result<U256, StatesError> {
    U256::try_from_be_slice(bytes).filter(|value| !value.is_zero()).ok_or(BAD_SLOT)
}

/// A slot's key: hashed address, then hashed slot.
pub(super) fn slot_key(account: B256, slot: B256) -> Vec<u8> {
    [account, slot].concat()
}

pub(super) fn hash_of(key: &[u8]) -> Result<B256, StatesError> {
    B256::try_from(key).map_err(|_| StatesError::Damaged("a key"))
}

/// Two hashes, one behind the other.
pub(super) fn hashes_of(key: &[u8]) -> Result<(B256, B256), StatesError> {
    let (account, slot) = key.split_at_checked(32).ok_or(BAD_SLOT)?;
    Ok((hash_of(account)?, hash_of(slot)?))
}

/// Bytes with their length before them.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.encode(out);
}

pub(super) fn take_bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], alloy_rlp::Error> {
    Header::decode_bytes(from, false)
}
