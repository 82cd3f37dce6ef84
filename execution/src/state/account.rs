use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use revm::state::{AccountInfo, Bytecode};

use crate::trie::{Trie, TrieError, Value};

/// An account with its storage.
#[derive(Clone, Debug)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// `keccak256` of its code.
    pub code_hash: B256,
    /// Its storage trie.
    pub storage: Trie<Slot>,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY, storage: Trie::default() }
    }
}

impl Account {
    /// Whether it does not exist in the sense of EIP-161.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    /// As revm takes it, without its code.
    #[must_use]
    pub fn info(&self) -> AccountInfo {
        AccountInfo {
            balance: self.balance,
            nonce: self.nonce,
            code_hash: self.code_hash,
            code: None,
            ..AccountInfo::default()
        }
    }
}

/// The Yellow Paper's account tuple.
#[derive(RlpEncodable, RlpDecodable)]
struct AccountTuple {
    nonce: u64,
    balance: U256,
    storage_root: B256,
    code_hash: B256,
}

impl Account {
    fn tuple(&self, storage_root: B256) -> AccountTuple {
        let Self { nonce, balance, code_hash, .. } = *self;
        AccountTuple { nonce, balance, storage_root, code_hash }
    }
}

impl Value for Account {
    fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(self.tuple(self.storage.root()))
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        self.tuple(self.storage.root()).encode(out);
    }

    // Nothing is hashed: all roots are equally long.
    fn encoded_len(&self) -> usize {
        self.tuple(B256::ZERO).length()
    }

    fn decode(bytes: &[u8]) -> Result<Self, TrieError> {
        let tuple: AccountTuple = canonical(bytes, "an account is not canonical RLP")?;
        // Nothing hashes to that, and EVM implementations take it for "no code", some for "empty".
        if tuple.code_hash.is_zero() {
            return Err(TrieError::Malformed("a code hash is zero"));
        }
        Ok(Self {
            nonce: tuple.nonce,
            balance: tuple.balance,
            code_hash: tuple.code_hash,
            storage: Trie::blinded(tuple.storage_root),
        })
    }
}

/// A storage value, never zero in a trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub U256);

impl Value for Slot {
    fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(self.0)
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn encoded_len(&self) -> usize {
        self.0.length()
    }

    fn decode(bytes: &[u8]) -> Result<Self, TrieError> {
        let value: U256 = canonical(bytes, "a slot is not canonical RLP")?;
        if value.is_zero() {
            return Err(TrieError::Malformed("a slot holds zero"));
        }
        Ok(Self(value))
    }
}

/// More than any account takes.
const MOST_BYTES: usize = 128;

fn canonical<T: Decodable + Encodable>(bytes: &[u8], what: &'static str) -> Result<T, TrieError> {
    let mut rest = bytes;
    let value = T::decode(&mut rest).map_err(|_| TrieError::Malformed(what))?;
    let (mut again, len) = ([0; MOST_BYTES], value.length());
    if let Some(mut space) = again.get_mut(..len) {
        value.encode(&mut space);
    }
    if again.get(..len) != Some(bytes) {
        return Err(TrieError::Malformed(what));
    }
    Ok(value)
}

/// Contract code, analysed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Bytecode);

impl Code {
    /// Code as it is stored. Exactly what EIP-7702 calls a delegation designator is one.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        if bytes.len() == 23
            && bytes.starts_with(&[0xef, 0x01, 0x00])
            && let Ok(code) = Bytecode::new_raw_checked(bytes.clone())
        {
            return Self(code);
        }
        Self(Bytecode::new_legacy(bytes))
    }

    /// As revm takes it.
    #[must_use]
    pub fn bytecode(&self) -> &Bytecode {
        &self.0
    }

    /// The bytes stored.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.0.original_bytes()
    }
}

impl From<Bytecode> for Code {
    fn from(code: Bytecode) -> Self {
        Self(code)
    }
}

// Codes lie in a trie for its O(1) clone only; it is never hashed.
impl Value for Code {
    fn encode(&self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, TrieError> {
        Ok(Self::new(Bytes::copy_from_slice(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_it_was_written() {
        let account = Account { nonce: 1, balance: U256::from(2), ..Account::default() };
        let read = Account::decode(&account.encode()).unwrap();
        assert_eq!((read.nonce, read.balance), (1, U256::from(2)));
        assert_eq!(read.code_hash, KECCAK256_EMPTY);
    }

    #[test]
    fn a_code_hash_of_zero_is_refused() {
        let account = Account { code_hash: B256::ZERO, ..Account::default() };
        let refused = Account::decode(&account.encode()).map(|_| ());
        assert_eq!(refused, Err(TrieError::Malformed("a code hash is zero")));
    }
}
