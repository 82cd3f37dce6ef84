//! The watchtower from start to end.

use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

use recourse_execution::Schedule;
use recourse_node::{
    Node, NodeConfig, Severity,
    health::chain,
    l1::{L1Client, RetryPolicy},
    lifecycle::drain,
    store::{SledStore, Store},
    tx::TxManager,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    Args, Config, ServiceError,
    batches::Batches,
    errands::Errands,
    http,
    inputs::InputCheck,
    knowledge::Library,
    responder::Responder,
    round::Lookout,
    status::Status,
    watch::{Shift, Watch},
};

/// Between two attempts to start when L1 does not answer.
const START_AGAIN: Duration = Duration::from_secs(2);

/// Runs a watchtower until the token is cancelled. Prints one line `listening on ADDRESS:PORT` as soon as its
/// health can be asked for.
///
/// # Errors
/// [`ServiceError`]: bad configuration, or something that only a person can repair.
pub async fn run(args: Args, token: CancellationToken) -> Result<(), ServiceError> {
    Service::new(Config::try_from(args)?).run(token).await
}

/// A watchtower.
#[derive(Debug)]
pub struct Service {
    config: Config,
    status: Arc<Status>,
}

/// What was started for one run.
struct Running {
    node: Node,
    transactions: TxManager,
    /// Cancelled by whichever of the two can't go on.
    stop: CancellationToken,
}

impl Service {
    /// A watchtower that has not started.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let status = Arc::new(Status::new(config.thresholds));
        Self { config, status }
    }

    /// Runs until the token is cancelled, then lets moves under way end within the drain timeout.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn run(self, token: CancellationToken) -> Result<(), ServiceError> {
        // Outlives `token` while moves under way end.
        let everything = CancellationToken::new();
        let _stop_at_return = everything.clone().drop_guard();
        self.serve_http(everything.clone()).await?;
        let store: Arc<dyn Store> = Arc::new(SledStore::open(&self.config.data_dir)?);
        let running = tokio::select! {
            () = token.cancelled() => return Ok(()),
            started = self.start_patiently(&store, &everything) => started?,
            never = self.status.beat() => match never {},
        };
        let mut shift = Shift::new(self.watch(&running)?);
        tokio::select! {
            () = shift.run() => {}
            () = running.stop.cancelled() => {}
            () = token.cancelled() => {}
        }
        if token.is_cancelled() {
            drain(shift.drain(), self.config.drain_timeout).await;
        }
        running.stop.cancel();
        running.node.stopped().await?;
        if token.is_cancelled() { Ok(()) } else { Err(ServiceError::NodeEnded) }
    }

    async fn serve_http(&self, stop: CancellationToken) -> Result<(), ServiceError> {
        let (listener, address) = http::bind(self.config.http_addr).await?;
        announce(address)?;
        let status = Arc::clone(&self.status);
        tokio::spawn(async move {
            if let Err(error) = http::serve(listener, status, stop).await {
                tracing::error!(error = chain(&error), "health is no longer served");
            }
        });
        Ok(())
    }

    /// An L1 that is down must not keep a watchtower from starting: it waits, and says that it is unhealthy.
    async fn start_patiently(
        &self,
        store: &Arc<dyn Store>,
        everything: &CancellationToken,
    ) -> Result<Running, ServiceError> {
        loop {
            // A failed start may cancel what it was given.
            match self.start(store, everything.child_token()).await {
                Ok(running) => return Ok(running),
                Err(error) if error.severity() == Severity::Critical => return Err(error),
                Err(error) => tracing::error!(error = chain(&error), "not started yet"),
            }
            tokio::time::sleep(START_AGAIN).await;
        }
    }

    async fn start(
        &self,
        store: &Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Result<Running, ServiceError> {
        let Config { rollup, l1_rpc, beacons, poll_interval, signer, transactions, .. } =
            self.config.clone();
        let (rederive, threads) = (self.config.rederive, self.config.threads);
        let config = NodeConfig {
            poll_interval,
            rederive,
            threads,
            ..NodeConfig::new(rollup, l1_rpc, beacons)
        };
        let node = Node::start(config, Arc::clone(store), stop.clone()).await?;
        let (client, metrics) = (node.client().clone(), Arc::clone(node.metrics()));
        let store = Arc::clone(store);
        let stopped = stop.clone();
        let transactions =
            TxManager::start(client, signer, store, metrics, transactions, stopped).await?;
        // Not before: with a failed start its node ends.
        self.status.attach(node.health().clone(), Arc::clone(node.metrics()));
        tracing::info!(address = %transactions.address(), "watching");
        Ok(Running { node, transactions, stop })
    }

    fn watch(&self, running: &Running) -> Result<Watch, ServiceError> {
        let Config { rollup, l1_check_rpc, workers, .. } = &self.config;
        let node = &running.node;
        let library = Arc::<Library>::default();
        let batches = Arc::new(Batches::new(rollup.l2, Schedule::osaka()));
        let errands = Errands {
            blobs: node.blobs().clone(),
            library: Arc::clone(&library),
            batches: Arc::clone(&batches),
            cpu: Arc::new(Semaphore::new(*workers)),
        };
        let lookout = Lookout {
            client: node.client().clone(),
            contracts: rollup.contracts,
            address: running.transactions.address(),
            library: Arc::clone(&library),
        };
        let responder = Responder {
            config: rollup.clone(),
            schedule: Schedule::osaka(),
            blobs: node.blobs().clone(),
            library,
            batches,
            check: InputCheck::default(),
            check_client: L1Client::new(l1_check_rpc, RetryPolicy::default())?,
            transactions: running.transactions.clone(),
        };
        Ok(Watch {
            states: node.subscribe(),
            lookout,
            errands: Arc::new(errands),
            responder: Arc::new(responder),
            status: Arc::clone(&self.status),
            builders: Arc::new(Semaphore::new(*workers)),
        })
    }
}

/// For whoever started the process with port 0.
fn announce(address: SocketAddr) -> Result<(), ServiceError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {address}").and_then(|()| out.flush()).map_err(ServiceError::Stdout)
}
