//! What an L2 says of its own chain: in the shape in which geth speaks of its own, and the same whether a block is mined or simulated.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{network::TransactionBuilder, providers::Provider, signers::local::PrivateKeySigner};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use recourse_tests::{
    Daemon, Network, Role, Wallet,
    conformance::{Case, ask, difference},
    traffic,
};
use serde_json::{Value, json};

use crate::network::executable;

/// An L2 with a transaction that writes and logs, and one in its pool.
pub struct Own {
    proposer: Daemon,
    block: u64,
    hash: B256,
    tx: B256,
    /// Hash and number of the block that created the contract.
    creation: B256,
    first: u64,
    sender: Address,
    notebook: Address,
    /// Signed, not sent.
    unsent: Bytes,
}

impl Own {
    pub async fn of(network: &Network) -> Self {
        let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
        let signer = Role::User.signer().unwrap();
        let wallet = Wallet::connect(&proposer.url(), signer.clone()).unwrap();
        let (notebook, created) = traffic::create_notebook(&wallet).await.unwrap();
        let receipt = wallet.send(traffic::write(notebook, 3, 7)).await.unwrap();
        assert!(receipt.status());
        // It waits for the one before it.
        let waiting = traffic::write(notebook, 3, 9).with_nonce(3).with_gas_limit(100_000);
        let _sent = wallet.provider().send_transaction(waiting).await.unwrap();
        let chain = network.config().l2.chain_id;
        Self {
            block: receipt.block_number.unwrap(),
            hash: receipt.block_hash.unwrap(),
            tx: receipt.transaction_hash,
            creation: created.block_hash.unwrap(),
            first: created.block_number.unwrap(),
            sender: wallet.address(),
            notebook,
            unsent: traffic::raw_transfer(&signer, chain, 2, notebook, 0).unwrap(),
            proposer,
        }
    }

    pub fn url(&self) -> String {
        self.proposer.url()
    }

    /// Requests about this chain, and the case whose answer is of the same shape.
    fn requests(&self) -> Vec<(&'static str, Value)> {
        let Self { hash, tx, creation, sender, notebook, unsent, .. } = self;
        let number = format!("{:#x}", self.block);
        let first = format!("{:#x}", self.first);
        let call =
            json!({ "from": sender, "to": notebook, "input": format!("0x{:064x}{:064x}", 3, 8) });
        let rich = json!({ "balance": "0x7d0" });
        let pay = json!({ "from": notebook, "to": sender, "value": "0x3e8" });
        let simulated = json!({
            "blockStateCalls": [{ "stateOverrides": { notebook.to_string(): rich }, "calls": [pay] }],
            "traceTransfers": true,
        });
        vec![
            ("debug_getRawBlock/get-block-n", json!([number])),
            ("debug_getRawHeader/get-block-n", json!([number])),
            ("debug_getRawReceipts/get-block-n", json!([number])),
            ("debug_getRawTransaction/get-tx", json!([tx])),
            ("debug_traceBlockByHash/trace-block-with-transactions", json!([hash])),
            ("debug_traceBlockByNumber/trace-block-with-transactions", json!([number])),
            ("debug_traceTransaction/trace-contract-call", json!([tx])),
            ("eth_baseFee/get-current-basefee", json!([])),
            ("eth_blockNumber/simple-test", json!([])),
            ("eth_call/call-contract", json!([call, "latest"])),
            ("eth_capabilities/get-capabilities", json!([])),
            ("eth_chainId/get-chain-id", json!([])),
            ("eth_createAccessList/create-al-contract-eip1559", json!([call, "latest"])),
            ("eth_estimateGas/estimate-successful-call", json!([call])),
            ("eth_feeHistory/fee-history", json!(["0x1", number, [95, 99]])),
            ("eth_getBalance/get-balance", json!([sender, "latest"])),
            ("eth_getBlockByHash/get-block-by-hash", json!([creation, true])),
            ("eth_getBlockByNumber/get-block-prague-fork", json!([number, false])),
            ("eth_getBlockReceipts/get-block-receipts-latest", json!([creation])),
            ("eth_getBlockTransactionCountByHash/get-block-n", json!([hash])),
            ("eth_getBlockTransactionCountByNumber/get-block-n", json!([number])),
            ("eth_getCode/get-code", json!([notebook, "latest"])),
            (
                "eth_getLogs/contract-addr",
                json!([{ "address": [notebook], "fromBlock": "0x1", "toBlock": number }]),
            ),
            ("eth_getProof/get-account-proof-with-storage", json!([notebook, ["0x03"], "latest"])),
            ("eth_getStorageAt/get-storage", json!([notebook, "0x3", "latest"])),
            (
                "eth_getStorageValues/get-storage-values",
                json!([{ notebook.to_string(): [B256::with_last_byte(3)] }, "latest"]),
            ),
            ("eth_getTransactionByBlockHashAndIndex/get-block-n", json!([creation, "0x0"])),
            ("eth_getTransactionByBlockNumberAndIndex/get-block-n", json!([first, "0x0"])),
            ("eth_getTransactionByHash/get-dynamic-fee", json!([tx])),
            ("eth_getTransactionCount/get-nonce", json!([sender, "latest"])),
            ("eth_getTransactionReceipt/get-dynamic-fee", json!([tx])),
            (
                "eth_simulateV1/ethSimulate-eth-send-should-produce-logs",
                json!([simulated, "latest"]),
            ),
            ("eth_syncing/check-syncing", json!([])),
            ("net_version/get-network-id", json!([])),
            ("txpool_content/get-content", json!([])),
            ("txpool_status/get-status", json!([])),
            // The last: it lets the waiting one go, too.
            ("eth_sendRawTransaction/send-dynamic-fee-transaction", json!([unsent])),
        ]
    }

