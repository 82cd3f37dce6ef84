//! Values as words that any thread may read while another writes them.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use alloy_primitives::{Address, B256, U256};

/// Words of a value that changes under those who read it: what was read counts only if nothing changed meanwhile.
#[derive(Debug)]
pub(super) struct Words<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Words<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Words<N> {
    pub(super) fn load(&self) -> [u64; N] {
        let mut words = [0; N];
        for (word, from) in words.iter_mut().zip(&self.0) {
            *word = from.load(Relaxed);
        }
        words
    }

    pub(super) fn store(&self, words: &[u64; N]) {
        for (to, word) in self.0.iter().zip(words) {
            to.store(*word, Relaxed);
        }
    }
}

pub(super) fn of_u256(value: U256) -> [u64; 4] {
    *value.as_limbs()
}

pub(super) fn to_u256(words: [u64; 4]) -> U256 {
    U256::from_limbs(words)
}

pub(super) fn of_b256(value: B256) -> [u64; 4] {
    let (words, _) = value.0.as_chunks::<8>();
    let mut all = [0; 4];
    for (to, word) in all.iter_mut().zip(words) {
        *to = u64::from_ne_bytes(*word);
    }
    all
}

pub(super) fn to_b256(words: [u64; 4]) -> B256 {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *to = word.to_ne_bytes();
    }
    bytes.into()
}

pub(super) fn of_address(value: Address) -> [u64; 3] {
    let (words, rest) = value.0.as_chunks::<8>();
    let mut all = [0; 3];
    for (to, word) in all.iter_mut().zip(words) {
        *to = u64::from_ne_bytes(*word);
    }
    let mut last = [0; 8];
    for (to, byte) in last.iter_mut().zip(rest) {
        *to = *byte;
    }
    let [first, second, _] = all;
    [first, second, u64::from_ne_bytes(last)]
}

pub(super) fn to_address(words: [u64; 3]) -> Address {
    let mut bytes = [0; 24];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *to = word.to_ne_bytes();
    }
    Address::from_slice(bytes.get(..20).unwrap_or(&[0; 20]))
}

/// How words are hashed here: whoever does not know it can't look for words that collide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secret {
    start: u64,
    factor: u64,
}

impl Secret {
    /// Another one each time.
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        let draw = |of: u8| random.hash_one(of);
        // An even factor would lose bits.
        Self { start: draw(0), factor: draw(1) | 1 }
    }

    /// Spreads words over all bits of one. What they become must not reach a result.
    pub(super) fn mix<const N: usize>(&self, words: &[u64; N]) -> u64 {
        let fold = |a: u64, b: u64| {
            let product = u128::from(a).wrapping_mul(u128::from(b)).to_le_bytes();
            let (halves, _) = product.as_chunks::<8>();
            halves.iter().fold(0, |all, half| all ^ u64::from_le_bytes(*half))
        };
        let mixed = words
            .iter()
            .fold(self.start, |hash, word| fold(hash ^ *word, self.factor).rotate_left(29));
        fold(mixed ^ self.start, self.factor)
    }
}

/// Spreads a number over all bits, always in the same way: for tests' pauses.
pub(super) fn spread(number: u64) -> u64 {
    Secret { start: 0x9e37_79b9_7f4a_7c15, factor: 0xd1b5_4a32_d192_ed03 }.mix(&[number])
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "a test may fail loudly"
    )]

    use super::*;

    #[test]
    fn words_are_read_as_they_were_written() {
        let address = Address::from(std::array::from_fn(|at| at as u8 + 1));
        let hash = B256::from(std::array::from_fn(|at| 200 - at as u8));
        assert_eq!(to_address(of_address(address)), address);
        assert_eq!(to_b256(of_b256(hash)), hash);
        assert_eq!(to_u256(of_u256(hash.into())), U256::from_be_bytes(hash.0));
    }
}
