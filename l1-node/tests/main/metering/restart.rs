//! A node that stops and starts again.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use alloy::providers::{Provider, ProviderBuilder};
use alloy_primitives::{Bytes, U256};
use recourse_l1_node::{Config, JournalError, StartError, spawn};
use serde_json::{Value, json};

use super::{
    callers::{EXECUTE, Scene, nonsense, price_and_left},
    model::{self, LIMIT},
};
use crate::{
    blobs::{blob_tx, sidecar},
    harness::Net,
};

fn kept_in(path: &Path) -> Config {
    Config { state: Some(path.to_owned()), ..Config::default() }
}

/// The same node again, after an orderly stop.
async fn restarted(scene: Scene, path: &Path) -> Scene {
    let Scene { net, caller } = scene;
    net.node.shutdown().await;
    taken_up(caller, path).await
}

async fn taken_up(caller: alloy_primitives::Address, path: &Path) -> Scene {
    let net = Net::with(kept_in(path)).await;
    net.call("evm_setAutomine", json!([false])).await;
    Scene { net, caller }
}

async fn head(scene: &Scene) -> Value {
    scene.net.call("eth_getBlockByNumber", json!(["latest", true])).await
}

#[tokio::test]
async fn the_price_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let scene = Scene::on(Net::with(kept_in(&path)).await).await;
    let overhead = scene.overhead().await;
    // Reverted and failed calls too: other nodes must count the same when they execute the blocks.
    let mut excess = 0;
    for _ in 0..5 {
        let txs = vec![
            scene.request(0, EXECUTE, nonsense(LIMIT - 1)),
            scene.request(1, EXECUTE, nonsense(2)),
            scene.request(2, EXECUTE, nonsense(1)),
        ];
        let receipts = scene.mine(txs).await;
        let statuses: Vec<_> = receipts.iter().map(|receipt| receipt.status()).collect();
        assert_eq!(statuses, [true, false, true]);
        excess = model::next_excess(excess, LIMIT);
    }
    let before = head(&scene).await;
    let scene = restarted(scene, &path).await;
    assert_eq!(head(&scene).await, before);
    assert_eq!(scene.excess().await, excess);
    let query = scene.request(0, EXECUTE, Bytes::new());
    let answer = scene.net.provider.call(query).pending().await.unwrap();
    let told = scene.once(nonsense(LIMIT)).await;
    assert_eq!(told.spent.to::<u64>(), model::nonsense(excess, LIMIT) + overhead);
    let number = scene.net.provider.get_block_number().await.unwrap();
    let block = scene.net.provider.get_block_by_number(number.into()).await.unwrap().unwrap();
    let price = model::gas_price(excess, block.header.base_fee_per_gas.unwrap());
    assert_eq!(price_and_left(&answer), (price, LIMIT));
    assert_eq!(scene.excess().await, model::next_excess(excess, LIMIT));
}

#[tokio::test]
async fn what_dev_methods_did_and_undid_outlives_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let scene = Scene::on(Net::with(kept_in(&path)).await).await;
    let net = &scene.net;
    scene.set_excess(300_000_000).await;
    net.call("anvil_setBalance", json!([net.account(5), "0x7"])).await;
    net.call("anvil_setNonce", json!([net.account(6), "0x9"])).await;
    net.call("anvil_setCode", json!([net.account(7), "0x00aa"])).await;
    scene.once(nonsense(LIMIT)).await;
    let id = net.call("evm_snapshot", json!([])).await;
    scene.once(nonsense(LIMIT)).await;
    net.call("evm_revert", json!([id])).await;
    scene.once(nonsense(1)).await;
    scene.once(nonsense(2)).await;
    net.call("anvil_rollback", json!(["0x1"])).await;
    net.call("evm_increaseTime", json!([100_000])).await;
    let blob = blob_tx(net, sidecar(b"what the rollup says"));
    scene.mine(vec![blob]).await;
    let before = head(&scene).await;
    let (_, blobs) = net.get("/eth/v1/beacon/blobs/head").await;
    assert_eq!(blobs["data"].as_array().unwrap().len(), 1);

    let scene = restarted(scene, &path).await;
    assert_eq!(head(&scene).await, before);
    let excess = [LIMIT, 1, 0].into_iter().fold(300_000_000, model::next_excess);
    assert_eq!(scene.excess().await, excess);
    let net = &scene.net;
    assert_eq!(net.provider.get_balance(net.account(5)).await.unwrap(), U256::from(7));
    assert_eq!(net.provider.get_transaction_count(net.account(6)).await.unwrap(), 9);
    assert_eq!(net.provider.get_code_at(net.account(7)).await.unwrap(), [0, 0xaa][..]);
    assert_eq!(net.get("/eth/v1/beacon/blobs/head").await.1, blobs);
    // The clock did not go back.
    net.call("evm_mine", json!([])).await;
    assert!(timestamp(&head(&scene).await) < timestamp(&before) + 1000);
}

