//! Proofs, fees, snapshots, time, mining, subscriptions.

use std::time::Duration;

use alloy::{
    network::TransactionBuilder,
    primitives::U256,
    providers::{Provider, ProviderBuilder, WsConnect},
    rpc::types::{BlockNumberOrTag, Filter, TransactionRequest},
};
use alloy_primitives::{Address, B256, Bytes, hex, keccak256};
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use futures::StreamExt;
use recourse_l1_node::{Config, Mining};
use serde_json::{Value, json};

use crate::{
    code::{STORE, deploy},
    harness::Net,
};

fn word(value: u64) -> Bytes {
    B256::from(U256::from(value)).into()
}

async fn store(net: &Net, contract: Address, value: u64) {
    let tx = TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(contract)
        .with_input(word(value));
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
}

#[tokio::test]
async fn proofs_verify_against_the_header() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 5).await;
    store(&net, contract, 6).await;
    for (number, value) in [(2_u64, 5_u64), (3, 6)] {
        let block = net.provider.get_block_by_number(number.into()).await.unwrap().unwrap();
        let keys = vec![B256::ZERO, B256::with_last_byte(1)];
        let proof = net.provider.get_proof(contract, keys.clone()).number(number).await.unwrap();
        let leaf =
            TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
        assert_eq!(proof.code_hash, keccak256(STORE));
        verify_proof(
            block.header.state_root,
            Nibbles::unpack(keccak256(contract)),
            Some(alloy_rlp::encode(leaf)),
            &proof.account_proof,
        )
        .unwrap();
        let expected = [Some(alloy_rlp::encode(U256::from(value))), None];
        for ((key, expected), one) in keys.iter().zip(expected).zip(&proof.storage_proof) {
            let key = Nibbles::unpack(keccak256(key));
            verify_proof(proof.storage_hash, key, expected, &one.proof).unwrap();
        }
    }
}

#[tokio::test]
async fn old_states_answer_calls() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    for value in 1..=4 {
        store(&net, contract, value).await;
    }
    for number in 2..=5_u64 {
        let call = TransactionRequest::default().with_to(contract).with_input(word(9));
        let old = net.provider.call(call).number(number).await.unwrap();
        assert_eq!(old, word(number - 1));
    }
}

#[tokio::test]
async fn fee_history_covers_the_next_block() {
    let net = Net::start().await;
    for _ in 0..3 {
        net.call("evm_mine", json!([])).await;
    }
    let history =
        net.provider.get_fee_history(3, BlockNumberOrTag::Latest, &[10.0, 90.0]).await.unwrap();
    assert_eq!(history.oldest_block, 1);
    assert_eq!(history.base_fee_per_gas.len(), 4);
    assert_eq!(history.base_fee_per_blob_gas, [1; 4]);
    assert_eq!(history.reward.unwrap(), vec![vec![0, 0]; 3]);
    net.call("evm_mine", json!([])).await;
    let next = net.provider.get_block_by_number(4.into()).await.unwrap().unwrap();
    let told = history.base_fee_per_gas[3];
    assert_eq!(u128::from(next.header.base_fee_per_gas.unwrap()), told);
    assert_eq!(
        net.try_call("eth_feeHistory", json!(["0x1", "0x99", []])).await.unwrap_err().0,
        -32000
    );
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to_once() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 1).await;
    let id = net.call("evm_snapshot", json!([])).await;
    store(&net, contract, 2).await;
    net.call("anvil_setBalance", json!([net.account(5), "0x7"])).await;
    assert_eq!(net.call("evm_revert", json!([id])).await, json!(true));
    assert_eq!(net.provider.get_block_number().await.unwrap(), 2);
    let stored = net.provider.get_storage_at(contract, U256::ZERO).await.unwrap();
    assert_eq!(stored, U256::ONE);
    assert_ne!(net.provider.get_balance(net.account(5)).await.unwrap(), U256::from(7));
    assert_eq!(net.call("evm_revert", json!([id])).await, json!(false));
}

