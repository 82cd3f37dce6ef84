//! Authorisations of EIP-7702: good ones, and all kinds of others.

use alloy::{
    eips::eip7702::{Authorization, SignedAuthorization},
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, U256};
use recourse_execution::State;

use super::{CHAIN, cast::Cast, dice::Dice, invalid::high};

/// Up to three, sent by `sender`.
///
/// # Errors
/// Never: the keys are good, and the state is wholly in memory.
pub(super) fn authorizations(
    dice: &mut Dice,
    cast: &Cast,
    state: &State,
    sender: Address,
) -> eyre::Result<Vec<SignedAuthorization>> {
    (0..dice.within(1, 3)).map(|_| authorization(dice, cast, state, sender)).collect()
}

fn authorization(
    dice: &mut Dice,
    cast: &Cast,
    state: &State,
    sender: Address,
) -> eyre::Result<SignedAuthorization> {
    let key: PrivateKeySigner = key(dice, cast)?;
    let nonce = state.account(key.address())?.map_or(0, |account| account.nonce);
    // The sender's has risen before.
    let nonce = nonce.saturating_add(u64::from(key.address() == sender));
    let authorization = Authorization {
        chain_id: match dice.below(10) {
            0 => U256::from(CHAIN).saturating_add(U256::ONE),
            1 => dice.word(),
            2..=4 => U256::ZERO,
            _ => U256::from(CHAIN),
        },
        address: if dice.percent(15) { Address::ZERO } else { dice.pick(&cast.names) },
        nonce: match dice.below(10) {
            0 => nonce.saturating_add(1),
            1 => dice.roll(),
            2 => u64::MAX,
            _ => nonce,
        },
    };
    let signature = key.sign_hash_sync(&authorization.signature_hash())?;
    Ok(match dice.below(12) {
        0 => authorization.into_signed(high(signature)),
        1 => SignedAuthorization::new_unchecked(authorization, 0, dice.word(), dice.word()),
        2 => {
            let parity = u8::try_from(dice.below(256)).unwrap_or_default();
            SignedAuthorization::new_unchecked(authorization, parity, signature.r(), signature.s())
        }
        _ => authorization.into_signed(signature),
    })
}

/// Mostly somebody whose account is known; at times somebody new.
fn key(dice: &mut Dice, cast: &Cast) -> eyre::Result<PrivateKeySigner> {
    if dice.percent(20) {
        let new =
            alloy_primitives::keccak256([b'n', dice.bytes(1).first().copied().unwrap_or(0) % 4]);
        return Ok(PrivateKeySigner::from_bytes(&new)?);
    }
    cast.key(dice)
}
