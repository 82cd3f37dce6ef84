//! What goes wrong on request.

use std::time::{Duration, Instant};

use alloy::{
    eips::BlockId,
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, U256, hex};
use recourse_l1_node::Config;
use serde_json::{Value, json};

use crate::{
    code::{STORE, deploy},
    harness::Net,
};

async fn block(net: &Net, number: u64) -> Value {
    net.call("eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await
}

/// Pays somebody, in a block of its own.
async fn pay(net: &Net, to: Address) -> Value {
    let tx = json!([{ "from": net.account(1), "to": to, "value": "0x1" }]);
    net.call("eth_sendTransaction", tx).await
}

async fn balance(net: &Net, who: Address) -> U256 {
    net.provider.get_balance(who).await.unwrap()
}

#[tokio::test]
async fn a_reorg_puts_other_blocks_in_the_place_of_the_newest() {
    let net = Net::start().await;
    let (store, _) = deploy(&net, STORE).await;
    let filter = net.call("eth_newFilter", json!([{ "address": store }])).await;
    let mut paid = Vec::new();
    for index in 1..=4_u8 {
        paid.push(pay(&net, Address::repeat_byte(index)).await);
    }
    let word = U256::from(9).to_be_bytes::<32>();
    let write =
        json!([{ "from": net.account(0), "to": store, "input": hex::encode_prefixed(word) }]);
    let lost = net.call("eth_sendTransaction", write).await;
    let mut before = Vec::new();
    for number in 0..=6 {
        before.push(block(&net, number).await);
    }
    assert_eq!(
        net.call("eth_getFilterChanges", json!([filter])).await.as_array().unwrap().len(),
        1
    );

    // Of the blocks 4, 5 and 6 the last gets two transactions, one of them signed elsewhere.
    let wallet = EthereumWallet::from(net.node.accounts()[2].signer().clone());
    let signed = TransactionRequest::default()
        .with_to(Address::repeat_byte(0x22))
        .with_value(U256::from(2))
        .with_nonce(0)
        .with_chain_id(net.node.chain_id())
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(10_000_000_000)
        .with_max_priority_fee_per_gas(1)
        .build(&wallet)
        .await
        .unwrap();
    let raw = hex::encode_prefixed(signed.encoded_2718());
    let other = json!({ "from": net.account(1), "to": Address::repeat_byte(0x11), "value": "0x5" });
    net.call("anvil_reorg", json!([3, [[other, 2], [raw, 2]]])).await;

    assert_eq!(net.provider.get_block_number().await.unwrap(), 6);
    for number in 0..=6 {
        let (old, new) = (&before[number as usize], block(&net, number).await);
        assert_eq!(old["timestamp"], new["timestamp"]);
        assert_eq!(old["hash"] == new["hash"], number <= 3, "block {number}");
        let count = new["transactions"].as_array().unwrap().len();
        assert_eq!(count, [0, 1, 1, 1, 0, 0, 2][number as usize], "block {number}");
    }
    for (hash, stays) in paid.iter().zip([true, true, false, false]) {
        let receipt = net.call("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(!receipt.is_null(), stays);
    }
    assert_eq!(balance(&net, Address::repeat_byte(2)).await, U256::from(1));
    assert_eq!(balance(&net, Address::repeat_byte(3)).await, U256::ZERO);
    assert_eq!(balance(&net, Address::repeat_byte(0x11)).await, U256::from(5));
    assert_eq!(balance(&net, Address::repeat_byte(0x22)).await, U256::from(2));
    let logs = net.call("eth_getFilterChanges", json!([filter])).await;
    assert_eq!(
        (logs[0]["removed"].clone(), logs[0]["transactionHash"].clone()),
        (json!(true), lost)
    );
    assert_eq!(logs.as_array().unwrap().len(), 1);
    // The sender's next transaction has the nonce that the lost one had.
    pay(&net, Address::repeat_byte(7)).await;
    assert_eq!(net.provider.get_transaction_count(net.account(1)).await.unwrap(), 4);
}

#[tokio::test]
async fn an_empty_block_is_replaced_by_another_one() {
    let net = Net::start().await;
    net.call("anvil_mine", json!([4])).await;
    let mut seen = vec![block(&net, 4).await["hash"].clone()];
    for options in [json!([2]), json!(["0x2", []]), json!([{ "depth": 2, "tx_block_pairs": [] }])] {
        net.call("anvil_reorg", options).await;
        let hash = block(&net, 4).await["hash"].clone();
        assert!(!seen.contains(&hash));
        seen.push(hash);
    }
}

#[tokio::test]
async fn a_reorg_that_cannot_be_changes_nothing() {
    let net = Net::start().await;
    for index in 1..=3 {
        pay(&net, Address::repeat_byte(index)).await;
    }
    let before = block(&net, 3).await;
    let poor =
        json!({ "from": net.account(1), "to": Address::ZERO, "nonce": "0x9", "gas": "0x5208" });
    let stranger = json!({ "from": Address::repeat_byte(1), "to": Address::ZERO });
    let good = json!({ "from": net.account(3), "to": Address::ZERO });
    for (params, code) in [
        (json!([0]), -32602),
        (json!([4]), -32602),
        (json!([]), -32602),
        (json!([2, [[good, 2]]]), -32602),
        (json!([2, [["0x01", 0]]]), -32000),
        (json!([2, [[good, 0], [poor, 1]]]), -32000),
        (json!([2, [[stranger, 0]]]), -32000),
    ] {
        let (got, message) = net.try_call("anvil_reorg", params.clone()).await.unwrap_err();
        assert_eq!(got, code, "{params}: {message}");
        assert_eq!(block(&net, 3).await, before, "{params}");
    }
}

#[tokio::test]
async fn a_reorg_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || Config { state: Some(folder.path().join("l1.jsonl")), ..Config::default() };
    let net = Net::with(kept()).await;
    for index in 1..=4 {
        pay(&net, Address::repeat_byte(index)).await;
    }
    let other = json!({ "from": net.account(1), "to": Address::repeat_byte(9), "value": "0x1" });
    net.call("anvil_reorg", json!([3, [[other, 1]]])).await;
    net.call("evm_mine", json!([])).await;
    net.call("anvil_rollback", json!([1])).await;
    net.call("anvil_reorg", json!([1])).await;
    let mut before = Vec::new();
    for number in 0..=4 {
        before.push(block(&net, number).await);
    }
    net.node.shutdown().await;
    let net = Net::with(kept()).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), 4);
    for (number, old) in (0..).zip(before) {
        assert_eq!(block(&net, number).await, old);
    }
    assert_eq!(balance(&net, Address::repeat_byte(9)).await, U256::from(1));
    assert_eq!(balance(&net, Address::repeat_byte(3)).await, U256::ZERO);
}

