//! What is only tried out counts on a meter of its own.

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::state::{AccountOverride, StateOverride},
};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};

use super::{
    callers::{
        Called, Counted, EXECUTE, ExecuteCaller, Scene, event, nonsense, once, price_and_left,
    },
    model::{self, EXCESS_MAX, LIMIT, TARGET},
};

fn many(times: u64, gas: u64) -> ExecuteCaller::manyCall {
    ExecuteCaller::manyCall { times: U256::from(times), input: nonsense(gas) }
}

/// Everything that runs a transaction without mining it, with all the capacity there is.
async fn try_everything(scene: &Scene) {
    let tx = json!({
        "from": scene.net.account(4), "to": scene.caller,
        "input": Bytes::from(once(nonsense(LIMIT)).abi_encode()),
    });
    for tag in ["latest", "pending"] {
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
            scene.net.call(method, json!([tx, tag])).await;
        }
    }
    let pending = scene.net.call("eth_getBlockByNumber", json!(["pending", false])).await;
    assert!(!pending["transactions"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn simulations_leave_the_meter_of_the_block_alone() {
    let scene = Scene::new().await;
    let send = |tx| scene.net.provider.send_transaction(tx);
    let calls = [LIMIT - 1, 1, 1].map(|gas| scene.to_caller(&once(nonsense(gas))));
    let mut pending = Vec::new();
    for call in calls {
        pending.push(send(call).await.unwrap());
        try_everything(&scene).await;
    }
    scene.net.call("evm_mine", json!([])).await;
    let mut receipts = Vec::new();
    for pending in pending {
        receipts.push(pending.get_receipt().await.unwrap());
    }
    let told: Vec<Called> = receipts.iter().map(event).collect();
    assert_eq!(told.iter().map(|told| told.success).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(scene.excess().await, LIMIT - TARGET);

    // A trace of a mined transaction runs the block up to it, on the meter as it was then.
    for (receipt, told) in receipts.iter().zip(told) {
        let options = json!([receipt.transaction_hash, { "tracer": "callTracer" }]);
        let frame: Value = scene.net.call("debug_traceTransaction", options).await;
        let call = &frame["calls"][0];
        assert_eq!(call["to"], json!(EXECUTE));
        assert_eq!(call["error"].is_null(), told.success, "{frame}");
    }
    assert_eq!(scene.excess().await, LIMIT - TARGET);
}

#[tokio::test]
async fn a_simulation_has_one_blocks_capacity_and_no_more() {
    let scene = Scene::new().await;
    scene.mine(vec![scene.request(0, EXECUTE, nonsense(LIMIT))]).await;
    // Though the newest block has none left.
    let id = scene.net.call("evm_snapshot", json!([])).await;
    let told: Counted = scene.told(&many(3, LIMIT / 2)).await;
    assert_eq!(told.succeeded.to::<u64>(), 2);
    assert_eq!(scene.net.call("evm_revert", json!([id])).await, json!(true));
    for gas in [LIMIT, LIMIT + 1] {
        let answer = scene.net.provider.call(scene.to_caller(&once(nonsense(gas)))).await.unwrap();
        let told = ExecuteCaller::onceCall::abi_decode_returns(&answer).unwrap();
        assert_eq!(told.success, gas == LIMIT);
    }
    let query = scene.net.provider.call(scene.request(0, EXECUTE, Bytes::new())).await.unwrap();
    assert_eq!(price_and_left(&query).1, LIMIT);
}

#[tokio::test]
async fn a_query_at_pending_tells_the_price_of_the_next_block() {
    let scene = Scene::new().await;
    scene.set_excess(300_000_000).await;
    scene.mine(vec![scene.request(0, EXECUTE, nonsense(LIMIT))]).await;
    let query = scene.request(0, EXECUTE, Bytes::new());
    let told = scene.net.provider.call(query.clone()).pending().await.unwrap();
    let next = scene.mine(vec![query]).await;
    let head = next[0].block_number.unwrap();
    let block = scene.net.provider.get_block_by_number(head.into()).await.unwrap().unwrap();
    let base_fee = block.header.base_fee_per_gas.unwrap();
    let excess = model::next_excess(300_000_000, LIMIT);
    assert_eq!(price_and_left(&told), (model::gas_price(excess, base_fee), LIMIT));
}

#[tokio::test]
async fn an_override_of_the_excess_is_the_price_that_is_tried_out() {
    let scene = Scene::new().await;
    let slots = [(B256::ZERO, B256::from(U256::from(EXCESS_MAX)))].into_iter().collect();
    let state = AccountOverride { state_diff: Some(slots), ..Default::default() };
    let overrides: StateOverride = [(EXECUTE, state)].into_iter().collect();
    let query = scene.request(0, EXECUTE, Bytes::new());
    let [dear, cheap] = [Some(overrides), None].map(|overrides| {
        let call = scene.net.provider.call(query.clone()).pending();
        overrides.into_iter().fold(call, |call, overrides| call.overrides(overrides))
    });
    let (dear, cheap) = (dear.await.unwrap(), cheap.await.unwrap());
    let times =
        price_and_left(&dear).0.to::<u64>() as f64 / price_and_left(&cheap).0.to::<u64>() as f64;
    assert!((times - 16.0).abs() < 1e-6, "{times}");
}

#[tokio::test]
async fn an_access_list_names_neither_it_nor_what_it_points_to() {
    let scene = Scene::new().await;
    let tx = scene.request(0, scene.caller, once(nonsense(1)).abi_encode().into());
    let list = scene.net.provider.create_access_list(&tx.with_gas_limit(1_000_000)).await.unwrap();
    assert!(list.access_list.0.is_empty(), "{list:?}");
}
