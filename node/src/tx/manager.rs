//! The handle that daemons hold.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alloy::{
    eips::BlockId,
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    TxError, TxPolicy, TxRequest,
    actor::{Actor, Command, Outcome},
    journal::Journal,
    sign::{Sidecar, sidecar},
};
use crate::{
    blobs,
    l1::L1Client,
    metrics::Metrics,
    store::{Store, Table, Write},
};

/// The most gas that an L1 transaction may use (EIP-7825).
const MAX_GAS: u64 = 1 << 24;
/// Requests that wait for their turn.
const QUEUE: usize = 64;

/// Sends transactions of one account. Cheap to clone; all clones are one. Nobody else may use the key.
#[derive(Debug, Clone)]
pub struct TxManager {
    client: L1Client,
    store: Arc<dyn Store>,
    policy: TxPolicy,
    address: Address,
    commands: mpsc::Sender<Command>,
    pending: Arc<AtomicUsize>,
}

/// A request that is ready to be signed.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) request: TxRequest,
    pub(super) gas_limit: u64,
    pub(super) blobs: Vec<B256>,
    pub(super) sidecar: Option<Sidecar>,
    /// Last second for it; those with less time go first.
    pub(super) deadline: u64,
}

impl TxManager {
    /// Takes up what the journal says is in flight, and begins to take requests. Ends when `stop` is cancelled; if it
    /// can't go on, or panics, `stop` is cancelled.
    ///
    /// # Errors
    /// [`TxError`] when the journal or L1 can't be read.
    pub async fn start(
        client: L1Client,
        signer: PrivateKeySigner,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        policy: TxPolicy,
        stop: CancellationToken,
    ) -> Result<Self, TxError> {
        let address = signer.address();
        let chain_id = client.chain_id().await?;
        let journal = Journal::open(store.clone())?;
        let on_chain = client.nonce(address, BlockId::pending()).await?;
        let in_flight = journal.entries().keys().next_back().map(|last| last.saturating_add(1));
        let next_nonce = in_flight.unwrap_or(0).max(on_chain);
        let (commands, inbox) = mpsc::channel(QUEUE);
        let pending = Arc::new(AtomicUsize::new(journal.unmined().count()));
        let manager = Self {
            client: client.clone(),
            store,
            policy,
            address,
            commands,
            pending: pending.clone(),
        };
        let actor = Actor {
            client,
            signer,
            chain_id,
            journal,
            metrics,
            policy,
            archive: manager.store.clone(),
            next_nonce,
            pending,
            queue: Default::default(),
            waiters: Default::default(),
            sidecars: Default::default(),
            lost: Default::default(),
            refused: Default::default(),
        };
        let running = tokio::spawn(actor.run(inbox, stop.clone()));
        tokio::spawn(end_with(running, stop));
        Ok(manager)
    }

    /// The account.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The L1 that it sends to.
    #[must_use]
    pub const fn client(&self) -> &L1Client {
        &self.client
    }

    /// Transactions in flight, and those that wait for their turn.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Sends a transaction and waits until it is mined and confirmed. A request whose key is in flight joins that
    /// transaction, also after a restart; so does one whose key was mined within `settle_depth` blocks, unless it
    /// reverted.
    ///
    /// # Errors
    /// [`TxError`].
    pub async fn send(&self, request: TxRequest) -> Result<TransactionReceipt, TxError> {
        self.send_by(request, u64::MAX).await
    }

    /// As [`Self::send`], of something that has to be on L1 by a second: of what waits for its turn, that with the least time
    /// goes first, and what has no deadline last.
    ///
    /// # Errors
    /// [`TxError`].
    pub async fn send_by(
        &self,
        request: TxRequest,
        deadline: u64,
    ) -> Result<TransactionReceipt, TxError> {
        let key = request.key.clone();
        if let Some(outcome) = self.ask(|reply| Command::Join(key, deadline, reply)).await? {
            return self.wait(outcome).await;
        }
        let prepared = Box::new(self.prepare(request, deadline).await?);
        let outcome = self.ask(|reply| Command::Submit(prepared, reply)).await?;
        self.wait(outcome).await
    }

    /// Gas that a transaction would use now, without the margin.
    ///
    /// # Errors
    /// [`TxError::WouldRevert`] with the contract's error.
    pub async fn simulate(&self, request: &TxRequest) -> Result<u64, TxError> {
        let mut hashes = Vec::new();
        for blob in &request.blobs {
            hashes.push(blobs::versioned_hash(blob)?);
        }
        self.estimate(request, &hashes).await
    }

    async fn estimate(&self, request: &TxRequest, blobs: &[B256]) -> Result<u64, TxError> {
        let mut call = TransactionRequest::default()
            .from(self.address)
            .to(request.to)
            .value(request.value)
            .input(request.data.clone().into());
        if !blobs.is_empty() {
            call.max_fee_per_blob_gas =
                Some(self.client.fees().await?.blob_base_fee.saturating_mul(2));
            call.blob_versioned_hashes = Some(blobs.to_vec());
        }
        Ok(self.client.estimate_gas(&call).await?)
    }

    async fn prepare(&self, request: TxRequest, deadline: u64) -> Result<Prepared, TxError> {
        let sidecar = sidecar(request.blobs.clone()).await?;
        let blobs: Vec<B256> = sidecar
            .as_ref()
            .map(|sidecar| sidecar.versioned_hashes().collect())
            .unwrap_or_default();
        let put = |(hash, blob): (&B256, &Arc<_>)| {
            let blob: &alloy_eips::eip4844::Blob = blob;
            Write::Put(Table::Blobs, hash.to_vec(), blob.to_vec())
        };
        self.store.apply(blobs.iter().zip(&request.blobs).map(put).collect())?;
        let gas_limit = match request.gas_limit {
            Some(gas) => gas,
            None => {
                let estimate = self.with_margin(self.estimate(&request, &blobs).await?);
                estimate.max(request.gas_at_least)
            }
        };
        Ok(Prepared { request, gas_limit, blobs, sidecar, deadline })
    }

    fn with_margin(&self, gas: u64) -> u64 {
        let margin = gas.saturating_mul(self.policy.gas_margin).div_ceil(100);
        gas.saturating_add(margin).min(MAX_GAS.max(gas))
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, TxError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| TxError::Stopped)?;
        answer.await.map_err(|_| TxError::Stopped)
    }

    async fn wait(
        &self,
        outcome: oneshot::Receiver<Outcome>,
    ) -> Result<TransactionReceipt, TxError> {
        match tokio::time::timeout(self.policy.timeout, outcome).await {
            Err(_) => Err(TxError::Timeout),
            Ok(Err(_)) => Err(TxError::Stopped),
            Ok(Ok(result)) => result.map(|receipt| *receipt),
        }
    }
}

/// A daemon that can't send any more must not go on as if it could.
async fn end_with(running: JoinHandle<()>, stop: CancellationToken) {
    if let Err(error) = running.await
        && error.is_panic()
    {
        tracing::error!(%error, "the transaction manager panicked: nothing more can be sent to L1");
        stop.cancel();
    }
}