#[tokio::test]
async fn a_block_that_is_due_can_be_missing() {
    let net = Net::start().await;
    net.call("recourse_missBlocks", json!([2])).await;
    for index in 1..=2 {
        pay(&net, Address::repeat_byte(index)).await;
        assert_eq!(net.provider.get_block_number().await.unwrap(), 0);
    }
    let waiting = json!({ "pending": "0x2", "queued": "0x0" });
    assert_eq!(net.call("txpool_status", json!([])).await, waiting);
    pay(&net, Address::repeat_byte(3)).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), 3);
    // What is asked for is not merely due.
    net.call("recourse_missBlocks", json!([1])).await;
    net.call("evm_mine", json!([])).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), 4);
}

#[tokio::test]
async fn finality_lags_and_can_stall() {
    let net = Net::with(Config { finality_lag: Some(4), ..Config::default() }).await;
    let tags = async || {
        let mut numbers = Vec::new();
        for tag in [BlockId::safe(), BlockId::finalized()] {
            numbers.push(net.provider.get_block(tag).await.unwrap().unwrap().header.number);
        }
        numbers
    };
    net.call("anvil_mine", json!([10])).await;
    assert_eq!(tags().await, [8, 6]);
    net.call("recourse_stallFinality", json!([true])).await;
    net.call("anvil_mine", json!([10])).await;
    assert_eq!(tags().await, [8, 6]);
    net.call("anvil_rollback", json!([13])).await;
    assert_eq!(tags().await, [7, 6]);
    net.call("recourse_stallFinality", json!([false])).await;
    assert_eq!(tags().await, [5, 3]);
}

