use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use revm::state::Bytecode;

use crate::error::StateError;

/// The state before a block, read value by value, by any thread.
///
/// One that answers differently when it is asked again would make the result depend on who asked first.
pub trait FlatState: Sync {
    /// The account at an address; none when there is no such account.
    ///
    /// # Errors
    /// When it can't be read.
    fn account(&self, address: Address) -> Result<Weighed<Option<FlatAccount>>, StateError>;

    /// The value of a slot of an account that exists; zero when it is not set.
    ///
    /// # Errors
    /// When it can't be read.
    fn storage(&self, address: Address, slot: U256) -> Result<Weighed<U256>, StateError>;

    /// The code with this hash, which is not that of empty code.
    ///
    /// # Errors
    /// [`StateError::MissingCode`] when no account has it.
    fn code(&self, hash: B256) -> Result<Bytecode, StateError>;
}

/// An account without its code and its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlatAccount {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// `keccak256` of its code.
    pub code_hash: B256,
    /// Whether any slot is set.
    pub has_storage: bool,
}

impl FlatAccount {
    /// No account.
    pub(super) const NONE: Self =
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY, has_storage: false };

    /// Whether it does not exist in the sense of EIP-161.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    pub(super) fn existing(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }
}

/// A value, and how far the walk to it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed<T> {
    /// The value.
    pub value: T,
    /// The way to it, or to where it would be.
    pub path: Path,
}

/// The way of a key through a trie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Nibbles of the key that it shares with any other key of the trie, at most.
    pub shared: u8,
}

impl<T> From<T> for Weighed<T> {
    /// From a state without tries. No limit on the bytes of state that a transaction uses can be held there.
    fn from(value: T) -> Self {
        Self { value, path: Path::default() }
    }
}
