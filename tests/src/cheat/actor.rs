//! The process.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::B256;
use clap::Parser;
use eyre::{OptionExt, WrapErr};
use recourse_bisection::{ClaimRange, History, Shape};
use recourse_node::{
    Node, NodeConfig, NodeState,
    lifecycle::Secret,
    store::MemoryStore,
    tx::{TxManager, TxPolicy, TxRequest},
};
use recourse_protocol::{
    AttemptId, Batch, ContentHash, RollupConfig,
    bindings::{IRollup, Reveal, Segment},
    content_hash,
};
use recourse_trace_builder::{
    NO_REVEAL,
    kzg::{Committed, reveal_blob},
};
use tokio_util::sync::CancellationToken;

use super::{FalseHistory, Lie, truth};

/// A cheating proposer, for tests and the demo.
#[derive(Debug, Clone, Parser)]
pub struct Args {
    /// The rollup's configuration (TOML).
    #[arg(long)]
    config: PathBuf,
    /// JSON-RPC of L1.
    #[arg(long)]
    l1_rpc: String,
    /// Beacon API.
    #[arg(long)]
    l1_beacon: String,
    /// File that holds the private key.
    #[arg(long)]
    key_file: PathBuf,
    /// Unused: a cheat remembers nothing.
    #[arg(long)]
    data_dir: PathBuf,
    /// What to lie about.
    #[arg(long, value_enum)]
    lie: Lie,
}

/// A false claim that is on L1.
struct Claim {
    attempt: AttemptId,
    history: FalseHistory,
}

struct Cheat {
    config: RollupConfig,
    lie: Lie,
    sender: TxManager,
}

/// Cheats until it is told to stop.
///
/// # Errors
/// When L1 can't be had.
#[expect(clippy::print_stdout, reason = "tells its parent that it runs")]
pub async fn run(args: Args, stop: CancellationToken) -> eyre::Result<()> {
    let config = RollupConfig::from_toml(&std::fs::read_to_string(&args.config)?)?;
    let signer: PrivateKeySigner = Secret::from_file(&args.key_file)?.expose().parse()?;
    let mut node_config =
        NodeConfig::new(config.clone(), args.l1_rpc.clone(), vec![args.l1_beacon.clone()]);
    node_config.poll_interval = Duration::from_millis(200);
    let store = Arc::new(MemoryStore::default());
    let node = Node::start(node_config, store.clone(), stop.clone()).await?;
    let client = node.client().clone();
    let sender = TxManager::start(
        client,
        signer,
        store,
        node.metrics().clone(),
        TxPolicy::default(),
        stop.clone(),
    )
    .await?;
    println!("cheat {} reads L1 at {}", args.lie, args.l1_rpc);
    let cheat = Cheat { config, lie: args.lie, sender };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        done = cheat.play(&node) => done,
    }
}

impl Cheat {
    async fn play(&self, node: &Node) -> eyre::Result<()> {
        let mut states = node.subscribe();
        let mut claim = None;
        loop {
            let state = states.borrow_and_update().clone();
            match &claim {
                None => claim = self.claim(&state).await?,
                Some(claim) if self.lie.reveals() => self.answer(&state, claim).await?,
                Some(_) => {}
            }
            states.changed().await?;
        }
    }

    /// Claims all batches after the tip, as soon as they hold something to lie about.
    async fn claim(&self, state: &NodeState) -> eyre::Result<Option<Claim>> {
        let game = &state.l1.game;
        let tip = game.contents.get(&game.tip).ok_or_eyre("the tip is no content")?;
        let range = ClaimRange { after: tip.batch, upto: state.chain.tip() };
        if !state.derived || range.upto <= range.after {
            return Ok(None);
        }
        let truth = truth(state, &self.config.l2, range)?;
        let Some(history) = truth.and_then(|truth| self.lie.tell(&truth)) else {
            tracing::debug!(lie = %self.lie, batch = %range.upto, "nothing to lie about yet");
            return Ok(None);
        };
        let batch = state.l1.inbox.batch_at(range.upto).ok_or_eyre("the batch is gone")?;
        self.propose(game.tip, &batch.batch, history).await.map(Some)
    }

    async fn propose(
        &self,
        parent: ContentHash,
        batch: &Batch,
        history: FalseHistory,
    ) -> eyre::Result<Claim> {
        let (end, steps, batch_hash) = (*history.end(), history.steps(), batch.hash());
        let call = IRollup::proposeCall {
            parent: parent.0,
            batchHash: batch_hash,
            checkpoint: end.into(),
            steps,
            beneficiary: self.sender.address(),
            reveal: Reveal { blobIndex: NO_REVEAL, ..Reveal::default() },
        };
        let request = TxRequest::call("propose".to_owned(), self.config.contracts.rollup, &call)
            .with_value(self.config.limits.claim_bond);
        let receipt = self.sender.send(request).await?;
        let content = content_hash(parent, batch_hash, end.h248(), steps);
        let proposed =
            receipt.decoded_log::<IRollup::Proposed>().ok_or_eyre("no event of the claim")?;
        let attempt = AttemptId(proposed.attempt);
        tracing::info!(%attempt, %content, steps, "claimed a lie");
        Ok(Claim { attempt, history })
    }

    /// Reveals the false history, wherever it is asked for it.
    async fn answer(&self, state: &NodeState, claim: &Claim) -> eyre::Result<()> {
        let Some(attempt) = state.l1.game.attempts.get(&claim.attempt) else { return Ok(()) };
        for (id, open) in attempt.open_challenges() {
            let request = self.reveal(claim, &open.segment, id.0)?;
            // It may be dead by now: somebody was faster.
            if let Err(error) = self.sender.send(request).await {
                tracing::warn!(%error, segment = %id, "the lie could not be revealed");
            }
        }
        Ok(())
    }

    fn reveal(&self, claim: &Claim, segment: &Segment, id: B256) -> eyre::Result<TxRequest> {
        let arity = self.config.limits.arity;
        let blob = reveal_blob(&claim.history, segment, arity)
            .wrap_err("the false history has no such segment")?;
        let committed = Committed::to(&blob)?;
        let shape = Shape::of(segment, arity).ok_or_eyre("a segment of one step")?;
        let data = Reveal {
            blobIndex: 0,
            commitment: committed.commitment(),
            startProof: committed.open(0)?,
            endProof: committed.open(usize::try_from(shape.gaps())?)?,
        };
        let call = IRollup::revealCall { attempt: claim.attempt.0, segment: segment.clone(), data };
        Ok(TxRequest::call(format!("reveal:{id}"), self.config.contracts.rollup, &call)
            .with_blobs(vec![Arc::from(blob)]))
    }
}
