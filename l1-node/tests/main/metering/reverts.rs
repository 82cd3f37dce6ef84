//! A revert gives no capacity back and no gas.

use alloy::{network::TransactionBuilder, providers::Provider};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{SolCall, SolError};
use serde_json::json;

use super::{
    callers::{
        Called, EXECUTE, ExecuteCaller, Framed, MOST_GAS, Scene, event, nonsense, once,
        price_and_left,
    },
    model::{self, LIMIT, TARGET},
};

fn then_revert(gas: u64) -> ExecuteCaller::thenRevertCall {
    ExecuteCaller::thenRevertCall { input: nonsense(gas) }
}

fn then_invalid(gas: u64) -> ExecuteCaller::thenInvalidCall {
    ExecuteCaller::thenInvalidCall { input: nonsense(gas) }
}

fn framed(call: &impl SolCall) -> ExecuteCaller::framedCall {
    ExecuteCaller::framedCall { gasLimit: U256::from(2_000_000), data: call.abi_encode().into() }
}

#[tokio::test]
async fn a_reverted_transaction_has_used_the_capacity_and_paid() {
    let scene = Scene::new().await;
    let txs = vec![
        scene.to_caller(&then_revert(LIMIT - 5)),
        scene.to_caller(&once(Bytes::new())),
        scene.to_caller(&once(nonsense(6))),
        scene.to_caller(&once(nonsense(5))),
    ];
    let receipts = scene.mine(txs).await;
    assert!(!receipts[0].status());
    assert!(receipts[0].gas_used > model::nonsense(0, LIMIT - 5), "the call is charged");
    assert!(receipts[0].gas_used < MOST_GAS, "the rest came back");
    assert_eq!(price_and_left(&event::<Called>(&receipts[1]).answer).1, 5);
    assert!(!event::<Called>(&receipts[2]).success);
    assert!(event::<Called>(&receipts[3]).success);
    assert_eq!(scene.excess().await, LIMIT - TARGET);
}

#[tokio::test]
async fn a_transaction_that_ran_out_of_gas_has_used_it_too() {
    let scene = Scene::new().await;
    let txs = vec![scene.to_caller(&then_invalid(LIMIT)), scene.to_caller(&once(Bytes::new()))];
    let receipts = scene.mine(txs).await;
    assert!(!receipts[0].status());
    assert_eq!(receipts[0].gas_used, MOST_GAS);
    assert_eq!(price_and_left(&event::<Called>(&receipts[1]).answer).1, 0);
    assert_eq!(scene.excess().await, LIMIT - TARGET);
}

#[tokio::test]
async fn an_outer_frame_that_goes_on_after_an_inner_revert_gets_nothing_back() {
    let scene = Scene::new().await;
    let (half, rest) = (LIMIT / 2, LIMIT / 2 - 1);
    let txs = vec![
        scene.to_caller(&framed(&then_revert(half))),
        scene.to_caller(&framed(&framed(&then_revert(rest)))),
        scene.to_caller(&once(Bytes::new())),
    ];
    let receipts = scene.mine(txs).await;
    let inner: Framed = event(&receipts[0]);
    assert!(!inner.success);
    assert_eq!(inner.answer, ExecuteCaller::OnPurpose::SELECTOR[..]);
    // 2^24 and 2^24 - 1 are gone, two frames deep.
    assert_eq!(price_and_left(&event::<Called>(&receipts[2]).answer).1, 1);
    assert!(receipts[0].gas_used > model::nonsense(0, half));
    assert_eq!(scene.excess().await, LIMIT - 1 - TARGET);
}

#[tokio::test]
async fn going_back_to_a_snapshot_takes_the_excess_back_and_the_same_block_makes_it_again() {
    let scene = Scene::new().await;
    scene.once(nonsense(LIMIT)).await;
    let before = scene.excess().await;
    let id = scene.net.call("evm_snapshot", json!([])).await;
    for _ in 0..2 {
        scene.once(nonsense(LIMIT)).await;
    }
    assert_eq!(scene.excess().await, 3 * before);
    assert_eq!(scene.net.call("evm_revert", json!([id])).await, json!(true));
    assert_eq!(scene.excess().await, before);
    assert!(scene.once(nonsense(LIMIT)).await.success);
    assert_eq!(scene.excess().await, 2 * before);
    scene.net.call("anvil_rollback", json!(["0x1"])).await;
    assert_eq!(scene.excess().await, before);
}

#[tokio::test]
async fn invalid_and_dropped_transactions_take_nothing() {
    let scene = Scene::new().await;
    let net = &scene.net;
    // Account 1 sends all it has away with the higher tip; its second transaction, which would
    // fill the block, can't be paid for any more and leaves the pool.
    let balance = net.provider.get_balance(net.account(1)).await.unwrap();
    let fee = U256::from(21_000_u64) * U256::from(200_000_000_000_u64);
    let away = scene
        .request(1, net.account(2), Bytes::new())
        .with_gas_limit(21_000)
        .with_value(balance - fee)
        .with_max_priority_fee_per_gas(2_000_000_000);
    let nonce = net.provider.get_transaction_count(net.account(1)).await.unwrap();
    let broke = scene.request(1, EXECUTE, nonsense(LIMIT)).with_nonce(nonce + 1);
    let away = net.provider.send_transaction(away.with_nonce(nonce)).await.unwrap();
    let broke = net.provider.send_transaction(broke).await.unwrap();
    let (away_hash, broke_hash) = (*away.tx_hash(), *broke.tx_hash());
    let dropped = scene.request(3, EXECUTE, nonsense(LIMIT));
    let dropped = net.provider.send_transaction(dropped).await.unwrap();
    net.call("anvil_dropTransaction", json!([dropped.tx_hash()])).await;
    let receipts = scene.mine(vec![scene.to_caller(&once(Bytes::new()))]).await;
    assert_eq!(price_and_left(&event::<Called>(&receipts[0]).answer).1, LIMIT);
    assert!(net.provider.get_transaction_receipt(away_hash).await.unwrap().is_some());
    assert!(net.provider.get_transaction_receipt(broke_hash).await.unwrap().is_none());
    assert_eq!(scene.excess().await, 0);
}