fn timestamp(block: &Value) -> u64 {
    block["timestamp"].as_str().unwrap().parse::<U256>().unwrap().to()
}

#[tokio::test]
async fn a_crash_costs_at_most_the_record_that_was_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let scene = Scene::on(Net::with(kept_in(&path)).await).await;
    let caller = scene.caller;
    scene.once(nonsense(LIMIT)).await;
    let before = head(&scene).await;
    let whole = fs::read(&path).unwrap();
    scene.once(nonsense(LIMIT)).await;
    let longer = fs::read(&path).unwrap();
    assert_eq!(longer[..whole.len()], whole, "records are only added");
    scene.net.node.shutdown().await;
    for cut in [whole.len() + 1, longer.len() - 1] {
        fs::write(&path, &longer[..cut]).unwrap();
        let scene = taken_up(caller, &path).await;
        assert_eq!(head(&scene).await, before);
        assert_eq!(fs::read(&path).unwrap(), whole);
        // It goes on from there.
        assert!(scene.once(nonsense(1)).await.success);
        let after = head(&scene).await;
        let scene = restarted(scene, &path).await;
        assert_eq!(head(&scene).await, after);
        scene.net.node.shutdown().await;
    }
}

/// The node's own executable.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_l1-node"))
            .args(["--port", "0", "--quiet", "--state"])
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        Self { url: format!("http://{address}"), child }
    }

    async fn call(&self, method: &'static str, params: Value) -> Value {
        let provider = ProviderBuilder::new().connect_http(self.url.parse().unwrap());
        provider.raw_request(method.into(), params).await.unwrap()
    }
}

/// SIGKILL, also when a test fails.
impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let mut excess = 0;
    for round in 0..3_u64 {
        let process = Process::start(&path);
        let accounts = process.call("eth_accounts", json!([])).await;
        let spam = json!([{ "from": accounts[0], "to": EXECUTE, "input": nonsense(LIMIT), "gas": "0x1000000" }]);
        for _ in 0..4 {
            process.call("eth_sendTransaction", spam.clone()).await;
            excess = model::next_excess(excess, LIMIT);
        }
        let slot = process.call("eth_getStorageAt", json!([EXECUTE, "0x0", "latest"])).await;
        assert_eq!(slot.as_str().unwrap().parse::<U256>().unwrap(), U256::from(excess));
        let number = process.call("eth_blockNumber", json!([])).await;
        assert_eq!(number, json!(format!("{:#x}", 4 * (round + 1))));
        drop(process);
    }
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l1.jsonl");
    let scene = Scene::on(Net::with(kept_in(&path)).await).await;
    scene.once(nonsense(LIMIT)).await;
    let refused = async |config| match spawn(config).await.unwrap_err() {
        StartError::Journal(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(refused(kept_in(&path)).await, JournalError::InUse(_)));
    scene.net.node.shutdown().await;

    let richer = Config { balance: U256::ONE, ..kept_in(&path) };
    assert!(matches!(refused(richer).await, JournalError::OtherChain { .. }));
    let other_id = Config { chain_id: Some(7), ..kept_in(&path) };
    let error = refused(other_id).await;
    assert!(matches!(error, JournalError::OtherChainId { expected: 7, got: 31_337 }));
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |lines: &[&str]| fs::write(&path, lines.join("\n") + "\n").unwrap();
    write(&lines[1..]);
    assert!(matches!(refused(kept_in(&path)).await, JournalError::OutOfPlace(1)));
    write(&[lines[0], lines[0]]);
    assert!(matches!(refused(kept_in(&path)).await, JournalError::OutOfPlace(2)));
    write(&[lines[0], "{\"block\":"]);
    assert!(matches!(refused(kept_in(&path)).await, JournalError::Damaged { line: 2, .. }));
    write(&[lines[0], "{\"revert\":7}"]);
    assert!(matches!(refused(kept_in(&path)).await, JournalError::Impossible { line: 2, .. }));
    // The block that deployed the caller is missing: the next one is executed, and is another.
    write(&[lines[0], lines[2]]);
    let error = refused(kept_in(&path)).await;
    assert!(
        matches!(error, JournalError::OtherBlock { .. } | JournalError::Impossible { .. }),
        "{error}"
    );
    // Another outcome than the one that the file tells of: the excess is under the state root.
    let mut block: Value = serde_json::from_str(lines[2]).unwrap();
    block["block"]["header"]["stateRoot"] = json!(alloy_primitives::B256::ZERO);
    write(&[lines[0], lines[1], &block.to_string()]);
    let error = refused(kept_in(&path)).await;
    assert!(matches!(error, JournalError::OtherBlock { number: 2, .. }), "{error}");

    write(&lines);
    let scene = taken_up(EXECUTE, &path).await;
    assert_eq!(scene.excess().await, model::next_excess(0, LIMIT));
}
