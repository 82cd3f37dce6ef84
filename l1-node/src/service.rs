//! Starting and stopping a node.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alloy::signers::local::LocalSignerError;
use jsonrpsee::core::RegisterMethodError;
use recourse_rpc::{Gate, Routes, RunningServer, ServerOptions, serve};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Config, DevAccount, ForkError, JournalError,
    chain::{ImportError, OpenError},
    config::Mining,
    dev,
    faults::{Faults, FaultyRoutes},
    node::Node,
    state::StateError,
};

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The mnemonic is no BIP-39 phrase.
    #[error("cannot derive the dev accounts")]
    Mnemonic(#[from] LocalSignerError),
    /// The genesis state cannot be written.
    #[error("cannot begin the chain")]
    Begin(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The chain to fork cannot be read.
    #[error("cannot fork")]
    Fork(#[source] ForkError),
    /// The thread that starts the chain was lost.
    #[error("the chain's start was cut short")]
    Cut(#[from] tokio::task::JoinError),
    /// The chain cannot be taken up from its file.
    #[error("cannot take the chain up from its file")]
    Journal(#[from] JournalError),
    /// The chain cannot be taken up from files.
    #[error("cannot take the chain up from files")]
    Import(#[from] ImportError),
    /// Two methods have one name.
    #[error("cannot register the methods")]
    Methods(#[from] RegisterMethodError),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Begin(StateError::Fork(error)) => Self::Fork(error),
            OpenError::Begin(source) => Self::Begin(Box::new(source)),
            OpenError::Journal(error) => Self::Journal(error),
            OpenError::Import(error) => Self::Import(error),
        }
    }
}

/// A running node. It stops when this is dropped, and in order with [`Handle::shutdown`].
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    chain_id: u64,
    accounts: Vec<DevAccount>,
    stop: DropGuard,
    server: RunningServer,
    miner: JoinHandle<()>,
}

impl Handle {
    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of JSON-RPC over HTTP and of the beacon API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// URL of JSON-RPC over WebSocket.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// EIP-155 chain id.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The prefunded dev accounts.
    #[must_use]
    pub fn accounts(&self) -> &[DevAccount] {
        &self.accounts
    }

    /// Stops taking calls, answers the open ones, and stops.
    pub async fn shutdown(self) {
        drop(self.stop);
        self.server.stop().await;
        if let Err(error) = self.miner.await {
            tracing::error!(%error, "the mining task failed");
        }
    }
}

/// Starts a node on the current tokio runtime.
///
/// # Errors
/// When the address cannot be bound or the configuration makes no sense.
pub async fn spawn(config: Config) -> Result<Handle, StartError> {
    let accounts: Result<Vec<_>, _> =
        (0..config.accounts).map(|index| DevAccount::derive(&config.mnemonic, index)).collect();
    let accounts = accounts?;
    // The forked chain is asked, and blocks of a file are executed.
    let (settings, owners) = (config.clone(), accounts.clone());
    let opened = tokio::task::spawn_blocking(move || Node::new(&settings, owners)).await?;
    let node = Arc::new(opened?);
    let mut module = recourse_rpc::module(Arc::clone(&node))?;
    module.merge(dev::module(Arc::clone(&node))?)?;
    let routes: Arc<dyn Routes> = Arc::new(FaultyRoutes(Arc::clone(&node)));
    let gate: Arc<dyn Gate> = Arc::<Faults>::clone(node.faults());
    let options = ServerOptions {
        gate: Some(gate),
        origins: config.origins.clone(),
        max_calls_per_second: config.max_calls_per_second,
        ..ServerOptions::new(config.listen)
    };
    let server = serve(options, module, Some(routes))
        .await
        .map_err(|source| StartError::Bind { address: config.listen, source })?;
    let chain_id = node.core().lock().chain_id();
    let stop = CancellationToken::new();
    let miner = tokio::spawn(mine_at_intervals(node, stop.clone()));
    Ok(Handle {
        address: server.address,
        chain_id,
        accounts,
        stop: stop.drop_guard(),
        server,
        miner,
    })
}

/// Mines while the mode is [`Mining::Interval`].
async fn mine_at_intervals(node: Arc<Node>, stop: CancellationToken) {
    let mut mode = node.mining();
    loop {
        let period = match *mode.borrow_and_update() {
            Mining::Interval(period) => Some(period),
            Mining::Automatic | Mining::Manual => None,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            changed = mode.changed() => if changed.is_err() { return },
            () = tick(period) => mine(&node).await,
        }
    }
}

async fn tick(period: Option<Duration>) {
    match period {
        Some(period) => tokio::time::sleep(period).await,
        None => std::future::pending().await,
    }
}

async fn mine(node: &Arc<Node>) {
    let node = Arc::clone(node);
    let mined = tokio::task::spawn_blocking(move || node.core().lock().mine_due()).await;
    match mined {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "mining failed"),
        Err(error) => tracing::error!(%error, "the mining thread failed"),
    }
}
