//! Starting, stopping, and what the server itself does.

use std::{num::NonZeroU32, time::Duration};

use alloy::{
    network::TransactionBuilder,
    providers::{Provider, ProviderBuilder, WsConnect},
    rpc::types::{
        TransactionRequest,
        state::{AccountOverride, StateOverride},
    },
};
use alloy_primitives::{Address, B256, Bytes, U256};
use clap::Parser;
use recourse_l1_node::{Args, Config, run, spawn};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    code::{REVERT, STORE, deploy},
    harness::Net,
};

#[tokio::test]
async fn the_command_line_runs_until_it_is_told_to_stop() {
    let args = Args::parse_from(["l1-node", "--port", "0", "--quiet", "--block-time", "1"]);
    let stop = CancellationToken::new();
    let running = tokio::spawn(run(args, stop.clone()));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let net = Net::start().await;
    let config = Config { listen: net.node.address(), ..Config::default() };
    assert!(spawn(config).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_subscribers() {
    let net = Net::start().await;
    let ws = ProviderBuilder::new().connect_ws(WsConnect::new(net.node.ws_url())).await.unwrap();
    let _heads = ws.subscribe_blocks().await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(60), net.node.shutdown()).await;
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn calls_see_overridden_state() {
    let net = Net::start().await;
    let (store, _) = deploy(&net, STORE).await;
    let call = TransactionRequest::default().with_to(store);
    let slots = [(B256::ZERO, B256::with_last_byte(42))].into_iter().collect();
    let state = AccountOverride { state_diff: Some(slots), ..Default::default() };
    let overrides: StateOverride = [(store, state)].into_iter().collect();
    let answer = net.provider.call(call.clone()).overrides(overrides).await.unwrap();
    assert_eq!(U256::from_be_slice(&answer), U256::from(42));
    let code = AccountOverride { code: Some(Bytes::from_static(REVERT)), ..Default::default() };
    let overrides: StateOverride = [(store, code)].into_iter().collect();
    let error = net.provider.call(call.clone()).overrides(overrides).await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().code, 3);
    let rich = AccountOverride { balance: Some(U256::from(9)), ..Default::default() };
    let poor = Address::repeat_byte(0x77);
    let transfer = call.with_from(poor).with_value(U256::from(9));
    assert!(net.provider.call(transfer.clone()).await.is_err());
    let overrides: StateOverride = [(poor, rich)].into_iter().collect();
    assert!(net.provider.call(transfer).overrides(overrides).await.is_ok());
}

#[tokio::test]
async fn an_estimate_sees_the_overridden_balance() {
    let net = Net::start().await;
    let poor = Address::repeat_byte(0x77);
    let payment = |from: Address| json!({ "from": from, "to": poor, "value": "0x9", "gasPrice": "0x77359400" });
    let with = |from: Address, balance: &str| json!([payment(from), "latest", { from.to_string(): { "balance": balance } }]);
    let own = net.try_call("eth_estimateGas", json!([payment(poor)])).await.unwrap_err();
    assert_eq!(own, (-32000, "insufficient funds for transfer".to_owned()));
    let rich = net.call("eth_estimateGas", with(poor, "0xde0b6b3a7640000")).await;
    assert_eq!(rich, "0x5208");
    // The other way round, and what it has left bounds the gas: 9 wei, and gas for 20,999.
    let drained = net.try_call("eth_estimateGas", with(net.account(0), "0x8")).await.unwrap_err();
    assert_eq!(drained, (-32000, "insufficient funds for transfer".to_owned()));
    let short = format!("{:#x}", 9 + 20_999 * 2_000_000_000_u64);
    net.try_call("eth_estimateGas", with(net.account(0), &short)).await.unwrap_err();
}

#[tokio::test]
async fn an_access_list_holds_what_a_call_reads() {
    let net = Net::start().await;
    let (store, _) = deploy(&net, STORE).await;
    let call = TransactionRequest::default().with_from(net.account(0)).with_to(store);
    let list = net.provider.create_access_list(&call).await.unwrap();
    assert_eq!(list.error, None);
    assert_eq!(list.access_list.0.len(), 1);
    assert_eq!(list.access_list.0[0].address, store);
    assert_eq!(list.access_list.0[0].storage_keys, [B256::ZERO]);
}

#[tokio::test]
async fn errors_have_their_codes() {
    let net = Net::start().await;
    let cases = [
        ("eth_unheardOf", json!([]), -32601),
        ("eth_getBalance", json!(["0x12"]), -32602),
        ("eth_getBalance", json!([]), -32602),
        ("eth_getBalance", json!([Address::ZERO, "0x99"]), -32001),
        ("eth_getFilterChanges", json!(["0x99"]), -32000),
        ("eth_getLogs", json!([{ "fromBlock": "0x5", "toBlock": "0x4" }]), -32602),
    ];
    for (method, params, code) in cases {
        assert_eq!(net.try_call(method, params).await.unwrap_err().0, code, "{method}");
    }
}

#[tokio::test]
async fn pages_of_this_machine_may_call_and_no_others() {
    let net = Net::start().await;
    let client = reqwest::Client::new();
    let preflight = |origin: &str| {
        let request = client
            .request(reqwest::Method::OPTIONS, net.node.url())
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        async { request.send().await.unwrap() }
    };
    let local = preflight("http://localhost:3000").await;
    assert!(local.status().is_success());
    assert_eq!(local.headers()["access-control-allow-origin"], "http://localhost:3000");
    let foreign = preflight("https://evil.example").await;
    assert_eq!(foreign.status(), 403);
    assert!(foreign.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn whoever_calls_too_often_is_told_so() {
    let config = Config { max_calls_per_second: NonZeroU32::new(5), ..Config::default() };
    let net = Net::with(config).await;
    let client = reqwest::Client::new();
    let one = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId" });
    let post = |body: Value| {
        let request = client.post(net.node.url()).json(&body);
        async { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    // A batch counts as its calls: some of twenty are served, those beyond are not.
    let batch = post((0..20).map(one).collect()).await;
    let answers = batch.as_array().unwrap();
    assert_eq!(answers.len(), 20);
    for answer in &answers[..4] {
        assert_eq!(answer["result"], "0x7a69", "{answer}");
    }
    let refused = answers.iter().find(|answer| answer["error"]["code"] == -32005).unwrap();
    assert_eq!(refused["error"]["message"], "more than 5 calls a second from 127.0.0.1");
    // Single calls and GET routes take from the same allowance, which comes back with time.
    let busy = async || {
        for _ in 0..1_000 {
            post(one(0)).await;
            let url = format!("{}/eth/v1/node/version", net.node.url());
            let response = client.get(url).send().await.unwrap();
            if response.status() == 429 {
                return response.json::<Value>().await.unwrap();
            }
        }
        panic!("a thousand calls were served");
    };
    let refusal = json!({ "code": 429, "message": "more than 5 calls a second from 127.0.0.1" });
    assert_eq!(busy().await, refusal);
    loop {
        let answer = post(one(1)).await;
        if answer["result"] == "0x7a69" {
            break;
        }
        assert_eq!(answer["error"]["code"], -32005, "{answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
