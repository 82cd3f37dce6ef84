//! What a transaction offers, and how much more its replacement must.

use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::TxPolicy;
use crate::l1::Fees;

/// Clients replace a transaction for 10 % more.
const BUMP: u128 = 10;
/// Clients replace a blob transaction for 100 % more of everything.
const BLOB_BUMP: u128 = 100;

/// What a transaction offers, in wei per gas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Price {
    pub(super) max_fee: u128,
    pub(super) tip: u128,
    /// Per blob gas; 0 without blobs.
    pub(super) max_blob_fee: u128,
}

impl Price {
    /// For a first try: good for six full blocks in a row (twice the base fee), within the limits.
    pub(super) fn first(fees: &Fees, blobs: bool, policy: &TxPolicy) -> Self {
        Self::wanted(fees, blobs).within(policy)
    }

    /// For a first try of an account that can't put as much aside as [`Self::first`] may offer: what the market asks for, within
    /// the limits, though it may be that nothing can replace it.
    pub(super) fn plain(fees: &Fees, blobs: bool, policy: &TxPolicy) -> Self {
        let Self { max_fee, tip, max_blob_fee } = Self::wanted(fees, blobs);
        let max_fee = max_fee.min(policy.max_fee_per_gas);
        let max_blob_fee = max_blob_fee.min(policy.max_fee_per_blob_gas);
        Self { max_fee, tip: tip.min(max_fee), max_blob_fee }
    }

    /// What an account must have for it, in wei, beside the value.
    pub(super) fn most(&self, gas_limit: u64, blobs: usize) -> U256 {
        let blob_gas = U256::from(DATA_GAS_PER_BLOB).saturating_mul(U256::from(blobs));
        let gas = U256::from(self.max_fee).saturating_mul(U256::from(gas_limit));
        gas.saturating_add(U256::from(self.max_blob_fee).saturating_mul(blob_gas))
    }

    /// For a replacement, or none if that would pass the limits.
    pub(super) fn bumped(&self, fees: &Fees, policy: &TxPolicy) -> Option<Self> {
        let (least, fresh) = (self.raised(), Self::wanted(fees, self.max_blob_fee > 0));
        let wanted = Self {
            max_fee: least.max_fee.max(fresh.max_fee),
            tip: least.tip.max(fresh.tip),
            max_blob_fee: least.max_blob_fee.max(fresh.max_blob_fee),
        };
        let offer = wanted.within(policy);
        let replaces = offer.max_fee >= least.max_fee
            && offer.tip >= least.tip
            && offer.max_blob_fee >= least.max_blob_fee;
        replaces.then_some(offer)
    }

    /// What the market asks for.
    const fn wanted(fees: &Fees, blobs: bool) -> Self {
        let max_fee = fees.base_fee.saturating_mul(2).saturating_add(fees.priority_fee);
        let max_blob_fee = if blobs { fees.blob_base_fee.saturating_mul(2) } else { 0 };
        Self { max_fee, tip: fees.priority_fee, max_blob_fee }
    }

    /// The least that replaces this.
    fn raised(&self) -> Self {
        let blobs = self.max_blob_fee > 0;
        let percent = if blobs { BLOB_BUMP } else { BUMP };
        Self {
            max_fee: raised(self.max_fee, percent),
            tip: raised(self.tip, percent),
            max_blob_fee: if blobs { raised(self.max_blob_fee, percent) } else { 0 },
        }
    }

    /// This, unless nothing within the limits could replace it: then the limits themselves. Clients want every fee of a
    /// replacement raised, so an offer between the two would be the last one, and less than what may be paid. It costs
    /// nothing to offer the limits: what is paid is the base fees and the tip.
    fn within(self, policy: &TxPolicy) -> Self {
        let (next, blobs) = (self.raised(), self.max_blob_fee > 0);
        let last = next.max_fee > policy.max_fee_per_gas
            || next.max_blob_fee > policy.max_fee_per_blob_gas;
        let (max_fee, max_blob_fee) = match (last, blobs) {
            (false, _) => (self.max_fee, self.max_blob_fee),
            (true, true) => (policy.max_fee_per_gas, policy.max_fee_per_blob_gas),
            (true, false) => (policy.max_fee_per_gas, 0),
        };
        Self { max_fee, tip: self.tip.min(max_fee), max_blob_fee }
    }
}

