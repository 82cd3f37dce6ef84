//! Transactions that were read, and whose signers were found, while something else was done.

use std::collections::HashMap;

use alloy_primitives::Bytes;

use super::{prepared::Prepared, workers::Workers};

/// Transactions that are likely to come. What is known of one is known by all of its bytes, so that whatever comes instead,
/// and whatever L1 takes back, nothing false is ever answered.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// Whether they were read for a chain with blob transactions.
    blobs: bool,
    all: HashMap<Bytes, Prepared>,
}

impl Foreseen {
    /// Shorter ones are hardly ever signed, and there could be very many. Nothing of them is remembered.
    pub const SHORTEST: usize = 64;

    /// Reads transactions, and finds who signed them, by all threads.
    #[must_use]
    pub fn new(workers: &Workers, blobs: bool, transactions: Vec<Bytes>) -> Self {
        let some = transactions.into_iter().filter(|raw| raw.len() >= Self::SHORTEST).collect();
        let all = workers.map(some, |raw| {
            let prepared = Prepared::new(&raw, blobs);
            (raw, prepared)
        });
        Self { blobs, all: all.into_iter().collect() }
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, raw: &Bytes, blobs: bool) -> Option<Prepared> {
        self.all.get(raw).filter(|_| self.blobs == blobs).cloned()
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::{Signature, U256};

    use super::*;

    /// Signed by somebody; who that is depends on the nonce.
    fn transaction(nonce: u64) -> Bytes {
        let tx = TxEip1559 { nonce, ..TxEip1559::default() };
        let part = U256::from_limbs([0, 0, 0, 1 << 60]);
        let signed = tx.into_signed(Signature::new(part, part, false));
        TxEnvelope::from(signed).encoded_2718().into()
    }

    #[test]
    fn what_was_foreseen_is_what_would_be_found() {
        let (short, garbage) = (Bytes::from_static(&[2; 63]), Bytes::from_static(&[2; 64]));
        let all: Vec<_> = (0..20).map(transaction).chain([short.clone(), garbage]).collect();
        for threads in [1, 2] {
            let foreseen = Foreseen::new(&Workers::new(threads), true, all.clone());
            assert_eq!(foreseen.len(), 21);
            for raw in all.iter().filter(|raw| **raw != short) {
                let known = foreseen.get(raw, true).expect("it was foreseen");
                assert_eq!(format!("{known:?}"), format!("{:?}", Prepared::new(raw, true)));
                assert!(foreseen.get(raw, false).is_none(), "by other rules it may be another");
            }
            assert!(foreseen.get(&short, true).is_none());
            assert!(foreseen.get(&transaction(20), true).is_none());
        }
    }
}
