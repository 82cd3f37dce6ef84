//! What a transaction offers, and how much more its replacement must.

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
        let wanted = fees.base_fee.saturating_mul(2).saturating_add(fees.priority_fee);
        let max_fee = wanted.min(policy.max_fee_per_gas);
        let blob_fee = fees.blob_base_fee.saturating_mul(2).min(policy.max_fee_per_blob_gas);
        let max_blob_fee = if blobs { blob_fee } else { 0 };
        Self { max_fee, tip: fees.priority_fee.min(max_fee), max_blob_fee }
    }

    /// For a replacement, or none if that would pass the limits.
    pub(super) fn bumped(&self, fees: &Fees, policy: &TxPolicy) -> Option<Self> {
        let blobs = self.max_blob_fee > 0;
        let percent = if blobs { BLOB_BUMP } else { BUMP };
        let fresh = Self::first(fees, blobs, policy);
        let max_fee = raised(self.max_fee, percent).max(fresh.max_fee);
        let tip = raised(self.tip, percent).max(fresh.tip).min(max_fee);
        let max_blob_fee = match blobs {
            true => raised(self.max_blob_fee, percent).max(fresh.max_blob_fee),
            false => 0,
        };
        let allowed =
            max_fee <= policy.max_fee_per_gas && max_blob_fee <= policy.max_fee_per_blob_gas;
        allowed.then_some(Self { max_fee, tip, max_blob_fee })
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
}
