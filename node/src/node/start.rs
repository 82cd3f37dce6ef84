//! Starting and stopping.

use std::{collections::HashSet, num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use recourse_execution::parallel::Workers;
use recourse_protocol::{EXECUTE_ADDRESS, RollupConfig};
use tokio::{
    sync::{Mutex, watch},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use super::{
    NodeConfig, NodeError, NodeState, archive::Archive, derive::Derive, follow::Follow,
    needed::Needed,
};
use crate::{
    blobs::BlobSource,
    derivation::{Derivation, DerivationError},
    health::Health,
    l1::L1Client,
    metrics::Metrics,
    mirror::L1Mirror,
    store::{Store, StoreError, Table, Write},
};

const DEPLOYMENT: &[u8] = b"deployment";

/// A node: follows L1, archives blobs, derives L2, and tells whoever subscribes.
#[derive(Debug)]
pub struct Node {
    client: L1Client,
    blobs: BlobSource,
    store: Arc<dyn Store>,
    health: Health,
    metrics: Arc<Metrics>,
    states: watch::Receiver<Arc<NodeState>>,
    tasks: Mutex<JoinSet<Result<(), NodeError>>>,
    stop: CancellationToken,
}

/// Only a warning: a node on a sound L1 must not stay down because an endpoint treats this one address oddly.
async fn warn_without_execute(client: &L1Client) {
    match client.has_execute().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            address = %EXECUTE_ADDRESS,
            "this L1 has no EXECUTE: claims and challenges work, a false step that executes can't be proven"
        ),
        Err(error) => tracing::warn!(
            address = %EXECUTE_ADDRESS,
            %error,
            "it can't be told whether this L1 has EXECUTE"
        ),
    }
}

impl Node {
    /// Checks L1 and the store against the configuration, reads L1 to its head, and starts the tasks. They end when
    /// `stop` is cancelled; if one of them fails, it cancels `stop` itself.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn start(
        config: NodeConfig,
        store: Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Result<Self, NodeError> {
        let (health, metrics) = (Health::default(), Arc::new(Metrics::default()));
        let rollup = Arc::new(config.rollup);
        claim_store(&rollup, store.as_ref())?;
        let cores = || available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = config.threads.map_or_else(cores, NonZeroUsize::get);
        let workers = Arc::new(Workers::new(threads));
        let mut derivation = open(rollup.clone(), store.clone(), config.rederive, workers).await?;
        let client = L1Client::new(&config.l1_rpc, config.retry)?;
        client.check(&rollup).await?;
        warn_without_execute(&client).await;
        let timeout = config.retry.request_timeout;
        let blobs = BlobSource::new(&config.beacons, timeout, store.clone(), metrics.clone())?;
        let needed = Needed::open(store.clone(), &rollup.periods, rollup.limits.levels)?;
        let mirror = L1Mirror::open(client.clone(), rollup, store.clone(), config.log_range)?;
        let poll_interval = config.poll_interval;
        let mut follow =
            Follow { mirror, health: health.clone(), metrics: metrics.clone(), poll_interval };
        let first = tokio::select! {
            () = stop.cancelled() => return Err(NodeError::Stopped),
            first = follow.once() => first?,
        };
        let inbox = first.inbox.clone();
        let derivation = spawn_blocking(move || {
            derivation.follow(&inbox)?;
            Ok::<_, DerivationError>(derivation)
        });
        let derivation = derivation.await??;
        let first_state = Arc::new(NodeState::new(first.clone(), derivation.chain()));
        let (states, subscriber) = watch::channel(first_state);
        let (heads, head) = watch::channel(first);
        let archive = Archive {
            blobs: blobs.clone(),
            health: health.clone(),
            poll_interval,
            done: HashSet::new(),
        };
        let derive = Derive {
            derivation: Some(derivation),
            blobs: blobs.clone(),
            health: health.clone(),
            metrics: metrics.clone(),
            poll_interval,
            states,
            needed: Arc::new(parking_lot::Mutex::new(needed)),
            told: None,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(guard(stop.clone(), archive.run(head.clone(), stop.clone())));
        tasks.spawn(guard(stop.clone(), derive.run(head, stop.clone())));
        tasks.spawn(guard(stop.clone(), follow.run(heads, stop.clone())));
        let tasks = Mutex::new(tasks);
        Ok(Self { client, blobs, store, health, metrics, states: subscriber, tasks, stop })
    }

    /// L1.
    #[must_use]
    pub const fn client(&self) -> &L1Client {
        &self.client
    }

    /// Blobs.
    #[must_use]
    pub const fn blobs(&self) -> &BlobSource {
        &self.blobs
    }

    /// The store that the node shares with its daemon.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How it is doing.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// What it counts.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What it knows, now and at every change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<NodeState>> {
        self.states.clone()
    }

    /// Waits until all its tasks have ended.
    ///
    /// # Errors
    /// The first [`NodeError`] that ended one.
    pub async fn stopped(&self) -> Result<(), NodeError> {
        let mut tasks = self.tasks.lock().await;
        let mut first = Ok(());
        while let Some(ended) = tasks.join_next().await {
            let result = ended.map_err(NodeError::from).and_then(|result| result);
            if result.is_err() {
                self.stop.cancel();
            }
            first = first.and(result);
        }
        first
    }
}

/// Reads the L2 state, which may take seconds.
async fn open(
    rollup: Arc<RollupConfig>,
    store: Arc<dyn Store>,
    again: bool,
    workers: Arc<Workers>,
) -> Result<Box<Derivation>, NodeError> {
    let open = move || Derivation::open(&rollup, store, again, workers);
    let derivation = spawn_blocking(open).await??;
    let chain = derivation.chain();
    tracing::info!(batches = chain.tip().0, l2_head = chain.head(), "L2 state is at hand");
    Ok(Box::new(derivation))
}

/// Lets a failing task stop the others: half a watchtower is none.
async fn guard(
    stop: CancellationToken,
    task: impl Future<Output = Result<(), NodeError>>,
) -> Result<(), NodeError> {
    let _stop_others = stop.drop_guard();
    task.await
}

/// Makes sure that the store belongs to this deployment.
fn claim_store(config: &RollupConfig, store: &dyn Store) -> Result<(), StoreError> {
    let contracts = &config.contracts;
    let genesis = config.genesis.checkpoint.h248();
    let expected =
        format!("{}/{}/{}/{genesis}", config.l1_chain_id, contracts.inbox, contracts.rollup);
    match store.get(Table::Meta, DEPLOYMENT)? {
        None => {
            let value = expected.into_bytes();
            store.apply(vec![Write::Put(Table::Meta, DEPLOYMENT.to_vec(), value)])
        }
        Some(got) if got == expected.as_bytes() => Ok(()),
        Some(got) => {
            let got = String::from_utf8_lossy(&got).into_owned();
            Err(StoreError::OtherDeployment { expected, got })
        }
    }
}
