//! The dev accounts of l1-node, by what they do in tests and in the demo.

use alloy::signers::local::{
    LocalSignerError, MnemonicBuilder, PrivateKeySigner, coins_bip39::English,
};
use alloy_primitives::U256;

/// The well-known phrase of dev chains; its keys are public.
const PHRASE: &str = "test test test test test test test test test test test junk";

/// Who holds a dev account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Role {
    /// Deploys the contracts.
    Deployer = 0,
    /// The honest proposer.
    Proposer = 1,
    /// The honest watchtower.
    Challenger = 2,
    /// Claims what is false.
    Cheat = 3,
    /// Uses L2, forces transactions, deposits.
    User = 4,
    /// Another user.
    OtherUser = 5,
    /// Appends batches of its own.
    Stranger = 6,
    /// Challenges without cause.
    Griefer = 7,
    /// Claims the truth once and is never seen again.
    Vanishing = 8,
}

impl Role {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Deployer,
        Self::Proposer,
        Self::Challenger,
        Self::Cheat,
        Self::User,
        Self::OtherUser,
        Self::Stranger,
        Self::Griefer,
        Self::Vanishing,
    ];

    /// Its key.
    ///
    /// # Errors
    /// Never in practice: the phrase is a valid one.
    pub fn signer(self) -> Result<PrivateKeySigner, LocalSignerError> {
        MnemonicBuilder::<English>::default().phrase(PHRASE).index(self as u32)?.build()
    }
}

/// What each of them owns on L2 from the start: 1,000 ether, in wei.
#[must_use]
pub fn l2_balance() -> U256 {
    U256::from(1_000).saturating_mul(U256::from(10).pow(U256::from(18)))
}