    /// Methods whose answers about this chain are of the shape that is told, and what differs of others.
    pub async fn shapes(&self, cases: &[Case]) -> (BTreeSet<String>, BTreeMap<String, String>) {
        let client = reqwest::Client::new();
        let (mut alike, mut unlike) = (BTreeSet::new(), BTreeMap::new());
        // Its own test is about somebody for whom nothing waits.
        let pool = cases.iter().find(|case| case.name == "txpool_content/get-content.io").unwrap();
        let mut by_nonce = pool.exchanges[0].1["result"]["pending"].as_object().unwrap().values();
        let told = json!({ "result": { "pending": by_nonce.next_back().unwrap() } });
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "txpool_contentFrom", "params": [self.sender] });
        let got = ask(&client, &self.url(), &request).await.unwrap();
        match difference(&anonymous(&told), &anonymous(&got), true) {
            Some(what) => drop(unlike.insert("txpool_contentFrom".to_owned(), what)),
            None => drop(alike.insert("txpool_contentFrom".to_owned())),
        }
        for (name, params) in self.requests() {
            let case = cases.iter().find(|case| case.name == format!("{name}.io")).unwrap();
            let (asked, told) = &case.exchanges[0];
            assert!(told.get("result").is_some_and(|result| !result.is_null()), "{name}: {told}");
            let mut request = asked.clone();
            request["params"] = params;
            let got = ask(&client, &self.url(), &request).await.unwrap();
            let empty = |answer: &Value| answer["result"].as_array().is_some_and(Vec::is_empty);
            assert!(empty(told) || !empty(&got), "{name}: nothing to compare");
            match difference(&anonymous(told), &anonymous(&got), true) {
                Some(what) => drop(unlike.insert(name.to_owned(), what)),
                None => drop(alike.insert(case.method().to_owned())),
            }
        }
        (alike, unlike)
    }
}

/// Without the names of fields that are addresses or nonces. What waits in a pool is alike, whatever it waits for.
fn anonymous(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let named = fields.iter().filter(|(key, value)| *key != "queued" || !is_empty(value));
            let named = named.map(|(key, value)| {
                let known = match key.as_str() {
                    "queued" => "pending",
                    key if key.starts_with("0x") || key.parse::<u64>().is_ok() => "(key)",
                    key => key,
                };
                (known.to_owned(), anonymous(value))
            });
            Value::Object(named.collect())
        }
        Value::Array(values) => values.iter().map(anonymous).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The second opinion on the roots of `eth_simulateV1`: what the engine made of the same transactions, and L1 would have to prove.
