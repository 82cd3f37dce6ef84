//! The daemon put together.

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::eips::BlockId;
use recourse_node::{
    Node, NodeConfig,
    lifecycle::drain,
    store::{SledStore, Store},
    tx::TxManager,
};
use recourse_protocol::{Inputs as _, ViewIndex, bindings::IInbox};
use recourse_rpc::{RunningServer, ServerOptions, module, serve};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Args, Config, ServiceError,
    chain::L2Chain,
    claims::Claimer,
    drive::Driver,
    health::{Duties, HealthRoute, Thresholds},
    journal::Journal,
    post::Poster,
    producer::{Horizon as _, Producer},
    seen::{Archived, Seen},
    sequence::genesis_block,
};

/// The longest JSON-RPC request, in bytes: no transaction of L2 has blobs.
const MAX_REQUEST: u32 = 2 << 20;

/// Gas limit of an answer to a challenge, at most: a quarter more than the 213,885 that it uses.
const REVEAL_GAS: u64 = 270_000;

/// Runs a proposer until `stop` is cancelled or it can't go on. Prints one line `listening on ADDRESS:PORT` as soon as
/// L2 JSON-RPC answers.
///
/// # Errors
/// [`ServiceError`].
pub async fn run(args: Args, stop: CancellationToken) -> Result<(), ServiceError> {
    Service::start(Config::try_from(args)?, stop).await?.run().await
}

/// A running proposer.
#[derive(Debug)]
pub struct Service {
    node: Node,
    server: RunningServer,
    driver: Driver,
    claimer: Option<Claimer>,
    drain_timeout: Duration,
    /// Cancelled by the transaction manager when it can't go on.
    sending: CancellationToken,
    stop: CancellationToken,
}

impl Service {
    /// Reads L1 to its head, takes up the journal, and begins to serve.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(config: Config, stop: CancellationToken) -> Result<Self, ServiceError> {
        let store: Arc<dyn Store> = Arc::new(SledStore::open(&config.data_dir)?);
        let journal = Arc::new(Journal::new(Arc::clone(&store)));
        let leftover = journal.load()?;
        let node = Node::start(node_config(&config), Arc::clone(&store), stop.clone()).await?;
        let sending = stop.child_token();
        let transactions = transactions(&config, &node, store, &sending).await?;
        warn_if_closed(&config, &node).await?;
        let seen = Seen(Arc::clone(&node.subscribe().borrow()));
        let archive = Arc::new(Archived(node.subscribe()));
        let chain = Arc::new(chain(&config, &seen, Arc::clone(&journal), archive)?);
        let (settings, now) = (config.producer, Instant::now());
        let producer = Producer::new(settings, Arc::clone(&chain), journal, &seen, now)?;
        let poster = Poster {
            contracts: config.rollup.contracts,
            blobs: node.blobs().clone(),
            transactions: transactions.clone(),
        };
        let (states, duties) = (node.subscribe(), Duties::new(node.health().clone()));
        let (blocks, views) = (config.block_time, config.producer.batch_interval);
        let mut driver = Driver::new(producer, states, poster, duties.clone(), blocks, views);
        driver.catch_up(leftover, &stop).await?;
        let server = listen(&config, &node, chain, duties.clone()).await?;
        let rollup = config.rollup.clone();
        let claimer = config
            .claims
            .map(|settings| Claimer::new(settings, rollup, &node, transactions, duties));
        Ok(Self {
            node,
            server,
            driver,
            claimer,
            drain_timeout: config.drain_timeout,
            sending,
            stop,
        })
    }

    /// Where L2 JSON-RPC is served.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Runs until told to stop, or until a part can't go on: then the others are stopped as well.
    ///
    /// # Errors
    /// The first [`ServiceError`] that ended a part.
    pub async fn run(self) -> Result<(), ServiceError> {
        let Self { node, server, driver, claimer, drain_timeout, sending, stop } = self;
        let mut parts = JoinSet::new();
        parts.spawn(driver.run(stop.clone()));
        if let Some(claimer) = claimer {
            parts.spawn(claimer.run(stop.clone()));
        }
        let mut first = Ok(());
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = sending.cancelled() => first = Err(ServiceError::SendingStopped),
            Some(ended) = parts.join_next() => first = ended.map_err(ServiceError::from).and_then(|r| r),
        }
        stop.cancel();
        // No new work, then the work in progress.
        server.stop().await;
        drain(
            async {
                while let Some(ended) = parts.join_next().await {
                    let result = ended.map_err(ServiceError::from).and_then(|result| result);
                    first = std::mem::replace(&mut first, Ok(())).and(result);
                }
                let node = node.stopped().await.map_err(ServiceError::from);
                first = std::mem::replace(&mut first, Ok(())).and(node);
            },
            drain_timeout,
        )
        .await;
        first
    }
}

