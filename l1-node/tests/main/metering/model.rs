//! What EXECUTE costs, written again from the design's words with big integers. Nothing here
//! comes from the node.

use alloy_primitives::U256;

/// L2 gas per block at which the price stays.
pub(super) const TARGET: u64 = 8_388_608;
/// L2 gas per block at most.
pub(super) const LIMIT: u64 = 33_554_432;
/// The least excess at the greatest rate. From Python's integers, where
/// `fake_exponential(1 << 24, x, 213_662_000) >= 1 << 28` first holds.
pub(super) const EXCESS_MAX: u64 = 592_396_852;

/// `fake_exponential` as EIP-4844 prints it.
fn fake_exponential(factor: U256, numerator: U256, denominator: U256) -> U256 {
    let (mut i, mut output) = (U256::ONE, U256::ZERO);
    let mut numerator_accum = factor * denominator;
    while numerator_accum > U256::ZERO {
        output += numerator_accum;
        numerator_accum = (numerator_accum * numerator) / (denominator * i);
        i += U256::ONE;
    }
    output / denominator
}

/// L1 gas per L2 gas, times 2^30.
pub(super) fn r(excess: u64) -> u64 {
    let exact =
        fake_exponential(U256::from(16_777_216), U256::from(excess), U256::from(213_662_000));
    exact.min(U256::from(268_435_456)).to()
}

/// The excess after a block whose calls declared `declared`.
pub(super) fn next_excess(excess: u64, declared: u64) -> u64 {
    let next = i128::from(excess) + i128::from(declared) - i128::from(TARGET);
    u64::try_from(next.max(0)).unwrap().min(EXCESS_MAX)
}

/// `ceil(gas * rate)` at an excess.
pub(super) fn execution(excess: u64, gas: u64) -> u64 {
    let product = U256::from(gas) * U256::from(r(excess));
    product.div_ceil(U256::from(1_u64 << 30)).to()
}

/// What an empty trace costs that declares `gas`.
pub(super) fn nonsense(excess: u64, gas: u64) -> u64 {
    30_000 + execution(excess, gas)
}

/// `ceil(rate * base fee)`: wei per L2 gas.
pub(super) fn gas_price(excess: u64, base_fee: u64) -> U256 {
    (U256::from(r(excess)) * U256::from(base_fee)).div_ceil(U256::from(1_u64 << 30))
}

#[test]
fn the_greatest_excess_is_the_least_with_the_greatest_rate() {
    assert_eq!(r(EXCESS_MAX), 1 << 28);
    assert_eq!(r(EXCESS_MAX - 1), (1 << 28) - 1);
    assert_eq!(r(0), 1 << 24);
}