/// At least so many percent more, and at least one wei.
fn raised(fee: u128, percent: u128) -> u128 {
    let more = fee.saturating_mul(percent).div_ceil(100);
    fee.saturating_add(more.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEES: Fees = Fees { base_fee: 100, priority_fee: 10, blob_base_fee: 7 };

    #[test]
    fn a_first_price_follows_the_market_within_the_limits() {
        let policy = TxPolicy::default();
        let price = Price::first(&FEES, true, &policy);
        assert_eq!(price, Price { max_fee: 210, tip: 10, max_blob_fee: 14 });
        assert_eq!(Price::first(&FEES, false, &policy).max_blob_fee, 0);
        let policy = TxPolicy { max_fee_per_gas: 5, max_fee_per_blob_gas: 3, ..policy };
        let price = Price::first(&FEES, true, &policy);
        assert_eq!(price, Price { max_fee: 5, tip: 5, max_blob_fee: 3 });
    }

    #[test]
    fn a_replacement_pays_what_clients_ask_for() {
        let policy = TxPolicy::default();
        let price = Price { max_fee: 1001, tip: 11, max_blob_fee: 0 };
        let bumped = price.bumped(&FEES, &policy).unwrap();
        assert_eq!(bumped, Price { max_fee: 1102, tip: 13, max_blob_fee: 0 });
        let price = Price { max_blob_fee: 50, ..price };
        let bumped = price.bumped(&FEES, &policy).unwrap();
        assert_eq!(bumped, Price { max_fee: 2002, tip: 22, max_blob_fee: 100 });
    }

    #[test]
    fn a_replacement_follows_a_risen_market() {
        let price = Price { max_fee: 10, tip: 1, max_blob_fee: 0 };
        let bumped = price.bumped(&FEES, &TxPolicy::default()).unwrap();
        assert_eq!(bumped, Price { max_fee: 210, tip: 10, max_blob_fee: 0 });
    }

    #[test]
    fn no_replacement_passes_the_limits() {
        let policy = TxPolicy { max_fee_per_gas: 1100, ..TxPolicy::default() };
        let price = Price { max_fee: 1001, tip: 11, max_blob_fee: 0 };
        assert_eq!(price.bumped(&FEES, &policy), None);
    }
    /// All offers from the first to the last, at a market that stands still.
    fn ladder(fees: &Fees, blobs: bool, policy: &TxPolicy) -> Vec<Price> {
        let first = Price::first(fees, blobs, policy);
        std::iter::successors(Some(first), |last| last.bumped(fees, policy)).collect()
    }

    /// Markets from nothing to beyond every limit, near the halves and the limits themselves, too.
    fn markets(policy: &TxPolicy) -> Vec<Fees> {
        let around = |limit: u128| {
            let mut fees: Vec<u128> = (0..128).step_by(5).map(|bit| 1 << bit).collect();
            for at in [limit / 8, limit / 4, limit / 2, limit] {
                fees.extend([at.saturating_sub(1), at, at.saturating_add(1)]);
            }
            fees
        };
        let (fees, blob_fees) =
            (around(policy.max_fee_per_gas), around(policy.max_fee_per_blob_gas));
        let mut markets = Vec::new();
        for base_fee in fees {
            for blob_base_fee in &blob_fees {
                for priority_fee in [1, 1_000_000, policy.max_fee_per_gas] {
                    let blob_base_fee = (*blob_base_fee).max(1);
                    markets.push(Fees { base_fee, priority_fee, blob_base_fee });
                }
            }
        }
        markets
    }

    #[test]
    fn every_ladder_ends_at_the_limits_and_every_step_replaces_the_one_before() {
        let odd = TxPolicy {
            max_fee_per_gas: 1_000_003,
            max_fee_per_blob_gas: 77,
            ..TxPolicy::default()
        };
        for policy in [TxPolicy::default(), odd] {
            for (fees, blobs) in markets(&policy).iter().flat_map(|m| [(m, false), (m, true)]) {
                let steps = ladder(fees, blobs, &policy);
                let enough = |old: u128, new: u128| match blobs {
                    true => new >= 2 * old,
                    false => 10 * new >= 11 * old,
                };
                for pair in steps.windows(2) {
                    let (old, new) = (pair[0], pair[1]);
                    assert!(enough(old.max_fee, new.max_fee), "{fees:?} {pair:?}");
                    assert!(enough(old.tip, new.tip), "{fees:?} {pair:?}");
                    assert!(enough(old.max_blob_fee, new.max_blob_fee), "{fees:?} {pair:?}");
                }
                assert!(steps.iter().all(|step| step.tip <= step.max_fee), "{fees:?} {steps:?}");
                let last = steps.last().unwrap();
                let blob_limit = if blobs { policy.max_fee_per_blob_gas } else { 0 };
                assert_eq!(last.max_fee, policy.max_fee_per_gas, "{fees:?} {steps:?}");
                assert_eq!(last.max_blob_fee, blob_limit, "{fees:?} {steps:?}");
            }
        }
    }

    #[test]
    fn a_blob_transaction_above_half_a_limit_still_gets_to_the_limits() {
        const GWEI: u128 = 1_000_000_000;
        let policy = TxPolicy::default();
        let price = Price { max_fee: 200 * GWEI, tip: GWEI, max_blob_fee: 14 };
        let bumped = price.bumped(&FEES, &policy).unwrap();
        let (max_fee, max_blob_fee) = (policy.max_fee_per_gas, policy.max_fee_per_blob_gas);
        assert_eq!(bumped, Price { max_fee, tip: 2 * GWEI, max_blob_fee });
        let dear = Fees { base_fee: 126 * GWEI, ..FEES };
        let first = Price::first(&dear, true, &policy);
        assert_eq!(first, Price { max_fee, tip: 10, max_blob_fee });
        // What that takes: 21,000 of gas and a blob of 2^17, in gwei.
        let most = U256::from((21_000_u128 * 500 + 131_072 * 1000) * GWEI);
        assert_eq!(first.most(21_000, 1), most);
        assert_eq!(
            Price::plain(&dear, true, &policy),
            Price { max_fee: 252 * GWEI + 10, tip: 10, max_blob_fee: 14 }
        );
        let few_blobs = Fees { blob_base_fee: 251 * GWEI, ..FEES };
        assert_eq!(
            Price::first(&few_blobs, true, &policy),
            Price { max_fee, tip: 10, max_blob_fee }
        );
    }
}