fn node_config(config: &Config) -> NodeConfig {
    let defaults =
        NodeConfig::new(config.rollup.clone(), config.l1_rpc.clone(), config.beacons.clone());
    NodeConfig {
        poll_interval: config.poll_interval,
        rederive: config.rederive,
        threads: config.threads,
        ..defaults
    }
}

async fn transactions(
    config: &Config,
    node: &Node,
    store: Arc<dyn Store>,
    stop: &CancellationToken,
) -> Result<TxManager, ServiceError> {
    let policy = config.transactions;
    let (client, metrics) = (node.client().clone(), Arc::clone(node.metrics()));
    let signer = config.signer.clone();
    Ok(TxManager::start(client, signer, store, metrics, policy, stop.clone()).await?)
}

/// Others than the Inbox's sequencer may append only while it is silent: then this proposer's blocks come late, or never.
async fn warn_if_closed(config: &Config, node: &Node) -> Result<(), ServiceError> {
    let ask = IInbox::mayAppendCall { who: config.signer.address() };
    let (inbox, head) = (config.rollup.contracts.inbox, BlockId::latest());
    if !node.client().call(inbox, &ask, head).await? {
        let account = config.signer.address();
        tracing::warn!(%account, "the Inbox takes batches of another sequencer only, for now");
    }
    Ok(())
}

fn chain(
    config: &Config,
    seen: &Seen,
    journal: Arc<Journal>,
    archive: Arc<Archived>,
) -> Result<L2Chain, ServiceError> {
    let start = recourse_protocol::BatchIndex(0);
    let genesis = seen.end(start)?;
    let view = seen.inputs().view(ViewIndex(0)).map_err(|_| ServiceError::NoGenesis)?;
    let block = genesis_block(&genesis.at, &view, &config.rollup.l2, genesis.state.clone());
    let (expected, got) = (genesis.at.parent_hash, block.hash());
    if got != expected {
        return Err(ServiceError::OtherGenesis { expected, got });
    }
    Ok(L2Chain::new(&config.chain, (block, genesis.state), journal, Some(archive)))
}

async fn listen(
    config: &Config,
    node: &Node,
    chain: Arc<L2Chain>,
    duties: Duties,
) -> Result<RunningServer, ServiceError> {
    let answer = config.transactions.most(REVEAL_GAS, 1);
    let route = HealthRoute {
        node: node.health().clone(),
        metrics: Arc::clone(node.metrics()),
        chain: Arc::clone(&chain),
        duties,
        address: config.signer.address(),
        limits: Thresholds { lag: config.max_lag, answer },
    };
    let methods = module(chain).map_err(|_| ServiceError::Methods)?;
    let failed = |source| ServiceError::Rpc { address: config.rpc_addr, source };
    let options = ServerOptions {
        origins: config.origins.clone(),
        max_calls_per_second: config.max_calls_per_second,
        max_request: MAX_REQUEST,
        ..ServerOptions::new(config.rpc_addr)
    };
    let server = serve(options, methods, Some(Arc::new(route))).await.map_err(failed)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {}", server.address).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(server)
}
