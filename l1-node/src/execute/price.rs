//! What EXECUTE costs: a gas price that follows demand, as EIP-4844's blob base fee does.

use alloy_eips::eip4844::fake_exponential;

/// Least rate, in `RATE_UNIT`s of L1 gas per L2 gas.
const MIN_RATE: u128 = 1 << 24;
/// Greatest rate.
const MAX_RATE: u128 = 1 << 28;
/// One L1 gas per L2 gas.
const RATE_UNIT: u128 = 1 << 30;
/// A full block moves the rate by about 12.5 %.
const UPDATE_FRACTION: u128 = 213_662_000;
/// L2 gas per L1 block at which the rate stays.
pub(crate) const CUMULATIVE_GAS_TARGET: u64 = 1 << 23;
/// L2 gas per L1 block at most.
pub(crate) const CUMULATIVE_GAS_LIMIT: u64 = 1 << 25;
/// L1 gas of every call.
const BASE_GAS: u64 = 30_000;
/// L1 gas of every pointer.
const POINTER_GAS: u64 = 2_600;
/// L1 gas of every transaction and of every credit.
const ITEM_GAS: u64 = 6_000;
/// L1 gas of an opening, for its system calls.
const OPEN_GAS: u64 = 60_000;

/// EXECUTE's price in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    rate: u128,
    base_fee: u64,
}

/// How much work a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// L2 gas that the caller declares.
    pub(crate) gas_used: u64,
    /// Trace bytes, inline and pointed-to.
    pub(crate) bytes: u64,
    /// Pointers.
    pub(crate) pointers: u64,
    /// Transactions and credits.
    pub(crate) items: u64,
    /// Whether the segment opens its block.
    pub(crate) opens: bool,
}

impl Price {
    /// The price after blocks that left this excess, at an L1 base fee in wei.
    pub(crate) fn new(excess: u64, base_fee: u64) -> Self {
        Self { rate: rate(excess), base_fee }
    }

    /// Wei per L2 gas, rounded up, so that nobody is told less than what it costs.
    pub(crate) fn wei_per_gas(&self) -> u128 {
        self.rate.saturating_mul(u128::from(self.base_fee)).div_ceil(RATE_UNIT)
    }

    /// L1 gas of a call, drawn in full before anything runs.
    pub(crate) fn gas(&self, work: &Work) -> u64 {
        let execution = u128::from(work.gas_used).saturating_mul(self.rate).div_ceil(RATE_UNIT);
        let open = if work.opens { OPEN_GAS } else { 0 };
        BASE_GAS
            .saturating_add(work.bytes)
            .saturating_add(work.pointers.saturating_mul(POINTER_GAS))
            .saturating_add(work.items.saturating_mul(ITEM_GAS))
            .saturating_add(open)
            .saturating_add(u64::try_from(execution).unwrap_or(u64::MAX))
    }
}

/// The excess after a block in which calls declared `used` L2 gas.
pub(crate) fn next_excess(excess: u64, used: u64) -> u64 {
    excess.saturating_add(used).saturating_sub(CUMULATIVE_GAS_TARGET).min(max_excess())
}

fn rate(excess: u64) -> u128 {
    exponential(excess.min(max_excess())).min(MAX_RATE)
}

fn exponential(excess: u64) -> u128 {
    fake_exponential(MIN_RATE, u128::from(excess), UPDATE_FRACTION)
}

/// The least excess at which the rate is at its maximum.
fn max_excess() -> u64 {
    static MAX: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| {
        let (mut low, mut high) = (0_u64, 1 << 30);
        while low < high {
            let middle = low.midpoint(high);
            if exponential(middle) >= MAX_RATE {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        low
    });
    *MAX
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )]

    use super::*;

    #[test]
    fn the_rate_goes_from_a_sixty_fourth_to_a_quarter() {
        assert_eq!(rate(0) * 64, RATE_UNIT);
        assert_eq!(rate(u64::MAX) * 4, RATE_UNIT);
        assert!(exponential(max_excess() - 1) < MAX_RATE);
        assert!(exponential(max_excess()) >= MAX_RATE);
    }

    #[test]
    fn a_full_block_moves_the_rate_by_an_eighth() {
        let after = next_excess(0, CUMULATIVE_GAS_LIMIT);
        let permille = rate(after) * 1000 / rate(0);
        assert!((1123..=1126).contains(&permille), "{permille}");
    }

    #[test]
    fn the_excess_stays_in_its_bounds() {
        assert_eq!(next_excess(0, CUMULATIVE_GAS_TARGET), 0);
        assert_eq!(next_excess(0, 0), 0);
        assert_eq!(next_excess(5, CUMULATIVE_GAS_TARGET + 1), 6);
        assert_eq!(next_excess(max_excess(), CUMULATIVE_GAS_LIMIT), max_excess());
    }

    #[test]
    fn the_greatest_step_fits_one_transaction() {
        let price = Price::new(u64::MAX, 1);
        let work = Work { gas_used: 1 << 24, items: 1, ..Work::default() };
        assert_eq!(price.gas(&work), (1 << 22) + 36_000);
    }

    #[test]
    fn every_part_is_charged() {
        let price = Price::new(0, 640);
        let work = Work { gas_used: 65, bytes: 7, pointers: 2, items: 3, opens: true };
        assert_eq!(price.gas(&work), 30_000 + 7 + 5_200 + 18_000 + 60_000 + 2);
        assert_eq!(price.wei_per_gas(), 10);
    }
}
