//! The limit of a block, up to it and over it.

use alloy::{network::TransactionBuilder, providers::Provider};
use alloy_primitives::Bytes;
use recourse_l1_node::Config;
use serde_json::json;

use super::{
    callers::{
        Called, Counted, EXECUTE, ExecuteCaller, MOST_GAS, Scene, event, nonsense, once,
        price_and_left, transfer_cost,
    },
    model::{self, LIMIT, TARGET},
};
use crate::{claim::Claim, harness::Net};

fn many(times: u64, input: Bytes) -> ExecuteCaller::manyCall {
    ExecuteCaller::manyCall { times: alloy_primitives::U256::from(times), input }
}

#[tokio::test]
async fn a_block_takes_exactly_its_limit_and_not_one_gas_more() {
    let scene = Scene::new().await;
    let txs =
        [LIMIT / 2, LIMIT / 2 - 1, 2, 1, 1, 0].map(|gas| scene.to_caller(&once(nonsense(gas))));
    let receipts = scene.mine(txs.to_vec()).await;
    // One gas is left when 2 are asked for; 1 fills it; after that only 0 fits.
    let expected = [true, true, false, true, false, true];
    for (receipt, success) in receipts.iter().zip(expected) {
        let told: Called = event(receipt);
        assert_eq!(told.success, success);
    }
    assert_eq!(scene.excess().await, LIMIT - TARGET, "what failed was not counted");
}

#[tokio::test]
async fn one_call_may_take_the_whole_limit_and_none_more_than_it() {
    let scene = Scene::new().await;
    assert!(!scene.once(nonsense(LIMIT + 1)).await.success);
    assert!(!scene.once(nonsense(u64::MAX)).await.success);
    assert_eq!(scene.excess().await, 0);
    assert!(scene.once(nonsense(LIMIT)).await.success);
    assert_eq!(scene.excess().await, LIMIT - TARGET);
    // The next block has all of it again.
    assert!(scene.once(nonsense(LIMIT)).await.success);
    assert_eq!(scene.excess().await, 2 * (LIMIT - TARGET));
}

#[tokio::test]
async fn what_is_over_the_limit_takes_all_gas_forwarded() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let fill = scene.to_caller(&once(nonsense(LIMIT)));
    let call = ExecuteCaller::withGasCall {
        gasLimit: alloy_primitives::U256::from(1_000_000),
        input: nonsense(1),
    };
    let receipts = scene.mine(vec![fill, scene.to_caller(&call)]).await;
    let told: Called = event(&receipts[1]);
    assert!(!told.success);
    assert!(told.answer.is_empty());
    assert_eq!(told.spent.to::<u64>(), 1_000_000 + overhead);
}

#[tokio::test]
async fn hundreds_of_calls_in_one_transaction_fill_a_block() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    // 512 times 2^16 is the limit.
    let txs = vec![
        scene.to_caller(&many(512, nonsense(LIMIT / 512))),
        scene.to_caller(&once(Bytes::new())),
        scene.to_caller(&once(nonsense(1))),
    ];
    let receipts = scene.mine(txs).await;
    let told: Counted = event(&receipts[0]);
    assert_eq!(told.succeeded.to::<u64>(), 512);
    assert_eq!(told.affirmed.to::<u64>(), 0);
    assert_eq!(told.spent.to::<u64>(), 512 * (model::nonsense(0, LIMIT / 512) + overhead));
    assert!(receipts[0].gas_used < MOST_GAS);
    let query: Called = event(&receipts[1]);
    assert_eq!(price_and_left(&query.answer).1, 0);
    let over: Called = event(&receipts[2]);
    assert!(!over.success);
    assert_eq!(scene.excess().await, LIMIT - TARGET);
}

#[tokio::test]
async fn hundreds_of_true_claims_in_one_transaction_are_all_true() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let claim = Claim::transfer();
    let told: Counted = scene.told(&many(300, claim.encode())).await;
    assert_eq!((told.succeeded.to::<u64>(), told.affirmed.to::<u64>()), (300, 300));
    assert_eq!(told.spent.to::<u64>(), 300 * (transfer_cost(&claim, 0) + overhead));
    scene.set_excess(100_000_000).await;
    let told: Counted = scene.told(&many(300, claim.encode())).await;
    assert_eq!(told.affirmed.to::<u64>(), 300);
    assert_eq!(scene.excess().await, model::next_excess(100_000_000, 300 * 21_000));
}

#[tokio::test]
async fn a_query_tells_what_the_calls_before_it_left() {
    let scene = Scene::new().await;
    let mut txs = Vec::new();
    for gas in [0, 1, 21_000, LIMIT / 4] {
        txs.push(scene.to_caller(&once(nonsense(gas))));
        txs.push(scene.to_caller(&once(Bytes::new())));
    }
    let receipts = scene.mine(txs).await;
    let mut left = LIMIT;
    for (pair, gas) in receipts.chunks(2).zip([0, 1, 21_000, LIMIT / 4]) {
        left -= gas;
        let query: Called = event(&pair[1]);
        assert_eq!(price_and_left(&query.answer).1, left);
    }
}

#[tokio::test]
async fn scarce_capacity_goes_to_the_higher_tip() {
    let scene = Scene::new().await;
    let early = scene.request(0, EXECUTE, nonsense(LIMIT));
    let late =
        scene.request(1, EXECUTE, nonsense(LIMIT)).with_max_priority_fee_per_gas(1_000_000_001);
    let receipts = scene.mine(vec![early, late]).await;
    assert!(!receipts[0].status());
    assert_eq!(receipts[0].gas_used, MOST_GAS, "the loser pays all its gas");
    assert!(receipts[1].status());
}

#[tokio::test]
async fn a_transaction_that_does_not_get_into_the_block_takes_nothing() {
    // Room for three of these, then less than a fourth asks for: it is run in the next block. Each
    // declares a third of the limit, so that four would be too much for one.
    let gas_limit = MOST_GAS + 600_000;
    let scene =
        Scene::on(Net::with(Config { gas_limit: Some(gas_limit), ..Config::default() }).await)
            .await;
    let part = LIMIT / 3;
    let mut hashes = Vec::new();
    for from in 0..4 {
        let tx = scene.request(from, EXECUTE, nonsense(part));
        hashes.push(*scene.net.provider.send_transaction(tx).await.unwrap().tx_hash());
    }
    let mut excess = 0;
    for declared in [3 * part, part] {
        scene.net.call("evm_mine", json!([])).await;
        excess = model::next_excess(excess, declared);
        assert_eq!(scene.excess().await, excess);
    }
    let mut blocks = Vec::new();
    for hash in hashes {
        let receipt = scene.net.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
        assert!(receipt.status());
        blocks.push(receipt.block_number.unwrap());
    }
    assert_eq!(blocks, [2, 2, 2, 3]);
}
