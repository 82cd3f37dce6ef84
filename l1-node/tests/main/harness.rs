//! A node of one's own and providers for it.

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::Address;
use alloy_sol_types::SolEvent;
use recourse_l1_node::{Config, Handle, spawn};
use serde_json::{Value, json};

/// A node of one's own with a provider that signs for all dev accounts.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) node: Handle,
    pub(crate) provider: DynProvider,
}

impl Net {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let node = spawn(config).await.unwrap();
        let provider = wallet(&node, &node.url());
        Self { node, provider }
    }

    pub(crate) fn account(&self, index: usize) -> Address {
        self.node.accounts()[index].address()
    }

    /// A raw JSON-RPC call.
    pub(crate) async fn call(&self, method: &'static str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap()
    }

    /// A raw JSON-RPC call that may fail: the code and the message.
    pub(crate) async fn try_call(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Value, (i64, String)> {
        let answer = self.provider.raw_request::<Value, Value>(method.into(), params).await;
        answer.map_err(|error| {
            let error = error.as_error_resp().unwrap();
            (error.code, error.message.to_string())
        })
    }

    /// Mines these transactions, in the order of their tips and arrival, into one block of their
    /// own: receipts in the order given.
    pub(crate) async fn mine(&self, txs: Vec<TransactionRequest>) -> Vec<TransactionReceipt> {
        let mut hashes = Vec::new();
        for mut tx in txs {
            // A provider goes on with the nonces that it remembers, also when the chain goes back.
            let from = tx.from.unwrap();
            let nonce = self.provider.get_transaction_count(from).pending().await.unwrap();
            tx.nonce.get_or_insert(nonce);
            hashes.push(*self.provider.send_transaction(tx).await.unwrap().tx_hash());
        }
        self.call("evm_mine", json!([])).await;
        let mut receipts = Vec::new();
        for hash in hashes {
            // Not by waiting for it: a provider that has seen the chain go back waits for long.
            let receipt = self.provider.get_transaction_receipt(hash).await.unwrap();
            receipts.push(receipt.unwrap());
        }
        let head = self.provider.get_block_number().await.unwrap();
        assert!(receipts.iter().all(|receipt| receipt.block_number == Some(head)));
        receipts
    }

    /// `GET path`: the status and the body.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("{}{path}", self.node.url())).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// A provider that signs for all dev accounts of this node, for the chain at this URL.
pub(crate) fn wallet(node: &Handle, url: &str) -> DynProvider {
    let mut accounts = node.accounts().iter();
    let mut wallet = EthereumWallet::from(accounts.next().unwrap().signer().clone());
    for account in accounts {
        wallet.register_signer(account.signer().clone());
    }
    ProviderBuilder::new().wallet(wallet).connect_http(url.parse().unwrap()).erased()
}

/// The one event of this kind in a receipt.
pub(crate) fn event<E: SolEvent>(receipt: &TransactionReceipt) -> E {
    assert!(receipt.status(), "the transaction failed");
    let logs = receipt.logs().iter().filter_map(|log| E::decode_log(&log.inner).ok());
    let mut found: Vec<_> = logs.map(|log| log.data).collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}