#[tokio::test]
async fn time_moves_on_request() {
    let net = Net::start().await;
    let head = || async {
        net.provider.get_block(BlockNumberOrTag::Latest.into()).await.unwrap().unwrap().header
    };
    let start = head().await.timestamp;
    net.call("anvil_mine", json!(["0x20", "0x2"])).await;
    let burst = head().await.timestamp;
    assert!(burst >= start + 62, "chain time runs ahead of the clock");
    net.call("evm_increaseTime", json!([1000])).await;
    net.call("evm_mine", json!([])).await;
    assert!(head().await.timestamp >= burst + 1000);
    let at = head().await.timestamp + 5000;
    net.call("evm_setNextBlockTimestamp", json!([at])).await;
    net.call("evm_mine", json!([])).await;
    assert_eq!(head().await.timestamp, at);
    let error = net.try_call("evm_setNextBlockTimestamp", json!([at])).await.unwrap_err();
    assert_eq!(error.0, -32602);
    // None that would leave the blocks after it no time of their own.
    let end = json!([format!("{:#x}", u64::MAX)]);
    for method in ["evm_setNextBlockTimestamp", "evm_mine"] {
        let (code, message) = net.try_call(method, end.clone()).await.unwrap_err();
        assert_eq!(code, -32602, "{message}");
        assert!(message.contains("is too late"), "{message}");
    }
    let latest = i64::MAX.unsigned_abs();
    net.call("evm_setNextBlockTimestamp", json!([format!("{latest:#x}")])).await;
    net.call("anvil_mine", json!(["0x2"])).await;
    assert!(head().await.timestamp > latest);
}

#[tokio::test]
async fn blocks_come_at_intervals() {
    let mining = Mining::Interval(Duration::from_millis(50));
    let net = Net::with(Config { mining, ..Config::default() }).await;
    let (contract, receipt) = deploy(&net, STORE).await;
    assert!(receipt.block_number.unwrap() >= 1);
    store(&net, contract, 3).await;
    net.call("evm_setIntervalMining", json!([0])).await;
    let stopped = net.provider.get_block_number().await.unwrap();
    net.call("evm_mine", json!([])).await;
    assert_eq!(net.provider.get_block_number().await.unwrap(), stopped + 1);
}

#[tokio::test]
async fn subscriptions_tell_of_heads_and_logs() {
    let net = Net::start().await;
    let ws = ProviderBuilder::new().connect_ws(WsConnect::new(net.node.ws_url())).await.unwrap();
    let mut heads = ws.subscribe_blocks().await.unwrap().into_stream();
    let (contract, _) = deploy(&net, STORE).await;
    let filter = Filter::new().address(contract);
    let mut logs = ws.subscribe_logs(&filter).await.unwrap().into_stream();
    let mut pooled = ws.subscribe_pending_transactions().await.unwrap().into_stream();
    store(&net, contract, 8).await;
    let block = net.provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    assert_eq!(pooled.next().await, block.transactions.hashes().next());
    assert_eq!(heads.next().await.unwrap().number, 1);
    assert_eq!(heads.next().await.unwrap().number, 2);
    let log = logs.next().await.unwrap();
    assert_eq!(log.data().data, word(8));
    assert!(!log.removed);
    let id = net.call("evm_snapshot", json!([])).await;
    store(&net, contract, 9).await;
    net.call("evm_revert", json!([id])).await;
    assert!(!logs.next().await.unwrap().removed);
    assert!(logs.next().await.unwrap().removed, "a log of a removed block is taken back");
}

#[tokio::test]
async fn headers_are_blocks_without_their_transactions() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 8).await;
    let mut block = net.call("eth_getBlockByNumber", json!(["0x2", false])).await;
    let hash = block["hash"].clone();
    for field in ["transactions", "uncles", "withdrawals", "size"] {
        drop(block.as_object_mut().unwrap().remove(field));
    }
    let mut header = net.call("eth_getHeaderByNumber", json!(["0x2"])).await;
    assert_eq!(net.call("eth_getHeaderByHash", json!([hash])).await, header);
    drop(header.as_object_mut().unwrap().remove("size"));
    assert_eq!(header, block);
    assert_eq!(net.call("eth_getHeaderByNumber", json!(["0x3"])).await, Value::Null);
}

