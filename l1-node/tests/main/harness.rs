//! A node of one's own and providers for it.

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider, ProviderBuilder},
};
use alloy_primitives::Address;
use recourse_l1_node::{Config, Handle, spawn};
use serde_json::Value;

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
        let mut accounts = node.accounts().iter();
        let mut wallet = EthereumWallet::from(accounts.next().unwrap().signer().clone());
        for account in accounts {
            wallet.register_signer(account.signer().clone());
        }
        let url = node.url().parse().unwrap();
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(url).erased();
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

    /// `GET path`: the status and the body.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("{}{path}", self.node.url())).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}
