//! Transactions that are invalid, or may be.

use alloy_primitives::{Bytes, Signature, TxKind, U256};

use super::{cast::Cast, dice::Dice, draft::Draft};

/// The order of secp256k1.
const ORDER: U256 = U256::from_be_slice(&[
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
]);
/// One byte more than an init code may have (EIP-3860).
const TOO_LONG: usize = 49_153;

/// The other signature that recovers to the same key, with the higher s.
pub(super) fn high(signature: Signature) -> Signature {
    Signature::new(signature.r(), ORDER.wrapping_sub(signature.s()), !signature.v())
}

/// Signs a good draft after one thing has gone wrong with it.
///
/// # Errors
/// Never: the keys are good.
pub(super) fn spoiled(dice: &mut Dice, cast: &Cast, mut draft: Draft) -> eyre::Result<Bytes> {
    let key = cast.key(dice)?;
    match dice.below(13) {
        0 => draft.nonce = draft.nonce.saturating_add(dice.within(1, 2)),
        1 => draft.nonce = draft.nonce.wrapping_sub(1),
        2 => draft.gas_limit = dice.within(20_000, 53_500),
        3 => draft.gas_limit = dice.within(1 << 24, (1 << 24) + 1),
        4 => draft.fee = draft.fee.saturating_sub(dice.within(1, 1_000_000_000).into()),
        5 => draft.tip = draft.fee.saturating_add(1),
        6 => draft.value = U256::MAX.wrapping_shr(usize::try_from(dice.below(200))?),
        7 => draft.chain_id = draft.chain_id.saturating_add(1),
        8 => {
            draft.to = TxKind::Create;
            draft.gas_limit = 10_000_000;
            draft.input = vec![0; TOO_LONG].into();
        }
        9 => return draft.sign(&key, high),
        10 => {
            let (one, other) = (dice.word(), dice.word());
            return draft.sign(&key, |signature| Signature::new(one, other, signature.v()));
        }
        11 => {
            let length = dice.below(100);
            return Ok(dice.bytes(length).into());
        }
        _ => return Ok(damaged(dice, draft.sign(&key, |signature| signature)?)),
    }
    draft.sign(&key, |signature| signature)
}

/// A byte changed, lost or added.
fn damaged(dice: &mut Dice, raw: Bytes) -> Bytes {
    let mut raw = raw.to_vec();
    let index = usize::try_from(dice.below(u64::try_from(raw.len()).unwrap_or(1))).unwrap_or(0);
    let byte = dice.bytes(1).first().copied().unwrap_or_default();
    match dice.below(5) {
        0 => raw.truncate(index),
        1 => raw.push(byte),
        2 => raw.insert(index, byte),
        3 => drop(raw.remove(index)),
        _ => {
            if let Some(old) = raw.get_mut(index) {
                *old ^= byte;
            }
        }
    }
    raw.into()
}