#[tokio::test]
async fn filters_are_polled() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    let logs = net.call("eth_newFilter", json!([{ "address": contract }])).await;
    let blocks = net.call("eth_newBlockFilter", json!([])).await;
    let pooled = net.call("eth_newPendingTransactionFilter", json!([])).await;
    store(&net, contract, 4).await;
    let block = net.provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    let sent = net.call("eth_getFilterChanges", json!([pooled])).await;
    assert_eq!(sent, json!(block.transactions.hashes().collect::<Vec<_>>()));
    let refused = net.try_call("eth_getFilterLogs", json!([blocks])).await.unwrap_err();
    assert_eq!(refused, (-32000, "filter not found".to_owned()), "it is not one for logs");
    let changes = net.call("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!(net.call("eth_getFilterChanges", json!([logs])).await, json!([]));
    let all = net.call("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(all, changes);
    assert_eq!(net.call("eth_getFilterChanges", json!([blocks])).await, json!([block.header.hash]));
    assert_eq!(net.call("eth_uninstallFilter", json!([logs])).await, json!(true));
    let gone = net.try_call("eth_getFilterChanges", json!([logs])).await.unwrap_err();
    assert_eq!(gone, (-32000, "filter not found".to_owned()));
}

#[tokio::test]
async fn anybody_may_be_impersonated() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    net.call("anvil_setBalance", json!([contract, "0xde0b6b3a7640000"])).await;
    let tx = json!([{ "from": contract, "to": net.account(1), "value": "0x5" }]);
    assert!(net.try_call("eth_sendTransaction", tx.clone()).await.is_err());
    net.call("anvil_impersonateAccount", json!([contract])).await;
    let hash = net.call("eth_sendTransaction", tx.clone()).await;
    let receipt = net.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["from"], json!(contract));
    net.call("anvil_stopImpersonatingAccount", json!([contract])).await;
    assert!(net.try_call("eth_sendTransaction", tx).await.is_err());
    let own = json!([{ "from": net.account(2), "to": contract, "data": word(3) }]);
    let hash = net.call("eth_sendTransaction", own).await;
    assert_eq!(net.call("eth_getTransactionReceipt", json!([hash])).await["status"], "0x1");
}

#[tokio::test]
async fn a_transaction_is_traced() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 4).await;
    let block = net.provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    let hash = block.transactions.hashes().next().unwrap();
    let options = json!([hash, { "tracer": "callTracer", "tracerConfig": { "withLog": true } }]);
    let frame: Value = net.call("debug_traceTransaction", options).await;
    assert_eq!(frame["type"], "CALL");
    assert_eq!(frame["to"], json!(contract));
    assert_eq!(frame["logs"].as_array().unwrap().len(), 1);
    let steps = net.call("debug_traceTransaction", json!([hash])).await;
    assert_eq!(steps["structLogs"][1]["op"], "SLOAD");
}

#[tokio::test]
async fn anybody_acts_as_anybody_while_all_are_impersonated() {
    let net = Net::start().await;
    let whoever = Address::repeat_byte(0x3c);
    net.call("anvil_setBalance", json!([whoever, "0xde0b6b3a7640000"])).await;
    let tx = json!([{ "from": whoever, "to": Address::ZERO, "value": "0x1" }]);
    assert_eq!(net.try_call("eth_sendTransaction", tx.clone()).await.unwrap_err().0, -32000);
    net.call("anvil_autoImpersonateAccount", json!([true])).await;
    let hash = net.call("eth_sendTransaction", tx.clone()).await;
    let mined = net.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((&mined["from"], &mined["status"]), (&json!(whoever), &json!("0x1")));
    net.call("anvil_autoImpersonateAccount", json!([false])).await;
    assert_eq!(net.try_call("eth_sendTransaction", tx).await.unwrap_err().0, -32000);
}

