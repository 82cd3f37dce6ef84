//! How much one caller may ask for: the table in rpc/README.md. That of logs, of calls a second and of requests' sizes is tested elsewhere.

use std::time::Duration;

use alloy::{
    network::TransactionBuilder,
    providers::{Provider, ProviderBuilder, WsConnect},
    rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, B256, U256};
use jsonrpsee::RpcModule;
use recourse_rpc::{ServerOptions, serve};
use serde_json::{Value, json};

use crate::{code::deploy, harness::Net};

/// GAS PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
const GAS: &[u8] = &[0x5a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];

#[tokio::test]
async fn too_large_questions_are_refused() {
    let net = Net::start().await;
    let slots =
        |count: u64| -> Vec<_> { (0..count).map(|slot| B256::from(U256::from(slot))).collect() };
    let percentiles = |count: u64| -> Vec<_> { (0..count).map(|_| 50).collect() };
    let proof = |count| json!([Address::ZERO, slots(count), "latest"]);
    let values = |count| json!([{ Address::ZERO.to_string(): slots(count) }, "latest"]);
    let fees = |count| json!(["0x1", "latest", percentiles(count)]);
    let blocks = |count| json!([{ "blockStateCalls": vec![json!({}); count] }, "latest"]);
    let logs = |count: u64| {
        let addresses: Vec<_> =
            (0..count).map(|index| Address::left_padding_from(&index.to_be_bytes())).collect();
        json!([{ "address": addresses }])
    };
    let topics = |count| json!([{ "topics": [null, slots(1_000), slots(count)] }]);
    // More text than the largest filter can have, and no more in it than the zero address.
    let text = |count| json!([{ "address": vec![Address::ZERO; count] }]);
    let calls = |count| {
        let call = json!({ "from": net.account(0), "to": net.account(1) });
        json!([{ "blockStateCalls": [{ "calls": vec![call; count] }] }, "latest"])
    };
    // The largest that is answered, but for calls: so many have not gas enough together.
    for (method, largest, beyond, code) in [
        ("eth_getProof", proof(1_024), proof(1_025), -32602),
        ("eth_getStorageValues", values(1_024), values(1_025), -32602),
        ("eth_feeHistory", fees(100), fees(101), -32602),
        ("eth_getLogs", logs(1_000), logs(1_001), -32602),
        ("eth_newFilter", logs(1_000), logs(1_001), -32602),
        ("eth_getLogs", topics(1_000), topics(1_001), -32602),
        ("eth_newFilter", topics(1_000), topics(1_001), -32602),
        ("eth_getLogs", text(20_000), text(30_000), -32602),
        ("eth_simulateV1", blocks(256), blocks(257), -38026),
        ("eth_simulateV1", blocks(1), blocks(300_000), -32602),
        ("eth_simulateV1", calls(1), calls(5_001), -38026),
    ] {
        assert!(net.try_call(method, largest).await.is_ok(), "{method}");
        let (got, message) = net.try_call(method, beyond).await.unwrap_err();
        assert_eq!(got, code, "{method}: {message}");
    }
}

#[tokio::test]
async fn a_call_has_so_much_gas() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, GAS).await;
    let call = TransactionRequest::default().with_to(contract);
    let most = net.provider.get_block(Default::default()).await.unwrap().unwrap();
    let most = most.header.gas_limit.max(50_000_000);
    for (asked, least) in
        [(None, most - 50_000), (Some(1_000_000), 900_000), (Some(u64::MAX), most - 50_000)]
    {
        let mut call = call.clone();
        call.gas = asked;
        let left: u64 = U256::from_be_slice(&net.provider.call(call).await.unwrap()).to();
        assert!((least..asked.unwrap_or(u64::MAX).min(most)).contains(&left), "{asked:?}: {left}");
    }
}

