//! Randomness that is the same for a seed for ever (SplitMix64).

use alloy_primitives::U256;

/// A source of choices.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`; zero when that is zero.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.roll().checked_rem(bound).unwrap_or_default()
    }

    /// From `low` to `high`, both included.
    pub(super) fn within(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        low.saturating_add(self.below(width))
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of these; a default when there is none.
    pub(super) fn pick<T: Clone + Default>(&mut self, of: &[T]) -> T {
        let index = self.below(u64::try_from(of.len()).unwrap_or_default());
        usize::try_from(index).ok().and_then(|index| of.get(index)).cloned().unwrap_or_default()
    }

    pub(super) fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.roll().to_le_bytes()[0]).collect()
    }

    /// A word, mostly one at which something changes.
    pub(super) fn word(&mut self) -> U256 {
        let bit = usize::try_from(self.below(256)).unwrap_or_default();
        let power = U256::ONE.wrapping_shl(bit);
        match self.below(12) {
            0 => U256::ZERO,
            1 => U256::ONE,
            2 => U256::MAX,
            3 => U256::ONE.wrapping_shl(255),
            4 => U256::MAX.wrapping_shr(1),
            5 => power,
            6 => power.wrapping_sub(U256::ONE),
            7 => U256::MAX.wrapping_sub(power),
            8 => U256::from_be_slice(&self.bytes(32)),
            9 => U256::from(self.roll()),
            _ => U256::from(self.below(300)),
        }
    }
}