#[tokio::test]
async fn a_method_fails_as_often_as_it_is_told_to() {
    let net = Net::start().await;
    let error = json!({ "code": -32005, "message": "daily request count exceeded" });
    let fault = json!([{ "method": "eth_gasPrice", "error": error, "times": 2 }]);
    net.call("recourse_injectFault", fault.clone()).await;
    assert_eq!(net.call("recourse_faults", json!([])).await[0]["times"], 2);
    net.call("eth_blockNumber", json!([])).await;
    for _ in 0..2 {
        let (code, message) = net.try_call("eth_gasPrice", json!([])).await.unwrap_err();
        assert_eq!((code, message.as_str()), (-32005, "daily request count exceeded"));
    }
    net.call("eth_gasPrice", json!([])).await;
    assert_eq!(net.call("recourse_faults", json!([])).await, json!([]));

    // Everything but what ends it, in a batch, too.
    net.call("recourse_injectFault", json!([{ "method": "*", "error": error }])).await;
    net.try_call("eth_blockNumber", json!([])).await.unwrap_err();
    net.call("evm_mine", json!([])).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] },
        { "jsonrpc": "2.0", "id": 2, "method": "evm_mine", "params": [] },
    ]);
    let answers = reqwest::Client::new().post(net.node.url()).json(&batch).send().await.unwrap();
    let answers: Value = answers.json().await.unwrap();
    let of = |id: u64| answers.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(of(1)["error"]["code"], -32005);
    assert_eq!(of(2)["result"], "0x0");
    assert_eq!(net.call("recourse_clearFaults", json!([])).await, 1);
    assert_eq!(net.provider.get_block_number().await.unwrap(), 2);
}

#[tokio::test]
async fn a_request_waits_as_long_as_it_is_told_to() {
    let net = Net::start().await;
    let fault = json!([{ "method": "eth_gasPrice", "latencyMs": 300, "times": 1 }]);
    net.call("recourse_injectFault", fault).await;
    let start = Instant::now();
    net.call("eth_gasPrice", json!([])).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn routes_of_the_beacon_api_fail_too() {
    let net = Net::start().await;
    let error = json!({ "code": 503, "message": "syncing" });
    let fault = json!([{ "method": "GET /eth/v1/beacon/blobs", "error": error, "times": 1 }]);
    net.call("recourse_injectFault", fault).await;
    assert_eq!(net.get("/eth/v1/beacon/genesis").await.0, 200);
    let (status, body) = net.get("/eth/v1/beacon/blobs/head").await;
    assert_eq!((status, body["message"].as_str()), (503, Some("syncing")));
    assert_eq!(net.get("/eth/v1/beacon/blobs/head").await.0, 200);
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let net = Net::start().await;
    let error = json!({ "code": 1, "message": "" });
    for fault in [
        json!({ "method": "eth_call" }),
        json!({ "method": "eth_call", "latencyMs": 600_001 }),
        json!({ "method": "eth_call", "error": error, "times": 0 }),
        json!({ "method": "GET eth/v1", "error": error }),
        json!({ "method": "eth_call", "latency": 5 }),
        json!({ "error": error }),
    ] {
        let (code, message) =
            net.try_call("recourse_injectFault", json!([fault])).await.unwrap_err();
        assert_eq!(code, -32602, "{fault}: {message}");
    }
    assert_eq!(net.call("recourse_faults", json!([])).await, json!([]));
    assert_eq!(
        net.provider.get_block(BlockId::latest()).await.unwrap().unwrap().header.parent_hash,
        B256::ZERO
    );
}
