//! What a fork keeps: reads in its cache, its own blocks in its file.

use alloy::{network::TransactionBuilder, providers::Provider, rpc::types::TransactionRequest};
use alloy_primitives::{Address, U256};
use recourse_l1_node::{Config, JournalError, StartError, spawn};
use serde_json::{Value, json};

use super::{
    config,
    endpoint::{Endpoint, Mode},
};
use crate::{
    code::{STORE, deploy},
    harness::Net,
};

const STATE: [&str; 4] =
    ["eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getStorageAt"];

fn state_reads(endpoint: &Endpoint) -> u32 {
    STATE.iter().map(|method| endpoint.calls(method)).sum()
}

async fn store(net: &Net, at: Address, value: u64) {
    let word = U256::from(value).to_be_bytes::<32>();
    // A provider goes on with the nonces that it remembers, also when the chain goes back.
    let nonce = net.provider.get_transaction_count(net.account(0)).await.unwrap();
    let call = TransactionRequest::default().with_from(net.account(0)).with_to(at).with_input(word);
    let call = call.with_nonce(nonce);
    let hash = *net.provider.send_transaction(call).await.unwrap().tx_hash();
    let receipt = net.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
    assert!(receipt.status());
}

async fn head(net: &Net) -> Value {
    net.call("eth_getBlockByNumber", json!(["latest", true])).await
}

/// A chain with a contract that holds 3.
async fn upstream() -> (Net, Address) {
    let upstream = Net::start().await;
    let (at, _) = deploy(&upstream, STORE).await;
    store(&upstream, at, 3).await;
    (upstream, at)
}

#[tokio::test]
async fn a_second_run_reads_from_the_cache() {
    let (upstream, at) = upstream().await;
    let folder = tempfile::tempdir().unwrap();
    let timestamp = upstream.provider.get_block(2.into()).await.unwrap().unwrap().header.timestamp;
    let mut seen = Vec::new();
    for round in 0..2 {
        let endpoint = Endpoint::before(upstream.node.url(), Mode::Honest).await;
        let mut config = config(&[endpoint.url()]);
        config.fork.as_mut().unwrap().cache = Some(folder.path().to_owned());
        config.genesis_timestamp = Some(timestamp + 100);
        let net = Net::with(config).await;
        net.call("evm_setNextBlockTimestamp", json!([timestamp + 1000])).await;
        assert_eq!(net.provider.get_storage_at(at, U256::ZERO).await.unwrap(), U256::from(3));
        store(&net, at, 4).await;
        seen.push((head(&net).await, state_reads(&endpoint)));
        net.node.shutdown().await;
        assert!(state_reads(&endpoint) > 0 || round == 1);
    }
    assert_eq!(seen[0].0, seen[1].0, "the same block came out");
    assert_eq!(seen[1].1, 0, "nothing was read twice");
}

#[tokio::test]
async fn a_fork_goes_on_where_it_was_whatever_the_upstream_did_meanwhile() {
    let (upstream, at) = upstream().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fork.jsonl");
    let kept = |fork_block| {
        let mut config = config(&[upstream.node.url()]);
        config.fork.as_mut().unwrap().block = fork_block;
        Config { state: Some(path.clone()), ..config }
    };
    let net = Net::with(kept(None)).await;
    store(&net, at, 5).await;
    net.call("anvil_setBalance", json!([Address::repeat_byte(7), "0x7"])).await;
    store(&net, at, 6).await;
    net.call("anvil_rollback", json!(["0x1"])).await;
    store(&net, at, 7).await;
    let before = head(&net).await;
    assert_eq!(before["number"], "0x4");
    net.node.shutdown().await;
    // The newest block of the upstream is another one now.
    store(&upstream, at, 99).await;

    for fork_block in [None, Some(2)] {
        let net = Net::with(kept(fork_block)).await;
        assert_eq!(head(&net).await, before);
        assert_eq!(net.provider.get_storage_at(at, U256::ZERO).await.unwrap(), U256::from(7));
        let rich = net.provider.get_balance(Address::repeat_byte(7)).await.unwrap();
        assert_eq!(rich, U256::from(7));
        net.node.shutdown().await;
    }
    let refused = async |config| match spawn(config).await.unwrap_err() {
        StartError::Journal(error) => error,
        other => panic!("{other:?}"),
    };
    let error = refused(kept(Some(3))).await;
    assert!(matches!(error, JournalError::OtherFork { expected: 3, got: 2 }), "{error}");
    let error = refused(Config { fork: None, ..kept(None) }).await;
    assert!(matches!(error, JournalError::Fork(2)), "{error}");
}

#[tokio::test]
async fn the_file_of_a_chain_with_a_genesis_block_is_no_forks() {
    let (upstream, _) = upstream().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let own = Config { state: Some(path.clone()), ..Config::default() };
    Net::with(own).await.node.shutdown().await;
    let forked = Config { state: Some(path), ..config(&[upstream.node.url()]) };
    let error = spawn(forked).await.unwrap_err();
    let StartError::Journal(JournalError::NoFork) = error else { panic!("{error:?}") };
}
