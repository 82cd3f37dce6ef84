//! Which blocks are worth more than one thread. Nothing is known but what the transactions say themselves.

use alloy_primitives::map::AddressMap;

use super::job::FlatTx;

/// Fewer transactions than these are not worth another thread, and fewer senders are likely to be in each other's way.
pub(super) const FEW: usize = 4;
/// Gas that a transaction uses at most, as long as nothing is known but its limit.
const LIKELY: u64 = 200_000;
/// Gas of calls that is worth another thread: it takes that for as long as waking one.
const ENOUGH: u64 = 1_000_000;
/// What a plain transfer among calls costs two threads more than one alone, in gas of calls.
const BURDEN: u64 = 10_000;

/// Calls of which it is asked who sent them.
const SAMPLE: usize = 256;

/// Whether one thread is likely to be done as soon as `threads` are, which is also what many cost when there is little to do.
pub(super) fn is_light(txs: &[FlatTx], threads: usize) -> bool {
    if is_chain(txs) {
        return true;
    }
    // So many transfers are worth other threads all the same: they wait for memory at the same time.
    let many = if threads <= 2 { 8_000 } else { 800 };
    let runnable = txs.iter().filter_map(FlatTx::env).map(|_| 1).fold(0, u64::saturating_add);
    let mut senders = Vec::with_capacity(FEW);
    let (mut calls, mut transfers, mut rest) = (0_u64, 0_u64, runnable);
    for env in txs.iter().filter_map(FlatTx::env) {
        rest = rest.saturating_sub(1);
        if env.data.is_empty() {
            transfers = transfers.saturating_add(1);
        } else {
            calls = calls.saturating_add(env.gas_limit.min(LIKELY));
        }
        if senders.len() < FEW && !senders.contains(&env.caller) {
            senders.push(env.caller);
        }
        // Whatever the others are.
        let burden = transfers.saturating_add(rest).saturating_mul(BURDEN);
        let enough = transfers >= many || calls >= ENOUGH.saturating_add(burden);
        if enough && senders.len() == FEW {
            return false;
        }
    }
    true
}

/// Whether one sender calls for more than half of the gas of the first calls: one call after the other, which one thread does sooner.
fn is_chain(txs: &[FlatTx]) -> bool {
    let mut senders = AddressMap::<u64>::default();
    let mut calls = 0_u64;
    let envs = txs.iter().filter_map(FlatTx::env).filter(|env| !env.data.is_empty());
    for env in envs.take(SAMPLE) {
        let likely = env.gas_limit.min(LIKELY);
        calls = calls.saturating_add(likely);
        let own = senders.entry(env.caller).or_default();
        *own = own.saturating_add(likely);
    }
    senders.into_values().any(|own| own > calls.saturating_sub(own))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "a test may fail loudly"
    )]

    use alloy_primitives::Address;
    use revm::context::TxEnv;

    use super::*;

    /// By so many senders in turn: transfers where `data` is empty, else calls.
    fn block(count: usize, senders: usize, gas_limit: u64, data: &'static [u8]) -> Vec<FlatTx> {
        let tx = |index: usize| TxEnv {
            caller: Address::with_last_byte((index % senders) as u8),
            gas_limit,
            data: data.into(),
            ..TxEnv::default()
        };
        (0..count).map(|index| FlatTx::Ready(tx(index))).collect()
    }

    /// For two threads, and for three.
    fn lightness(txs: &[FlatTx]) -> [bool; 2] {
        [2, 3].map(|threads| is_light(txs, threads))
    }

    #[test]
    fn few_transactions_and_few_senders_stay_with_one_thread() {
        let large = 16_000_000;
        assert_eq!(lightness(&block(3, 3, large, b"call")), [true; 2]);
        assert_eq!(lightness(&block(1_000, 3, large, b"call")), [true; 2]);
        assert_eq!(lightness(&block(20, 4, large, b"call")), [false; 2]);
        assert_eq!(lightness(&[]), [true; 2]);
    }

    #[test]
    fn calls_count_as_their_gas_limit_but_not_for_more_than_is_likely() {
        assert_eq!(lightness(&block(9, 9, 100_000, b"call")), [true; 2]);
        assert_eq!(lightness(&block(10, 9, 100_000, b"call")), [false; 2]);
        assert_eq!(lightness(&block(4, 4, 16_000_000, b"call")), [true; 2]);
        assert_eq!(lightness(&block(5, 4, 16_000_000, b"call")), [false; 2]);
    }

    #[test]
    fn a_chain_of_one_senders_calls_stays_with_one_thread() {
        let chained = |others| {
            let mut txs = block(50, 1, 200_000, b"call");
            txs.extend((1..=others).map(|sender| {
                let mut tx = TxEnv { gas_limit: 200_000, data: b"call".into(), ..TxEnv::default() };
                tx.caller = Address::with_last_byte(sender);
                FlatTx::Ready(tx)
            }));
            lightness(&txs)
        };
        assert_eq!(chained(49), [true; 2]);
        assert_eq!(chained(50), [false; 2]);
    }

    #[test]
    fn plain_transfers_are_worth_less_than_nothing() {
        assert_eq!(lightness(&block(200, 9, 21_000, b"")), [true; 2]);
        let with_transfers = |calls, transfers| {
            let mut txs = block(transfers, 9, 21_000, b"");
            txs.extend(block(calls, 9, 200_000, b"call"));
            lightness(&txs)
        };
        assert_eq!(with_transfers(9, 81), [true; 2]);
        assert_eq!(with_transfers(9, 80), [false; 2]);
    }

    #[test]
    fn very_many_plain_transfers_are_worth_another_thread() {
        assert_eq!(lightness(&block(799, 9, 21_000, b"")), [true; 2]);
        assert_eq!(lightness(&block(800, 9, 21_000, b"")), [true, false]);
        assert_eq!(lightness(&block(7_999, 9, 21_000, b"")), [true, false]);
        assert_eq!(lightness(&block(8_000, 9, 21_000, b"")), [false; 2]);
    }

    #[test]
    fn what_can_not_run_is_no_work_and_no_burden() {
        for (calls, is_light) in [(9, true), (10, false)] {
            let mut txs = block(calls, 9, 100_000, b"call");
            txs.extend((0..10_000).map(|_| FlatTx::Unsigned { gas_limit: 1_000_000 }));
            assert_eq!(lightness(&txs), [is_light; 2]);
        }
    }
}
