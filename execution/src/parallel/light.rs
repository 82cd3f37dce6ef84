//! Which blocks are worth more than one thread. Nothing is known but what the transactions say themselves.

use super::job::FlatTx;

/// Fewer transactions than these are not worth another thread.
pub(super) const FEW: usize = 8;
/// Fewer senders are likely to be in each other's way.
const FEW_SENDERS: usize = 4;
/// Gas that a transaction uses at most, as long as nothing is known but its limit.
const LIKELY: u64 = 200_000;

/// What one thread alone would do with the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    /// As plain revm: that takes half the time that each of many threads takes for a plain transfer.
    Directly,
    /// Over versions, as many threads do.
    OverVersions,
}

/// Whether one thread is likely to be done as soon as `threads` are, which is also what many cost when there is little to do.
pub(super) fn is_light(txs: &[FlatTx], threads: usize, alone: Alone) -> bool {
    // In gas: work that is worth another thread, and that of a plain transfer, which is far less than its gas.
    let (enough, transfer) = match alone {
        Alone::Directly if threads <= 2 => (4_000_000, 500),
        Alone::Directly => (4_000_000, 5_000),
        Alone::OverVersions => (2_000_000, 5_000),
    };
    if txs.len() < FEW {
        return true;
    }
    let mut senders = Vec::with_capacity(FEW_SENDERS);
    let mut work = 0_u64;
    for env in txs.iter().filter_map(FlatTx::env) {
        let most = if env.data.is_empty() { transfer } else { LIKELY };
        work = work.saturating_add(env.gas_limit.min(most));
        if senders.len() < FEW_SENDERS && !senders.contains(&env.caller) {
            senders.push(env.caller);
        }
        if senders.len() == FEW_SENDERS && work >= enough {
            return false;
        }
    }
    true
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

    use super::{
        Alone::{Directly, OverVersions},
        *,
    };

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

    fn lightness(txs: &[FlatTx]) -> [bool; 3] {
        [(2, Directly), (3, Directly), (2, OverVersions)]
            .map(|(threads, alone)| is_light(txs, threads, alone))
    }

    #[test]
    fn few_transactions_and_few_senders_stay_with_one_thread() {
        let large = 16_000_000;
        assert_eq!(lightness(&block(7, 7, large, b"call")), [true; 3]);
        assert_eq!(lightness(&block(1_000, 3, large, b"call")), [true; 3]);
        assert_eq!(lightness(&block(20, 4, large, b"call")), [false; 3]);
        assert_eq!(lightness(&[]), [true; 3]);
    }

    #[test]
    fn calls_count_as_their_gas_limit_but_not_for_more_than_is_likely() {
        assert_eq!(lightness(&block(39, 9, 100_000, b"call")), [true, true, false]);
        assert_eq!(lightness(&block(40, 9, 100_000, b"call")), [false; 3]);
        assert_eq!(lightness(&block(19, 9, 16_000_000, b"call")), [true, true, false]);
        assert_eq!(lightness(&block(20, 9, 16_000_000, b"call")), [false; 3]);
        assert_eq!(lightness(&block(19, 9, 100_000, b"call")), [true; 3]);
    }

    #[test]
    fn plain_transfers_count_for_little_where_one_thread_makes_them_directly() {
        assert_eq!(lightness(&block(399, 9, 21_000, b"")), [true; 3]);
        assert_eq!(lightness(&block(400, 9, 21_000, b"")), [true, true, false]);
        assert_eq!(lightness(&block(800, 9, 21_000, b"")), [true, false, false]);
        assert_eq!(lightness(&block(7_999, 9, 21_000, b"")), [true, false, false]);
        assert_eq!(lightness(&block(8_000, 9, 21_000, b"")), [false; 3]);
    }

    #[test]
    fn what_can_not_run_is_no_work() {
        let mut txs = block(10, 10, 21_000, b"");
        txs.extend((0..10_000).map(|_| FlatTx::Unsigned { gas_limit: 1_000_000 }));
        assert_eq!(lightness(&txs), [true; 3]);
    }
}
