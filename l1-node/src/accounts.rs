//! Prefunded accounts of a well-known mnemonic.

use std::fmt;

use alloy::signers::local::{LocalSignerError, MnemonicBuilder, PrivateKeySigner};
use alloy_primitives::{Address, B256};

/// A dev account. Its key is derived from a phrase that is public by default.
#[derive(Clone)]
pub struct DevAccount {
    signer: PrivateKeySigner,
}

impl DevAccount {
    /// Derives the account at `m/44'/60'/0'/0/index`.
    pub(crate) fn derive(mnemonic: &str, index: u32) -> Result<Self, LocalSignerError> {
        MnemonicBuilder::try_from_phrase_nth(mnemonic, index).map(|signer| Self { signer })
    }

    /// The account's address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The account's private key.
    #[must_use]
    pub fn private_key(&self) -> B256 {
        self.signer.to_bytes()
    }

    /// A signer for the account.
    #[must_use]
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }
}

impl fmt::Debug for DevAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevAccount").field("address", &self.address()).finish_non_exhaustive()
    }
}
