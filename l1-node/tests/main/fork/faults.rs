//! Upstreams that fail, lie, forget and die.

use std::time::{Duration, Instant};

use alloy::{network::TransactionBuilder, providers::Provider, rpc::types::TransactionRequest};
use alloy_primitives::{Address, B256, U256};
use recourse_l1_node::{Config, ForkError, StartError, spawn};
use serde_json::json;

use super::{
    config,
    endpoint::{Endpoint, Mode},
    fork,
};
use crate::{
    code::{STORE, deploy},
    harness::Net,
};

/// Somebody who owns something upstream, and nothing here reads him at the start.
const OWNER: Address = Address::repeat_byte(0x5a);

async fn upstream() -> Net {
    let net = Net::start().await;
    net.call("anvil_setBalance", json!([OWNER, "0x7"])).await;
    net.call("evm_mine", json!([])).await;
    net
}

async fn refused(config: Config) -> ForkError {
    match spawn(config).await.unwrap_err() {
        StartError::Fork(error) => error,
        other => panic!("{other:?}"),
    }
}

async fn owner_has(net: &Net) -> Result<U256, String> {
    let told = net.try_call("eth_getBalance", json!([OWNER, "latest"])).await;
    told.map(|value| value.as_str().unwrap().parse().unwrap()).map_err(|(_, message)| message)
}

#[tokio::test]
async fn what_fails_for_a_while_is_asked_again() {
    let upstream = upstream().await;
    for status in [429, 500, 503] {
        let endpoint = Endpoint::before(upstream.node.url(), Mode::Status(status, 2)).await;
        let net = fork(&[endpoint.url()]).await;
        endpoint.set(Mode::Status(status, 3));
        assert_eq!(owner_has(&net).await.unwrap(), U256::from(7), "{status}");
    }
}

#[tokio::test]
async fn an_upstream_is_asked_no_more_often_than_told_and_with_the_headers_told() {
    let upstream = upstream().await;
    let endpoint = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let mut config = config(&[endpoint.url()]);
    let fork = config.fork.as_mut().unwrap();
    fork.rate = Some(20);
    fork.headers = vec![("authorization".parse().unwrap(), "Bearer secret".parse().unwrap())];
    let net = Net::with(config).await;
    let (before, start) = (endpoint.all_calls(), Instant::now());
    for account in 1..=20_u8 {
        let who = Address::repeat_byte(account);
        net.call("eth_getBalance", json!([who, "latest"])).await;
    }
    let calls = endpoint.all_calls() - before;
    assert!(calls >= 20, "nobody knew these accounts: {calls}");
    // One second's calls may come at once.
    let least = f64::from(calls.saturating_sub(20)) / 20.0;
    assert!(start.elapsed().as_secs_f64() >= least, "{calls} calls in {:?}", start.elapsed());
    assert_eq!(endpoint.header("authorization").as_deref(), Some("Bearer secret"));
}

#[tokio::test]
async fn another_endpoint_answers_when_one_does_not() {
    let upstream = upstream().await;
    for mode in [Mode::Status(500, u32::MAX), Mode::Garbage, Mode::Silent, Mode::Pruned] {
        let first = Endpoint::before(upstream.node.url(), Mode::Honest).await;
        let second = Endpoint::before(upstream.node.url(), Mode::Honest).await;
        let mut config = config(&[first.url(), second.url()]);
        config.fork.as_mut().unwrap().timeout = Duration::from_secs(2);
        let net = Net::with(config).await;
        first.set(mode);
        assert_eq!(owner_has(&net).await.unwrap(), U256::from(7), "{mode:?}");
        // It stays with the one that answers.
        let before = first.all_calls();
        net.call("eth_getBalance", json!([Address::repeat_byte(0x5b), "latest"])).await;
        assert_eq!(first.all_calls(), before, "{mode:?}");
    }
}

#[tokio::test]
async fn what_one_endpoint_has_forgotten_another_one_is_asked_for() {
    let upstream = upstream().await;
    let transfer = TransactionRequest::default()
        .with_from(upstream.account(0))
        .with_to(OWNER)
        .with_value(U256::from(1));
    let hash = *upstream.provider.send_transaction(transfer).await.unwrap().tx_hash();
    upstream.call("evm_mine", json!([])).await; // not in the fork block, which is known
    let forgetful = Endpoint::before(upstream.node.url(), Mode::Forgetful).await;
    let honest = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let net = fork(&[forgetful.url(), honest.url()]).await;
    let found = net.provider.get_transaction_by_hash(hash).await.unwrap();
    assert_eq!(found.unwrap().block_number, Some(2));
    let known = |endpoint: &Endpoint| endpoint.calls("eth_getTransactionByHash");
    assert_eq!((known(&forgetful), known(&honest)), (1, 1));
    // Nobody knows this one; who does not answer at all proves nothing.
    honest.set(Mode::Status(500, 1));
    let nobody = B256::repeat_byte(0x66);
    assert!(net.provider.get_transaction_by_hash(nobody).await.unwrap().is_none());
}

