//! Blocks that the node keeps no more: whoever asks is told so.

use alloy::{network::TransactionBuilder, providers::Provider, rpc::types::TransactionRequest};
use alloy_primitives::{B256, U256};
use recourse_l1_node::Config;
use serde_json::{Value, json};

use crate::harness::Net;

/// `--block-history`'s least.
const KEPT: u64 = 256;

async fn pay(net: &Net) -> B256 {
    let tx = TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(net.account(1))
        .with_value(U256::ONE);
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    receipt.transaction_hash
}

#[tokio::test]
async fn old_blocks_are_forgotten_where_that_is_wanted_and_nothing_else() {
    // Fewer than 256 are not to be had; states without blocks neither.
    let net = Net::with(Config { block_history: Some(3), ..Config::default() }).await;
    let snapshot = net.call("evm_snapshot", json!([])).await;
    let old = pay(&net).await;
    let hash = net.call("eth_getBlockByNumber", json!(["0x1", false])).await["hash"].clone();
    net.call("anvil_mine", json!([300])).await;
    let new = pay(&net).await;
    let head = net.provider.get_block_number().await.unwrap();
    assert_eq!(head, 302);
    let oldest = head - KEPT + 1;

    let pruned = |number: u64| {
        let why =
            format!("pruned history unavailable: block {number}; the oldest one kept is {oldest}");
        Err((4444, why))
    };
    let logs = |from: u64| json!([{ "fromBlock": format!("{from:#x}"), "toBlock": "latest" }]);
    assert_eq!(net.try_call("eth_getBlockByNumber", json!(["0x1", false])).await, pruned(1));
    assert_eq!(net.try_call("eth_getBlockReceipts", json!(["0x1"])).await, pruned(1));
    assert_eq!(net.try_call("eth_getLogs", logs(1)).await, pruned(1));
    assert_eq!(net.try_call("eth_getLogs", logs(oldest - 1)).await, pruned(oldest - 1));
    assert_eq!(net.call("eth_getLogs", logs(oldest)).await, json!([]));
    // By hash they are as unknown as any.
    assert_eq!(net.call("eth_getBlockByHash", json!([hash, false])).await, Value::Null);
    assert_eq!(net.call("eth_getTransactionReceipt", json!([old])).await, Value::Null);

    // The first one stays, and so do all new ones, their states and what they hold.
    let first = net.call("eth_getBlockByNumber", json!(["earliest", false])).await;
    assert_eq!(first["number"], "0x0");
    let (status, genesis) = net.get("/eth/v1/beacon/headers/genesis").await;
    assert_eq!((status, &genesis["data"]["header"]["message"]["slot"]), (200, &json!("0")));
    for number in [oldest, head] {
        let block = net.call("eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await;
        assert_eq!(block["number"], format!("{number:#x}"));
        let at = net.provider.get_balance(net.account(1)).number(number).await;
        assert!(at.is_ok(), "{number}");
    }
    let of_none = net.provider.get_balance(net.account(1)).number(oldest - 1).await;
    assert_eq!(of_none.unwrap_err().as_error_resp().unwrap().code, -32001);
    let receipt = net.provider.get_transaction_receipt(new).await.unwrap().unwrap();
    assert_eq!(receipt.block_number, Some(head));
    let (status, head_slot) = net.get("/eth/v1/beacon/headers/head").await;
    assert_eq!((status, head_slot["data"]["canonical"].clone()), (200, json!(true)));

    // What can't be gone back to says so, and nothing happens.
    let back = net.try_call("evm_revert", json!([snapshot])).await.unwrap_err();
    assert_eq!(
        back,
        (-32000, "blocks after snapshot 0x1 were forgotten (--block-history)".to_owned())
    );
    assert_eq!(net.provider.get_block_number().await.unwrap(), head);
    net.call("anvil_rollback", json!([255])).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), oldest);
    net.call("anvil_mine", json!([5])).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), oldest + 5);
    let far = net.try_call("anvil_rollback", json!([6])).await.unwrap_err();
    assert_eq!(far.0, -32001);
}
