#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_eips::eip4844::Blob;
use alloy_primitives::{Bytes, Signature, U256};

use super::*;
use crate::chain::StoredBlob;

fn tx(sender: u8, nonce: u64, fee: u128, blobs: usize) -> PoolTx {
    let tx = TxEip1559 {
        nonce,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        // Nobody signs here, so that nothing else tells two senders' hashes apart.
        value: U256::from(sender),
        ..TxEip1559::default()
    };
    pooled(sender, tx, blobs)
}

fn pooled(sender: u8, tx: TxEip1559, blobs: usize) -> PoolTx {
    let envelope = TxEnvelope::from(tx.into_signed(Signature::test_signature()));
    let blob =
        || StoredBlob { versioned_hash: B256::ZERO, blob: Arc::new(Blob::repeat_byte(sender)) };
    PoolTx {
        tx: Recovered::new_unchecked(envelope, Address::repeat_byte(sender)),
        blobs: std::iter::repeat_with(blob).take(blobs).collect(),
        impersonated: false,
    }
}

fn is_too_much(answer: Result<(), Rejection>) -> bool {
    matches!(answer, Err(Rejection::Invalid(text)) if text.starts_with("txpool is full: "))
}

#[test]
fn a_full_pool_takes_replacements_and_nothing_else() {
    let mut pool = Pool::holding(2, MAX_BYTES);
    // Neither can be mined: the nonces before are missing.
    pool.insert(tx(1, 7, 100, 0)).unwrap();
    pool.insert(tx(1, 8, 100, 0)).unwrap();
    assert!(matches!(pool.insert(tx(2, 0, 100, 0)), Err(Rejection::PoolFull)));
    assert!(matches!(pool.insert(tx(1, 7, 109, 0)), Err(Rejection::Underpriced)));
    pool.insert(tx(1, 7, 110, 0)).unwrap();
    assert_eq!((pool.hashes.len(), pool.all().count()), (2, 2));
    pool.forget_below(Address::repeat_byte(1), 8);
    pool.insert(tx(2, 0, 100, 0)).unwrap();
}

#[test]
fn a_pool_holds_so_many_bytes() {
    let mut pool = Pool::holding(100, 10 * BYTES_PER_BLOB);
    pool.insert(tx(1, 0, 100, 6)).unwrap();
    pool.insert(tx(1, 1, 100, 3)).unwrap();
    assert!(is_too_much(pool.insert(tx(2, 0, 100, 1))), "ten blobs and what is around them");
    assert_eq!(pool.all().count(), 2);
    // In place of six blobs there is room for as many, not for eight, which leaves the old one where it is.
    assert!(is_too_much(pool.insert(tx(1, 0, 200, 8))));
    let hash = tx(1, 0, 200, 6).hash();
    assert!(pool.get(&hash).is_none());
    pool.insert(tx(1, 0, 200, 6)).unwrap();
    // All the ways out give room again.
    assert!(pool.remove(&hash));
    pool.insert(tx(2, 0, 100, 6)).unwrap();
    pool.forget_below(Address::repeat_byte(2), 1);
    pool.insert(tx(3, 0, 100, 6)).unwrap();
    pool.clear();
    assert_eq!(pool.bytes, 0);
    pool.insert(tx(4, 0, 100, 9)).unwrap();
    let input = Bytes::from(vec![1; BYTES_PER_BLOB]);
    let long = TxEip1559 { input, ..TxEip1559::default() };
    assert!(is_too_much(pool.insert(pooled(5, long, 0))), "not only blobs count");
}
