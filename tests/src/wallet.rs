//! A chain as a person sees it: one account, plain RPC. Nothing of the daemons' code is used here, so that they are judged
//! by what the chain says and not by what they believe.

use std::time::Duration;

use alloy::{
    eips::{eip4844::Blob, eip7594::BlobTransactionSidecarEip7594},
    network::{EthereumWallet, TransactionBuilder, TransactionBuilder4844},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{BlockNumberOrTag, Filter, TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolEvent},
    transports::TransportError,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use eyre::{OptionExt, WrapErr, bail};
use recourse_protocol::Payload;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// For any call that tests make. Not estimated: what a call costs can depend on what else its block holds (a view of L1 is
/// recorded once in a block).
const ENOUGH_GAS: u64 = 2_000_000;
/// How long a transaction may wait for its block on a slow machine.
const RECEIPT_PATIENCE: Duration = Duration::from_secs(90);

/// An account on a chain, L1 or L2.
#[derive(Debug, Clone)]
pub struct Wallet {
    provider: DynProvider,
    address: Address,
}

/// An event with where it happened.
#[derive(Debug, Clone)]
pub struct Seen<E> {
    /// The event.
    pub event: E,
    /// The L1 transaction.
    pub transaction: B256,
}

impl Wallet {
    /// Connects an account to the chain behind `url`.
    ///
    /// # Errors
    /// When `url` is none.
    pub fn connect(url: &str, signer: PrivateKeySigner) -> eyre::Result<Self> {
        let address = signer.address();
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(signer))
            .connect_http(url.parse().wrap_err_with(|| format!("no URL: {url}"))?)
            .erased();
        Ok(Self { provider, address })
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The connection.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Sends a transaction and waits for its receipt, whatever it says.
    ///
    /// # Errors
    /// When the node refuses it.
    pub async fn send(&self, tx: TransactionRequest) -> eyre::Result<TransactionReceipt> {
        let pending = self.provider.send_transaction(tx).await?;
        self.receipt(*pending.tx_hash()).await
    }

    /// Waits for a receipt. Asks for it by hash again and again: a transaction may be in one block first and, after a reorg,
    /// in another one with a number that was seen before.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn receipt(&self, transaction: B256) -> eyre::Result<TransactionReceipt> {
        wait_for(&format!("the receipt of {transaction}"), RECEIPT_PATIENCE, || async {
            Ok(self.provider.get_transaction_receipt(transaction).await?)
        })
        .await
    }

    /// Calls a contract in a transaction.
    ///
    /// # Errors
    /// When it reverts.
    pub async fn transact(
        &self,
        to: Address,
        call: &impl SolCall,
        value: U256,
    ) -> eyre::Result<TransactionReceipt> {
        let tx = TransactionRequest::default()
            .with_to(to)
            .with_input(call.abi_encode())
            .with_gas_limit(ENOUGH_GAS)
            .with_value(value);
        succeeded(self.send(tx).await?)
    }

    /// Calls a contract in a transaction that carries payloads in blobs.
    ///
    /// # Errors
    /// When it reverts.
    pub async fn transact_with_blobs(
        &self,
        to: Address,
        call: &impl SolCall,
        payloads: &[Payload],
    ) -> eyre::Result<TransactionReceipt> {
        let blobs: Vec<_> = payloads.iter().map(|payload| *payload.to_blob()).collect();
        let sidecar = tokio::task::spawn_blocking(|| sidecar(blobs)).await??;
        let blob_fee = self.provider.get_blob_base_fee().await?;
        let tx = TransactionRequest::default()
            .with_to(to)
            .with_input(call.abi_encode())
            .with_gas_limit(ENOUGH_GAS)
            .with_max_fee_per_blob_gas(blob_fee.saturating_mul(2))
            .with_blob_sidecar_7594(sidecar);
        succeeded(self.send(tx).await?)
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// When it reverts, or answers with something else.
    pub async fn ask<C: SolCall>(&self, to: Address, call: &C) -> eyre::Result<C::Return> {
        let tx = TransactionRequest::default()
            .with_from(self.address)
            .with_to(to)
            .with_input(call.abi_encode());
        let answer: Bytes = self.provider.call(tx).await?;
        Ok(C::abi_decode_returns(&answer)?)
    }

    /// All events of one kind.
    ///
    /// # Errors
    /// When the node can't be asked.
    pub async fn events<E: SolEvent>(&self, from: Address) -> eyre::Result<Vec<Seen<E>>> {
        let filter = Filter::new()
            .address(from)
            .event_signature(E::SIGNATURE_HASH)
            .from_block(BlockNumberOrTag::Earliest);
        let logs = self.provider.get_logs(&filter).await?;
        logs.iter()
            .map(|log| {
                let transaction = log.transaction_hash.ok_or_eyre("a log without transaction")?;
                Ok(Seen { event: E::decode_log(&log.inner)?.data, transaction })
            })
            .collect()
    }

    /// Timestamp of the head, in seconds.
    ///
    /// # Errors
    /// When the node can't be asked.
    pub async fn now(&self) -> eyre::Result<u64> {
        let head = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        Ok(head.ok_or_eyre("no head")?.header.timestamp)
    }

    /// Moves a dev chain's clock on, and mines a block there.
    ///
    /// # Errors
    /// When the node is no dev chain.
    pub async fn warp(&self, seconds: u64) -> eyre::Result<()> {
        let client = self.provider.client();
        let _: serde_json::Value = client.request("evm_increaseTime", (seconds,)).await?;
        let _: serde_json::Value = client.request("evm_mine", ()).await?;
        Ok(())
    }
}

/// What a contract reverted with, if that is why a call failed.
#[must_use]
pub fn refusal(error: &eyre::Report) -> Option<Bytes> {
    error.downcast_ref::<TransportError>()?.as_error_resp()?.as_revert_data()
}

/// Waits until `look` finds something, at most `deadline`.
///
/// # Errors
/// When `look` fails, or finds nothing in time.
pub async fn wait_for<T, F: Future<Output = eyre::Result<Option<T>>>>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> F,
) -> eyre::Result<T> {
    let started = tokio::time::Instant::now();
    loop {
        if let Some(found) = look().await.wrap_err_with(|| format!("looking for {what}"))? {
            return Ok(found);
        }
        if started.elapsed() > deadline {
            bail!("{what}: not within {deadline:?}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn sidecar(blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, c_kzg::Error> {
    // Without precomputed tables: those take longer than a few blobs do.
    let settings = c_kzg::ethereum_kzg_settings(0);
    BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, settings)
}

fn succeeded(receipt: TransactionReceipt) -> eyre::Result<TransactionReceipt> {
    if receipt.status() {
        Ok(receipt)
    } else {
        bail!("transaction {} reverted", receipt.transaction_hash)
    }
}