#[tokio::test]
async fn so_many_filters_are_kept() {
    let net = Net::start().await;
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_newBlockFilter", "params": [] });
    let client = reqwest::Client::new();
    for _ in 0..10 {
        let sent =
            client.post(net.node.url()).json(&vec![one.clone(); 1_000]).send().await.unwrap();
        let answers: Vec<Value> = sent.json().await.unwrap();
        assert!(answers.iter().all(|answer| answer["result"].is_string()));
    }
    let refused = net.try_call("eth_newBlockFilter", json!([])).await.unwrap_err();
    assert_eq!(refused, (-32000, "too many filters".to_owned()));
    assert_eq!(net.call("eth_uninstallFilter", json!(["0x1"])).await, json!(true));
    net.call("eth_newBlockFilter", json!([])).await;
}

#[tokio::test]
async fn so_many_snapshots_are_kept() {
    let net = Net::start().await;
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "evm_snapshot", "params": [] });
    let client = reqwest::Client::new();
    for _ in 0..2 {
        let sent = client.post(net.node.url()).json(&vec![one.clone(); 512]).send().await.unwrap();
        let answers: Vec<Value> = sent.json().await.unwrap();
        assert!(answers.iter().all(|answer| answer["result"].is_string()));
    }
    let (code, message) = net.try_call("evm_snapshot", json!([])).await.unwrap_err();
    assert_eq!(code, -32000, "{message}");
    assert!(message.starts_with("there are 1024 snapshots"), "{message}");
    // Going back ends those that are later.
    assert_eq!(net.call("evm_revert", json!(["0x3ff"])).await, json!(true));
    assert_eq!(net.call("evm_snapshot", json!([])).await, json!("0x401"));
    assert_eq!(net.call("evm_snapshot", json!([])).await, json!("0x402"));
    net.try_call("evm_snapshot", json!([])).await.unwrap_err();
}

/// Of a server with a limit of two, as the node's own of a thousand would take as many sockets twice.
#[tokio::test]
async fn so_many_connections_are_served() {
    let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
    options.max_connections = 2;
    let server = serve(options, RpcModule::new(()), None).await.unwrap();
    let url = format!("ws://{}", server.address);
    let connect = || ProviderBuilder::new().connect_ws(WsConnect::new(&url).with_max_retries(0));
    let (first, second) = (connect().await.unwrap(), connect().await.unwrap());
    assert!(connect().await.is_err(), "a third");
    let plain = reqwest::Client::new().post(url.replace("ws", "http")).json(&json!({}));
    assert_eq!(plain.send().await.unwrap().status(), 429);
    drop(first);
    // A place is free when the server has noticed that.
    let mut third = connect().await;
    while third.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        third = connect().await;
    }
    drop((second, third));
    server.stop().await;
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions() {
    let net = Net::start().await;
    let connect = || async {
        ProviderBuilder::new().connect_ws(WsConnect::new(net.node.ws_url())).await.unwrap()
    };
    let ws = connect().await;
    let mut kept = Vec::new();
    // Each another one: the client asks once for what it has already.
    for index in 0..256_u64 {
        let filter = alloy::rpc::types::Filter::new()
            .address(Address::left_padding_from(&index.to_be_bytes()));
        kept.push(ws.subscribe_logs(&filter).await.unwrap());
    }
    let addresses: Vec<_> =
        (0..1_001_u64).map(|index| Address::left_padding_from(&index.to_be_bytes())).collect();
    let largest = alloy::rpc::types::Filter::new().address(addresses[1..].to_vec());
    let other = connect().await;
    drop(other.subscribe_logs(&largest).await.unwrap());
    let refused = other.subscribe_logs(&largest.address(addresses)).await.unwrap_err();
    assert_eq!(refused.as_error_resp().unwrap().code, -32602, "{refused}");
    let error = ws.subscribe_blocks().await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().code, -32006, "{error}");
    // Another connection has its own.
    drop(connect().await.subscribe_blocks().await.unwrap());
}