#[tokio::test]
async fn what_an_endpoint_that_fails_may_know_is_asked_again() {
    let upstream = upstream().await;
    let transfer = TransactionRequest::default()
        .with_from(upstream.account(0))
        .with_to(OWNER)
        .with_value(U256::from(1));
    let hash = *upstream.provider.send_transaction(transfer).await.unwrap().tx_hash();
    let before = upstream.provider.get_block(2.into()).await.unwrap().unwrap().header.hash;
    upstream.call("evm_mine", json!([])).await;
    let knows = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let forgetful = Endpoint::before(upstream.node.url(), Mode::Forgetful).await;
    let net = fork(&[knows.url(), forgetful.url()]).await;
    let found = async || {
        let tx = net.provider.get_transaction_by_hash(hash).await.unwrap();
        (tx.is_some(), net.provider.get_block_by_hash(before).await.unwrap().is_some())
    };
    knows.set(Mode::Status(429, u32::MAX));
    assert_eq!(found().await, (false, false), "the other one has forgotten");
    knows.set(Mode::Honest);
    assert_eq!(found().await, (true, true), "who was busy is asked again");
    // What both do not know is asked for once.
    let asked = || forgetful.calls("eth_getTransactionByHash");
    let so_far = asked();
    for _ in 0..2 {
        let nobody = net.provider.get_transaction_by_hash(B256::repeat_byte(0x66)).await.unwrap();
        assert!(nobody.is_none());
    }
    assert_eq!(asked(), so_far + 1);
}

#[tokio::test]
async fn a_block_is_what_its_header_says_whatever_the_endpoint_adds() {
    let upstream = upstream().await;
    upstream
        .call("eth_sendTransaction", json!([{ "from": upstream.account(0), "to": OWNER }]))
        .await;
    for (mode, expected) in
        [(Mode::Generous, "the withdrawals' root"), (Mode::Renaming, "the hash of a transaction")]
    {
        let lying = Endpoint::before(upstream.node.url(), mode).await;
        let error = refused(config(&[lying.url()])).await;
        assert!(matches!(error, ForkError::Forged { what, .. } if what == expected), "{error}");
    }
    for mode in [Mode::Honest, Mode::Impersonating] {
        fork(&[Endpoint::before(upstream.node.url(), mode).await.url()]).await;
    }
}

