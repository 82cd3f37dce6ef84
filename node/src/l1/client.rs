//! The client.

use std::sync::Arc;

use alloy::{
    eips::BlockId,
    rpc::{
        client::{ClientBuilder, RpcClient},
        json_rpc::{RpcRecv, RpcSend},
        types::{FeeHistory, Filter, Log, TransactionReceipt, TransactionRequest},
    },
    sol_types::SolCall,
    transports::TransportError,
};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde_json::{Value, json};

use super::{BlockRef, Fees, Header, L1Error, RetryPolicy, types::WireBlock};

/// JSON-RPC code of a reverted call, as geth and those who follow it use it.
const REVERTED: i64 = 3;
/// Blocks and percentile that the tip is taken from.
const FEE_BLOCKS: u64 = 10;
const FEE_PERCENTILE: f64 = 50.0;
/// Tip when recent blocks were empty, in wei per gas: geth's floor.
const LEAST_TIP: u128 = 1_000_000;

/// An Ethereum JSON-RPC endpoint. Cheap to clone. Uses standard methods only, so any L1 client will do.
#[derive(Debug, Clone)]
pub struct L1Client {
    rpc: Arc<RpcClient>,
    retry: RetryPolicy,
}

impl L1Client {
    /// A client of the endpoint at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`L1Error::Url`], [`L1Error::Client`].
    pub fn new(url: &str, retry: RetryPolicy) -> Result<Self, L1Error> {
        let url = reqwest::Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| L1Error::Url { url: url.to_owned() })?;
        let http = reqwest::Client::builder().timeout(retry.request_timeout).build();
        let http = http.map_err(L1Error::Client)?;
        let rpc = Arc::new(ClientBuilder::default().http_with_client(http, url));
        Ok(Self { rpc, retry })
    }

    /// The chain id that the endpoint reports.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        Ok(self.request::<_, U64>("eth_chainId", json!([])).await?.to())
    }

    /// The newest block.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn head(&self) -> Result<BlockRef, L1Error> {
        Ok(self.head_header().await?.block)
    }

    /// The newest block with what its header says about receipts.
    pub(crate) async fn head_header(&self) -> Result<Header, L1Error> {
        let head = self.header_by("eth_getBlockByNumber", json!(["latest", false])).await?;
        head.ok_or_else(|| L1Error::Gone { block: "latest".to_owned() })
    }

    /// The canonical block of this number; none if it is not there yet.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn block(&self, number: u64) -> Result<Option<BlockRef>, L1Error> {
        self.block_by("eth_getBlockByNumber", json!([U64::from(number), false])).await
    }

    /// The block of this hash; none if the endpoint does not know it.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn block_by_hash(&self, hash: B256) -> Result<Option<BlockRef>, L1Error> {
        Ok(self.header_by_hash(hash).await?.map(|header| header.block))
    }

    /// The block of this hash with what its header says about receipts.
    pub(crate) async fn header_by_hash(&self, hash: B256) -> Result<Option<Header>, L1Error> {
        self.header_by("eth_getBlockByHash", json!([hash, false])).await
    }

    /// The newest finalized block; none where the endpoint knows no such thing (yet).
    ///
    /// # Errors
    /// [`L1Error`] but for an answer that is an error.
    pub async fn finalized(&self) -> Result<Option<BlockRef>, L1Error> {
        match self.block_by("eth_getBlockByNumber", json!(["finalized", false])).await {
            Err(L1Error::Refused { .. }) => Ok(None),
            answer => answer,
        }
    }

    /// Calls a contract's view.
    ///
    /// # Errors
    /// [`L1Error`]; [`L1Error::Reverted`] with the contract's error.
    pub async fn call<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: BlockId,
    ) -> Result<C::Return, L1Error> {
        let input = Bytes::from(call.abi_encode());
        let params = json!([{ "to": to, "input": input, "data": input }, at]);
        let answer: Bytes = self.request_of("eth_call", params, to).await?;
        C::abi_decode_returns(&answer).map_err(|source| L1Error::Undecodable { to, source })
    }

    /// What a transaction would use, in gas.
    ///
    /// # Errors
    /// [`L1Error`]; [`L1Error::Reverted`] with the contract's error.
    pub async fn estimate_gas(&self, request: &TransactionRequest) -> Result<u64, L1Error> {
        let to = request.to.and_then(|to| to.to().copied()).unwrap_or_default();
        let gas: U64 = self.request_of("eth_estimateGas", json!([request, "latest"]), to).await?;
        Ok(gas.to())
    }

    /// The code at an address.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn code(&self, address: Address) -> Result<Bytes, L1Error> {
        self.request("eth_getCode", json!([address, "latest"])).await
    }

    /// Wei at an address.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn balance(&self, address: Address) -> Result<U256, L1Error> {
        self.request("eth_getBalance", json!([address, "latest"])).await
    }

    /// Transactions that an address has sent, as of the newest or the pending block.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn nonce(&self, address: Address, at: BlockId) -> Result<u64, L1Error> {
        let nonce: U64 = self.request("eth_getTransactionCount", json!([address, at])).await?;
        Ok(nonce.to())
    }

    /// Prices of the next block.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn fees(&self) -> Result<Fees, L1Error> {
        let params = json!([U64::from(FEE_BLOCKS), "latest", [FEE_PERCENTILE]]);
        let history: FeeHistory = self.request("eth_feeHistory", params).await?;
        let rewards = history.reward.iter().flatten().filter_map(|block| block.first());
        let mut tips: Vec<u128> = rewards.copied().filter(|tip| *tip > 0).collect();
        tips.sort_unstable();
        Ok(Fees {
            base_fee: history.next_block_base_fee().unwrap_or_default(),
            priority_fee: tips.get(tips.len() / 2).copied().unwrap_or(LEAST_TIP).max(LEAST_TIP),
            blob_base_fee: history.next_block_blob_base_fee().unwrap_or(1).max(1),
        })
    }

    /// Events that match.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, L1Error> {
        self.request("eth_getLogs", [filter.clone()]).await
    }

    /// All receipts of a block, in order, as they were sent: what is in them need not be known here. None if the endpoint
    /// does not have the block.
    pub(crate) async fn receipts_of(&self, block: B256) -> Result<Option<Vec<Value>>, L1Error> {
        self.request("eth_getBlockReceipts", [block]).await
    }

    /// Hands over a signed transaction. The answer is not looked at but for its being one: whether the transaction
    /// arrived is known from [`Self::knows_transaction`] and its receipt.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn send_raw(&self, raw: &Bytes) -> Result<B256, L1Error> {
        self.request("eth_sendRawTransaction", [raw.clone()]).await
    }

    /// Whether the endpoint has this transaction, pending or mined.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn knows_transaction(&self, hash: B256) -> Result<bool, L1Error> {
        let found: Option<Value> = self.request("eth_getTransactionByHash", [hash]).await?;
        Ok(found.is_some())
    }

    /// The receipt of a mined transaction.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, L1Error> {
        self.request("eth_getTransactionReceipt", [hash]).await
    }

    /// Any standard method, with this client's retries.
    ///
    /// # Errors
    /// [`L1Error`].
    pub async fn request<P: RpcSend + 'static, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, L1Error> {
        self.retry.run(method, || self.rpc.request::<P, R>(method, params.clone())).await
    }

    /// Any standard method, asked once.
    ///
    /// # Errors
    /// [`L1Error::Refused`].
    pub(super) async fn request_once<P: RpcSend + 'static, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, L1Error> {
        let answer = self.rpc.request::<P, R>(method, params).await;
        answer.map_err(|source| L1Error::Refused { method, source: Box::new(source) })
    }

    async fn block_by(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Option<BlockRef>, L1Error> {
        Ok(self.header_by(method, params).await?.map(|header| header.block))
    }

    async fn header_by(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Option<Header>, L1Error> {
        let block: Option<WireBlock> = self.request(method, params).await?;
        Ok(block.map(Header::from))
    }

    /// As [`Self::request`], but tells reverts apart.
    pub(super) async fn request_of<R: RpcRecv>(
        &self,
        method: &'static str,
        params: Value,
        to: Address,
    ) -> Result<R, L1Error> {
        self.request(method, params).await.map_err(|error| match revert_data(&error) {
            Some(data) => L1Error::Reverted { method, to, data },
            None => error,
        })
    }
}

/// The data of a revert: code 3 by convention, or any error that carries bytes.
fn revert_data(error: &L1Error) -> Option<Bytes> {
    let L1Error::Refused { source, .. } = error else { return None };
    let TransportError::ErrorResp(payload) = source.as_ref() else { return None };
    match payload.try_data_as::<Bytes>() {
        Some(Ok(data)) => Some(data),
        _ if payload.code == REVERTED => Some(Bytes::new()),
        _ => None,
    }
}
