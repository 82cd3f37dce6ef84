use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::TxKind;

use super::*;

const CHAIN: u64 = 7;
const GWEI: u128 = 1_000_000_000;

fn rules() -> Rules {
    Rules { chain_id: CHAIN, max_tx_bytes: 5_000 }
}

fn pool() -> Pool {
    Pool::new(Limits { transactions: 4, per_sender: 3 })
}

fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
}

fn rich(nonce: u64) -> AccountFacts {
    AccountFacts { nonce, balance: U256::from(10u128.pow(18)), is_contract: false }
}

fn plain(nonce: u64, fee: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        to: TxKind::Call(Address::repeat_byte(9)),
        ..Default::default()
    }
}

fn sign(key: &PrivateKeySigner, tx: TxEip1559) -> Bytes {
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

fn put(
    pool: &mut Pool,
    from: u8,
    tx: TxEip1559,
    account: &AccountFacts,
) -> Result<Vec<B256>, Rejection> {
    let raw = sign(&key(from), tx);
    pool.insert(rules().check(&raw)?, raw, account)
}

fn order(pool: &Pool, base_fee: u64) -> Vec<(u8, u64)> {
    let names: HashMap<_, _> = (1..5).map(|n| (key(n).address(), n)).collect();
    let mut ready = pool.ready(base_fee);
    let mut order = Vec::new();
    while let Some(candidate) = ready.best() {
        let tx = &candidate.pooled().tx;
        order.push((names[&tx.signer()], tx.nonce()));
        ready.taken(candidate);
    }
    order
}

#[test]
fn best_tip_first_and_nonces_in_order() {
    let mut pool = pool();
    put(&mut pool, 1, plain(1, 9 * GWEI), &rich(0)).unwrap();
    put(&mut pool, 1, plain(0, 2 * GWEI), &rich(0)).unwrap();
    put(&mut pool, 2, plain(0, 5 * GWEI), &rich(0)).unwrap();
    assert_eq!(order(&pool, 0), [(2, 0), (1, 0), (1, 1)]);
    // The sender whose first transaction can't pay the base fee waits as a whole.
    assert_eq!(order(&pool, 3_000_000_000), [(2, 0)]);
}

#[test]
fn a_gap_waits() {
    let mut pool = pool();
    put(&mut pool, 1, plain(2, GWEI), &rich(0)).unwrap();
    assert!(pool.ready(0).is_empty());
    assert_eq!(pool.next_nonce(key(1).address()), Some(0));
    put(&mut pool, 1, plain(0, GWEI), &rich(0)).unwrap();
    assert_eq!(pool.next_nonce(key(1).address()), Some(1));
    put(&mut pool, 1, plain(1, GWEI), &rich(0)).unwrap();
    assert_eq!(order(&pool, 0), [(1, 0), (1, 1), (1, 2)]);
    let far = put(&mut pool, 2, plain(65, GWEI), &rich(0)).unwrap_err();
    assert_eq!(far, Rejection::NonceTooHigh { expected: 0, got: 65 });
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let mut pool = pool();
    put(&mut pool, 1, plain(0, 100), &rich(0)).unwrap();
    assert_eq!(put(&mut pool, 1, plain(0, 109), &rich(0)), Err(Rejection::Underpriced));
    assert_eq!(put(&mut pool, 1, plain(0, 100), &rich(0)), Err(Rejection::AlreadyKnown));
    let displaced = put(&mut pool, 1, plain(0, 110), &rich(0)).unwrap();
    assert_eq!((displaced.len(), pool.len()), (1, 1));
    assert!(pool.get(displaced[0]).is_none());
}

#[test]
fn money_nonces_and_contracts() {
    let mut pool = pool();
    let poor = AccountFacts { balance: U256::from(21_000), ..rich(0) };
    put(&mut pool, 1, plain(0, 1), &poor).unwrap();
    // The second alone is affordable, both together are not.
    let refused = put(&mut pool, 1, plain(1, 1), &poor).unwrap_err();
    let (balance, cost) = (U256::from(21_000), U256::from(42_000));
    assert_eq!(refused, Rejection::InsufficientFunds { balance, cost });
    let low = put(&mut pool, 1, plain(0, 9), &rich(3)).unwrap_err();
    assert_eq!(low, Rejection::NonceTooLow { expected: 3, got: 0 });
    let contract = AccountFacts { is_contract: true, ..rich(0) };
    assert!(matches!(put(&mut pool, 2, plain(0, 1), &contract), Err(Rejection::Invalid(_))));
}

#[test]
fn stateless_rules() {
    let refuse = |tx: TxEip1559| rules().check(&sign(&key(1), tx)).unwrap_err();
    let wrong = refuse(TxEip1559 { chain_id: 8, ..plain(0, 1) });
    assert_eq!(wrong, Rejection::WrongChain { expected: CHAIN, got: 8 });
    let over = refuse(TxEip1559 { gas_limit: (1 << 24) + 1, ..plain(0, 1) });
    assert_eq!(over, Rejection::OverTxGas { cap: 1 << 24, got: (1 << 24) + 1 });
    let refused = |tx| matches!(refuse(tx), Rejection::Invalid(_));
    assert!(refused(TxEip1559 { gas_limit: 20_999, ..plain(0, 1) }));
    assert!(refused(TxEip1559 { max_priority_fee_per_gas: 2, ..plain(0, 1) }));
    assert!(refused(TxEip1559 { input: vec![0; 5_000].into(), gas_limit: 1 << 23, ..plain(0, 1) }));
    assert!(refused(plain(u64::MAX, 1)));
    let garbage = rules().check(&Bytes::from_static(b"\x02\x03"));
    assert!(matches!(garbage, Err(Rejection::Undecodable(_))));
    let mut raw = sign(&key(1), plain(0, 1)).to_vec();
    raw.push(0);
    assert!(matches!(rules().check(&raw.into()), Err(Rejection::Undecodable(_))));
}

#[test]
fn a_full_pool_keeps_those_that_pay_more() {
    let mut pool = pool();
    for (from, nonce, fee) in [(1, 0, 5), (1, 1, 5), (2, 0, 7), (3, 0, 9)] {
        put(&mut pool, from, plain(nonce, fee), &rich(0)).unwrap();
    }
    assert_eq!(put(&mut pool, 4, plain(0, 5), &rich(0)), Err(Rejection::PoolFull));
    let displaced = put(&mut pool, 4, plain(0, 6), &rich(0)).unwrap();
    assert_eq!((displaced.len(), pool.len()), (1, 4));
    assert_eq!(order(&pool, 0), [(3, 0), (2, 0), (4, 0), (1, 0)]);
}

#[test]
fn one_sender_has_a_limit() {
    let mut pool = pool();
    for nonce in 0..3 {
        put(&mut pool, 1, plain(nonce, 5), &rich(0)).unwrap();
    }
    assert_eq!(put(&mut pool, 1, plain(3, 5), &rich(0)), Err(Rejection::PoolFull));
}

#[test]
fn an_update_drops_what_is_used_or_unpayable() {
    let mut pool = pool();
    for nonce in 0..3 {
        put(&mut pool, 1, plain(nonce, 5), &rich(0)).unwrap();
    }
    assert_eq!(pool.update(key(1).address(), &rich(1)).len(), 1);
    assert_eq!(order(&pool, 0), [(1, 1), (1, 2)]);
    let broke = AccountFacts { balance: U256::ZERO, ..rich(1) };
    assert_eq!(pool.update(key(1).address(), &broke).len(), 2);
    assert!(pool.is_empty());
}