#[tokio::test]
async fn a_mined_block_simulated_on_its_parent_leaves_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(executable(), folder.path(), &Default::default()).await.unwrap();
    let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    let signer = Role::User.signer().unwrap();
    let wallet = Wallet::connect(&proposer.url(), signer).unwrap();
    let (notebook, _) = traffic::create_notebook(&wallet).await.unwrap();
    for (slot, value) in [(3, 7), (4, 8), (3, 0)] {
        assert!(wallet.send(traffic::write(notebook, slot, value)).await.unwrap().status());
    }
    assert!(wallet.send(traffic::transfer(Address::repeat_byte(0x55), 9)).await.unwrap().status());
    let authority = PrivateKeySigner::from_bytes(&keccak256("authority")).unwrap();
    let delegating = traffic::delegate(&wallet, &authority, notebook).await.unwrap();
    assert!(wallet.send(delegating).await.unwrap().status());
    let reverted = wallet.send(traffic::revert(notebook)).await.unwrap();
    assert!(!reverted.status());

    let client = reqwest::Client::new();
    let call = async |method: &str, params: Value| {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = ask(&client, &proposer.url(), &request).await.unwrap();
        answer.get("result").unwrap_or_else(|| panic!("{request}: {answer}")).clone()
    };
    for number in 1..=reverted.block_number.unwrap() {
        let block = call("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await;
        assert_eq!(block["withdrawals"], json!([]), "deposits can't be simulated");
        let calls: Vec<_> = block["transactions"].as_array().unwrap().iter().map(sent).collect();
        let payload = json!({
            "blockStateCalls": [{ "blockOverrides": overrides(&block), "calls": calls }],
            "validation": true,
        });
        let parent = format!("{:#x}", number - 1);
        let simulated = call("eth_simulateV1", json!([payload, parent])).await;
        for field in ["parentHash", "stateRoot", "gasUsed", "blobGasUsed", "excessBlobGas"] {
            assert_eq!(simulated[0][field], block[field], "{field} of block {number}");
        }
        let receipts = call("eth_getBlockReceipts", json!([block["number"]])).await;
        for (index, ran) in simulated[0]["calls"].as_array().unwrap().iter().enumerate() {
            for field in ["status", "gasUsed"] {
                assert_eq!(
                    ran[field], receipts[index][field],
                    "{field} of {index} in block {number}"
                );
            }
            for field in ["address", "topics", "data", "logIndex"] {
                let of = |logs: &Value| -> Vec<Value> {
                    logs.as_array().unwrap().iter().map(|log| log[field].clone()).collect()
                };
                assert_eq!(of(&ran["logs"]), of(&receipts[index]["logs"]), "{field} of logs");
            }
        }
    }
    let balance = wallet.provider().get_balance(Address::repeat_byte(0x55)).await.unwrap();
    assert_eq!(balance, U256::from(9));
}

/// What a block was made with.
fn overrides(block: &Value) -> Value {
    json!({
        "number": block["number"],
        "time": block["timestamp"],
        "gasLimit": block["gasLimit"],
        "feeRecipient": block["miner"],
        "prevRandao": block["mixHash"],
        "baseFeePerGas": block["baseFeePerGas"],
        "beaconRoot": block["parentBeaconBlockRoot"],
    })
}

/// A mined transaction as a call.
fn sent(tx: &Value) -> Value {
    let mut call = json!({});
    for field in ["type", "from", "to", "gas", "value", "input", "nonce"] {
        call[field] = tx[field].clone();
    }
    for field in ["maxFeePerGas", "maxPriorityFeePerGas", "accessList", "authorizationList"] {
        if let Some(value) = tx.get(field) {
            call[field] = value.clone();
        }
    }
    call
}