/// What a transaction read, as it was before; and, as a difference, what it left.
#[tokio::test]
async fn a_transaction_is_traced_by_the_state_that_it_needs() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 4).await;
    store(&net, contract, 5).await;
    let block = net.provider.get_block_by_number(3.into()).await.unwrap().unwrap();
    let hash = block.transactions.hashes().next().unwrap();
    let (sender, contract) = (key(net.account(0)), key(contract));
    let slot = B256::ZERO.to_string();
    let value = |value: u64| json!(B256::from(U256::from(value)));

    let options = json!([hash, { "tracer": "prestateTracer" }]);
    let needed = net.call("debug_traceTransaction", options).await;
    assert_eq!(needed[&contract]["storage"][&slot], value(4));
    assert_eq!(needed[&contract]["code"], json!(Bytes::from_static(STORE)));
    assert_eq!(needed[&sender]["nonce"], 2);
    let before = net.provider.get_balance(net.account(0)).number(2).await.unwrap();
    assert_eq!(needed[&sender]["balance"], json!(before));

    let config = json!({ "diffMode": true });
    let options = json!([hash, { "tracer": "prestateTracer", "tracerConfig": config }]);
    let diff = net.call("debug_traceTransaction", options).await;
    assert_eq!(diff["pre"][&contract]["storage"][&slot], value(4));
    assert_eq!(diff["post"][&contract]["storage"][&slot], value(5));
    assert!(diff["post"][&contract]["code"].is_null(), "it did not change");
    assert_eq!(diff["pre"][&sender]["nonce"], 2);
    assert_eq!(diff["post"][&sender]["nonce"], 3);
    let after = net.provider.get_balance(net.account(0)).number(3).await.unwrap();
    assert_eq!(diff["post"][&sender]["balance"], json!(after));
}

/// The other tracers that rpc/README.md names.
#[tokio::test]
async fn a_transaction_is_traced_flat_and_by_selectors_and_by_several_tracers_at_once() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    store(&net, contract, 4).await;
    let block = net.provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    let hash = block.transactions.hashes().next().unwrap();
    let traced =
        async |options: Value| net.call("debug_traceTransaction", json!([hash, options])).await;

    let flat = traced(json!({ "tracer": "flatCallTracer" })).await;
    assert_eq!(flat.as_array().unwrap().len(), 1);
    assert_eq!(flat[0]["type"], "call");
    assert_eq!(flat[0]["action"]["from"], json!(key(net.account(0))));
    assert_eq!(flat[0]["action"]["to"], json!(key(contract)));
    assert_eq!(flat[0]["action"]["input"], json!(B256::from(U256::from(4))));
    assert_eq!(flat[0]["result"]["output"], json!(B256::ZERO));
    assert_eq!(flat[0]["traceAddress"], json!([]));
    assert_eq!(flat[0]["transactionHash"], json!(hash));

    // Four bytes, which are no selector here, and how many come after them.
    let selectors = traced(json!({ "tracer": "4byteTracer" })).await;
    assert_eq!(selectors, json!({ "0x00000000-28": 1 }));
    assert_eq!(traced(json!({ "tracer": "noopTracer" })).await, json!({}));

    let config = json!({ "4byteTracer": null, "callTracer": { "withLog": true } });
    let several = traced(json!({ "tracer": "muxTracer", "tracerConfig": config })).await;
    assert_eq!(several["4byteTracer"], selectors);
    assert_eq!(several["callTracer"]["logs"].as_array().unwrap().len(), 1);

    let unknown = json!([hash, { "tracer": "{ result: function() {} }" }]);
    let (code, message) = net.try_call("debug_traceTransaction", unknown).await.unwrap_err();
    assert_eq!(code, -32602, "{message}");
}

/// As tracers write addresses.
fn key(address: Address) -> String {
    format!("{address:?}").to_lowercase()
}

/// An answer that would be too large is refused, never cut.
#[tokio::test]
async fn logs_of_an_answer_have_a_limit() {
    let net = Net::start().await;
    // As many logs as its calldata has bytes; none has a topic or data.
    let code = hex!("365b8015601157600190035f5fa06001565b00");
    let (contract, _) = deploy(&net, &code).await;
    let logs = async |count: usize| {
        let tx = TransactionRequest::default()
            .with_from(net.account(0))
            .with_to(contract)
            .with_input(vec![0_u8; count])
            .with_gas_limit(16_000_000);
        let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status());
        assert_eq!(receipt.logs().len(), count);
    };
    for count in [25_000, 25_000, 25_000, 25_000] {
        logs(count).await;
    }
    let all = json!([{ "address": contract, "fromBlock": "0x0" }]);
    let found = net.call("eth_getLogs", all.clone()).await;
    assert_eq!(found.as_array().unwrap().len(), 100_000);
    logs(1).await;
    let many = net.try_call("eth_getLogs", all).await.unwrap_err();
    assert_eq!(many, (-32000, "query returns more than 100000 logs".to_owned()));
    let none = net.call(
        "eth_getLogs",
        json!([{ "address": contract, "fromBlock": "0x1", "toBlock": "0x1" }]),
    );
    assert_eq!(none.await, json!([]));
}
