use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::TxKind;

use super::*;

const CHAIN: u64 = 7;
const GWEI: u128 = 1_000_000_000;
const LIMITS: Limits = Limits { transactions: 4, per_sender: 3, bytes: 10_000 };

fn rules() -> Rules {
    Rules { chain_id: CHAIN, max_tx_bytes: 5_000 }
}

fn pool() -> Pool {
    Pool::new(LIMITS)
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

fn again(
    pool: &mut Pool,
    from: u8,
    tx: TxEip1559,
    account: &AccountFacts,
) -> Result<Option<B256>, Rejection> {
    let raw = sign(&key(from), tx);
    pool.readmit(rules().check(&raw)?, raw, account)
}

/// Sender and nonce of all, in order.
fn held(pool: &Pool) -> Vec<(u8, u64)> {
    let mut held: Vec<_> = pool.all().map(|p| (name(p.tx.signer()), p.tx.nonce())).collect();
    held.sort_unstable();
    assert_eq!(held.len(), pool.len());
    held
}

fn name(address: Address) -> u8 {
    (1..5).find(|n| key(*n).address() == address).unwrap()
}

fn order(pool: &Pool, base_fee: u64) -> Vec<(u8, u64)> {
    let mut ready = pool.ready(base_fee);
    let mut order = Vec::new();
    while let Some(candidate) = ready.best() {
        let tx = &candidate.pooled().tx;
        order.push((name(tx.signer()), tx.nonce()));
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
fn an_update_drops_what_is_used_and_keeps_what_is_unpayable() {
    let mut pool = pool();
    for nonce in 0..3 {
        put(&mut pool, 1, plain(nonce, 5), &rich(0)).unwrap();
    }
    let sender = key(1).address();
    assert_eq!(pool.update(sender, &rich(1)).len(), 1);
    assert_eq!(order(&pool, 0), [(1, 1), (1, 2)]);
    // Enough for either, not for both.
    let poor = AccountFacts { balance: U256::from(200_000), ..rich(1) };
    assert!(pool.update(sender, &poor).is_empty());
    assert_eq!(order(&pool, 0), [(1, 1)]);
    let broke = AccountFacts { balance: U256::ZERO, ..rich(1) };
    assert!(pool.update(sender, &broke).is_empty());
    assert_eq!((order(&pool, 0).len(), pool.len(), pool.stuck), (0, 2, 2));
    assert!(pool.update(sender, &rich(1)).is_empty());
    assert_eq!(order(&pool, 0), [(1, 1), (1, 2)]);
    let contract = AccountFacts { is_contract: true, ..rich(1) };
    assert_eq!(pool.update(sender, &contract).len(), 2);
    assert_eq!((pool.len(), pool.bytes, pool.stuck), (0, 0, 0));
}

#[test]
fn what_is_stuck_is_little_and_goes_first() {
    let mut pool = Pool::new(Limits { transactions: 8, per_sender: 8, ..LIMITS });
    for nonce in 1..3 {
        put(&mut pool, 1, plain(nonce, 100), &rich(0)).unwrap();
    }
    // A quarter of the pool: then who pays more.
    assert_eq!(put(&mut pool, 2, plain(1, 100), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!(put(&mut pool, 2, plain(1, 101), &rich(0)).unwrap().len(), 1);
    assert_eq!(held(&pool), [(1, 1), (2, 1)]);
    for nonce in 0..6 {
        put(&mut pool, 3, plain(nonce, 1), &rich(0)).unwrap();
    }
    // Full: what can run takes their places, whatever it pays.
    for nonce in 0..2 {
        assert_eq!(put(&mut pool, 4, plain(nonce, 1), &rich(0)).unwrap().len(), 1);
    }
    assert_eq!((pool.len(), pool.stuck), (8, 0));
    assert_eq!(put(&mut pool, 4, plain(2, 1), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!(put(&mut pool, 1, plain(1, 1_000), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!(order(&pool, 0).len(), 8);
}

#[test]
fn what_is_under_the_base_fee_displaces_nothing_that_is_stuck() {
    let mut pool = Pool::new(Limits { transactions: 8, per_sender: 8, ..LIMITS });
    pool.see_base_fee(50);
    put(&mut pool, 1, plain(1, 100), &rich(0)).unwrap();
    for nonce in 0..7 {
        put(&mut pool, 3, plain(nonce, 49), &rich(0)).unwrap();
    }
    assert_eq!(put(&mut pool, 4, plain(0, 49), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!(held(&pool).first(), Some(&(1, 1)));
    put(&mut pool, 4, plain(0, 50), &rich(0)).unwrap();
    assert_eq!(held(&pool).first(), Some(&(3, 0)), "it can run, what was stuck can't");
}

#[test]
fn a_filled_gap_frees_the_places_of_the_stuck() {
    let mut pool = Pool::new(Limits { transactions: 8, per_sender: 8, ..LIMITS });
    put(&mut pool, 1, plain(1, 5), &rich(0)).unwrap();
    put(&mut pool, 1, plain(2, 5), &rich(0)).unwrap();
    assert_eq!(put(&mut pool, 2, plain(1, 5), &rich(0)), Err(Rejection::PoolFull));
    put(&mut pool, 1, plain(0, 5), &rich(0)).unwrap();
    assert_eq!(order(&pool, 0), [(1, 0), (1, 1), (1, 2)]);
    put(&mut pool, 2, plain(1, 5), &rich(0)).unwrap();
}

/// Else a pool could be held by a chain of dear transactions behind one that no block ever takes.
#[test]
fn what_follows_a_cheap_one_is_as_cheap() {
    let mut pool = pool();
    for (nonce, fee) in [(0, 1), (1, 1_000), (2, 1_000)] {
        put(&mut pool, 1, plain(nonce, fee), &rich(0)).unwrap();
    }
    put(&mut pool, 2, plain(0, 5), &rich(0)).unwrap();
    put(&mut pool, 3, plain(0, 2), &rich(0)).unwrap();
    assert_eq!(held(&pool), [(1, 0), (1, 1), (2, 0), (3, 0)]);
    assert_eq!(put(&mut pool, 1, plain(2, 1_000), &rich(0)), Err(Rejection::PoolFull));
}

#[test]
fn what_is_stuck_expires() {
    let mut pool = Pool::new(Limits { transactions: 16, per_sender: 8, ..LIMITS });
    let start = Instant::now();
    let second = Duration::from_secs(1);
    put(&mut pool, 1, plain(1, 5), &rich(0)).unwrap();
    put(&mut pool, 2, plain(1, 5), &rich(0)).unwrap();
    put(&mut pool, 2, plain(3, 5), &rich(0)).unwrap();
    put(&mut pool, 3, plain(0, 5), &rich(0)).unwrap();
    assert!(pool.expire(start).is_empty());
    assert!(pool.expire(start + STUCK_TIME - second).is_empty());
    // Something moves: the time begins anew for what is stuck still.
    put(&mut pool, 2, plain(0, 5), &rich(0)).unwrap();
    assert_eq!(pool.expire(start + STUCK_TIME).len(), 1);
    assert_eq!(held(&pool), [(2, 0), (2, 1), (2, 3), (3, 0)]);
    assert!(pool.expire(start + STUCK_TIME * 2 - second).is_empty());
    assert_eq!(pool.expire(start + STUCK_TIME * 2).len(), 1);
    assert!(pool.expire(start + STUCK_TIME * 9).is_empty());
    assert_eq!((order(&pool, 0).len(), pool.stuck), (3, 0));
}

#[test]
fn bytes_are_bounded() {
    let fat = |nonce: u64, fee: u128, bytes: usize| TxEip1559 {
        input: vec![1; bytes].into(),
        gas_limit: 200_000,
        ..plain(nonce, fee)
    };
    let mut pool = Pool::new(Limits { transactions: 100, per_sender: 10, bytes: 1_000 });
    put(&mut pool, 1, fat(0, 5, 300), &rich(0)).unwrap();
    put(&mut pool, 2, fat(0, 9, 300), &rich(0)).unwrap();
    assert_eq!(put(&mut pool, 3, fat(0, 5, 300), &rich(0)), Err(Rejection::PoolFull));
    // One of the two could go for it, which is not enough: both stay.
    let before = (held(&pool), order(&pool, 0), pool.bytes);
    assert_eq!(put(&mut pool, 3, fat(0, 7, 800), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!((held(&pool), order(&pool, 0), pool.bytes), before);
    // A longer one in the place of another needs room, too.
    assert_eq!(put(&mut pool, 2, fat(0, 10, 800), &rich(0)).unwrap().len(), 2);
    assert_eq!(held(&pool), [(2, 0)]);
    assert!((900..=1_000).contains(&pool.bytes), "{}", pool.bytes);
    assert_eq!(put(&mut pool, 3, fat(0, 11, 300), &rich(0)).unwrap().len(), 1);
    assert_eq!(held(&pool), [(3, 0)]);
    let last = *pool.all().next().unwrap().tx.tx_hash();
    pool.remove(last);
    assert_eq!(pool.bytes, 0);
}

#[test]
fn what_was_taken_once_is_taken_again() {
    let mut pool = pool();
    // Far ahead of the first missing nonce, more than a sender may have, more than the pool may have.
    for nonce in (1..90).rev() {
        again(&mut pool, 1, plain(nonce, 5), &rich(0)).unwrap();
    }
    again(&mut pool, 1, plain(0, 5), &rich(0)).unwrap();
    assert_eq!(order(&pool, 0).len(), 90);
    let broke = AccountFacts { balance: U256::ZERO, ..rich(0) };
    again(&mut pool, 2, plain(0, 5), &broke).unwrap();
    assert_eq!((order(&pool, 0).len(), pool.len()), (90, 91));
    assert!(pool.update(key(2).address(), &rich(0)).is_empty());
    assert_eq!(order(&pool, 0).len(), 91);
    assert_eq!(again(&mut pool, 1, plain(3, 5), &rich(0)), Err(Rejection::AlreadyKnown));
    assert_eq!(again(&mut pool, 1, plain(3, 4), &rich(0)), Err(Rejection::Underpriced));
    let low = again(&mut pool, 3, plain(3, 5), &rich(4));
    assert_eq!(low, Err(Rejection::NonceTooLow { expected: 4, got: 3 }));
    // Whoever comes now makes room for itself, and for no more.
    assert_eq!(put(&mut pool, 3, plain(0, 5), &rich(0)), Err(Rejection::PoolFull));
    assert_eq!(put(&mut pool, 3, plain(0, 6), &rich(0)).unwrap().len(), 1);
    assert_eq!(pool.len(), 91);
}