#[tokio::test]
async fn endpoints_that_disagree_are_no_chain() {
    let upstream = upstream().await;
    let honest = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let lying = Endpoint::before(upstream.node.url(), Mode::Lying).await;
    let error = refused(config(&[honest.url(), lying.url()])).await;
    assert!(matches!(error, ForkError::OtherBlock { number: 1, .. }), "{error}");
    assert!(!error.to_string().contains("secret-key"), "{error}");

    let elsewhere = Net::with(Config { chain_id: Some(5), ..Config::default() }).await;
    elsewhere.call("evm_mine", json!([])).await;
    let error = refused(config(&[honest.url(), elsewhere.node.url()])).await;
    assert!(matches!(error, ForkError::OtherChain { expected: 31_337, got: 5, .. }), "{error}");

    // A hash that is not its header's.
    let error = refused(config(&[lying.url()])).await;
    assert!(matches!(error, ForkError::Forged { what: "the hash", .. }), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_comes_late_and_lies_is_not_asked() {
    let upstream = upstream().await;
    let first = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let late = Endpoint::before(upstream.node.url(), Mode::Status(500, u32::MAX)).await;
    let net = fork(&[first.url(), late.url()]).await;
    late.set(Mode::Lying);
    first.set(Mode::Status(500, u32::MAX));
    let message = owner_has(&net).await.unwrap_err();
    assert!(message.contains("never asked again"), "{message}");
    assert_eq!(late.calls("eth_getBalance"), 0);
    // Not even when it tells the truth now.
    late.set(Mode::Honest);
    owner_has(&net).await.unwrap_err();
    assert_eq!(late.calls("eth_getBalance"), 0);
    first.set(Mode::Honest);
    assert_eq!(owner_has(&net).await.unwrap(), U256::from(7));
}

#[tokio::test]
async fn without_an_archive_the_error_names_the_block() {
    let upstream = upstream().await;
    let pruned = Endpoint::before(upstream.node.url(), Mode::Pruned).await;
    let error = refused(config(&[pruned.url()])).await;
    assert!(matches!(error, ForkError::State { number: 1, .. }), "{error}");
    // Asking again would not help.
    assert_eq!(pruned.calls("eth_getBalance"), 1);
    // A state that was there at the start, and is not any more.
    pruned.set(Mode::Honest);
    let net = fork(&[pruned.url()]).await;
    pruned.set(Mode::Pruned);
    let message = owner_has(&net).await.unwrap_err();
    assert!(message.contains("the state of block 1 "), "{message}");
    assert!(message.contains("missing trie node"), "{message}");
    assert!(!message.contains("secret-key"), "{message}");
}

#[tokio::test]
async fn nothing_reads_as_empty_when_the_upstream_is_dead() {
    let upstream = upstream().await;
    let (store, _) = deploy(&upstream, STORE).await;
    let endpoint = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let net = fork(&[endpoint.url()]).await;
    net.call("evm_setAutomine", json!([false])).await;
    let word = U256::from(9).to_be_bytes::<32>();
    let call = TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(store)
        .with_input(word)
        .with_gas_limit(100_000);
    let hash = *net.provider.send_transaction(call.clone()).await.unwrap().tx_hash();
    endpoint.set(Mode::Status(503, u32::MAX));

    // The target, its code and its slot are unknown here.
    for (method, params) in [
        ("eth_getBalance", json!([store, "latest"])),
        ("eth_getCode", json!([store, "latest"])),
        ("eth_getStorageAt", json!([store, "0x0", "latest"])),
        ("eth_getTransactionCount", json!([store, "latest"])),
        ("eth_getTransactionCount", json!([store, "pending"])),
        ("eth_call", json!([call, "latest"])),
        ("eth_estimateGas", json!([call])),
        ("eth_getBlockByHash", json!([B256::repeat_byte(1), false])),
        ("eth_getTransactionReceipt", json!([B256::repeat_byte(1)])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0" }])),
        ("eth_getProof", json!([store, [], "0x2"])),
        ("evm_mine", json!([])),
    ] {
        let (code, message) = net.try_call(method, params).await.unwrap_err();
        assert_eq!(code, -32000, "{method}: {message}");
        assert!(
            message.contains("no endpoint of the forked chain answered"),
            "{method}: {message}"
        );
        assert!(message.contains("503"), "{method}: {message}");
    }
    assert_eq!(net.provider.get_block_number().await.unwrap(), 2, "no block was made");

    // The transaction was nobody's fault: it is mined when the upstream is back.
    endpoint.set(Mode::Honest);
    net.call("evm_mine", json!([])).await;
    let receipt = net.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
    assert!(receipt.status());
    assert_eq!(net.provider.get_storage_at(store, U256::ZERO).await.unwrap(), U256::from(9));
}

#[tokio::test]
async fn who_sends_a_transaction_that_cannot_run_is_told() {
    let upstream = upstream().await;
    let (store, _) = deploy(&upstream, STORE).await;
    let endpoint = Endpoint::before(upstream.node.url(), Mode::Honest).await;
    let net = fork(&[endpoint.url()]).await;
    let request = json!([{ "from": net.account(0), "to": store, "gas": "0x20000" }]);
    // What every block and its sender need is known by then.
    net.call("eth_sendTransaction", json!([{ "from": net.account(0), "to": OWNER }])).await;
    endpoint.set(Mode::Status(503, u32::MAX));
    let (_, message) = net.try_call("eth_sendTransaction", request).await.unwrap_err();
    assert!(message.contains("no endpoint of the forked chain answered"), "{message}");
    let status = net.call("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x0", "queued": "0x0" }), "it was told, so it is gone");
}

#[tokio::test]
async fn a_reorg_of_the_upstream_mixes_no_two_chains() {
    let upstream = upstream().await;
    for _ in 0..3 {
        upstream.call("evm_mine", json!([])).await;
    }
    let net = fork(&[upstream.node.url()]).await;
    upstream.call("anvil_rollback", json!(["0x3"])).await;
    upstream.call("anvil_setBalance", json!([OWNER, "0x8"])).await;
    for _ in 0..4 {
        upstream.call("evm_mine", json!([])).await;
    }
    // The block that was forked is gone, and its state with it.
    let message = owner_has(&net).await.unwrap_err();
    assert!(message.contains("the state of block 4 "), "{message}");
    let (_, message) =
        net.try_call("eth_getBlockByNumber", json!(["0x2", false])).await.unwrap_err();
    assert!(message.contains("has reorganised: its block 4 is"), "{message}");
}

#[tokio::test]
async fn a_block_that_is_not_there_cannot_be_forked() {
    let upstream = upstream().await;
    let mut config = config(&[upstream.node.url()]);
    config.fork.as_mut().unwrap().block = Some(99);
    assert!(matches!(refused(config).await, ForkError::NoBlock(99)));
    assert!(matches!(refused(super::config(&[])).await, ForkError::NoUrl));
}
