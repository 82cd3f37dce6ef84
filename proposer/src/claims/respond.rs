//! Moves as L1 transactions.

use std::sync::Arc;

use alloy::eips::eip4844::Blob;
use alloy_primitives::{Address, B256};
use recourse_bisection::{Action, ClaimRange};
use recourse_execution::Schedule;
use recourse_node::{
    NodeState,
    blobs::{BlobError, BlobSource},
    states::StatesError,
    tx::{TxError, TxManager, TxRequest},
};
use recourse_protocol::{BatchIndex, RollupConfig};
use recourse_trace_builder::{
    self as trace, Blobs, Call, Derivation, L1Limits, Stager, StepProver,
};
use tokio::task::spawn_blocking;

use super::{histories::Histories, intent};

/// Makes moves.
#[derive(Debug)]
pub(super) struct Responder {
    pub(super) rollup: RollupConfig,
    pub(super) beneficiary: Address,
    pub(super) blobs: BlobSource,
    pub(super) histories: Arc<Histories>,
    pub(super) transactions: TxManager,
}

/// A move was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum MoveError {
    /// Its batches are not derived.
    #[error("batch {0} is not derived")]
    NotDerived(BatchIndex),
    /// The state before a batch could not be had.
    #[error("the state before a batch could not be had")]
    State(#[from] StatesError),
    /// The daemon ends.
    #[error("stopped before it was ready")]
    Stopped,
    /// The batches of a claim do not follow each other: L1 changed while they were run.
    #[error("the batches of {0:?} do not follow each other")]
    Torn(ClaimRange),
    /// It could not be turned into a call.
    #[error("the move could not be turned into a call")]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its blobs could not be archived.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// It could not be sent, or it reverted.
    #[error(transparent)]
    Send(#[from] TxError),
    /// Only proofs are staged, and a proposer proves nothing: watchtowers do.
    #[error("a move of {0} chunks is none of a proposer's")]
    Staged(usize),
    /// Building it panicked.
    #[error("building the move panicked")]
    Panicked(#[from] tokio::task::JoinError),
}

impl MoveError {
    /// Whether L1 may still get it.
    pub(super) const fn may_be_in_flight(&self) -> bool {
        matches!(self, Self::Send(TxError::Timeout | TxError::Stopped))
    }
}

impl Responder {
    /// Makes a move and waits until it is mined. Gives the number of that L1 block.
    pub(super) async fn make(
        self: Arc<Self>,
        action: Action,
        state: Arc<NodeState>,
    ) -> Result<u64, MoveError> {
        let key = intent::transaction_key(&action, state.l1.head.number);
        let head = state.l1.head.number;
        // An answer goes before all that may come at any time.
        let deadline = match &action {
            Action::Reveal { deadline, .. } => *deadline,
            _ => u64::MAX,
        };
        let builder = Arc::clone(&self);
        let call = spawn_blocking(move || builder.build(&action, &state)).await??;
        if !call.chunks.is_empty() {
            return Err(MoveError::Staged(call.chunks.len()));
        }
        let mut blobs = Vec::with_capacity(call.blobs.len());
        for blob in call.blobs {
            let blob: Arc<Blob> = blob.into();
            // What the beacon nodes will forget, and what a dispute may need.
            self.blobs.archive(Arc::clone(&blob)).await?;
            blobs.push(blob);
        }
        let request = TxRequest {
            key: key.clone(),
            to: self.rollup.contracts.rollup,
            data: call.data,
            value: call.value,
            blobs,
            gas_limit: None,
            gas_at_least: 0,
        };
        let receipt = self.transactions.send_by(request, deadline).await?;
        tracing::info!(key, transaction = %receipt.transaction_hash, gas = receipt.gas_used, "mined");
        Ok(receipt.block_number.unwrap_or(head))
    }

    fn build(&self, action: &Action, state: &NodeState) -> Result<Call, MoveError> {
        let history = match action.range() {
            Some(range) => Some(self.histories.of(state, range)?),
            None => None,
        };
        let schedule = Schedule::osaka();
        let derivation =
            Derivation { inputs: &state.l1.inbox, config: &self.rollup.l2, schedule: &schedule };
        let blobs = Archived(&self.blobs);
        let responder = trace::Responder {
            game: &state.l1.game,
            prover: StepProver { derivation, blobs: &blobs },
            stager: Stager {
                store: self.rollup.contracts.chunk_store,
                limits: L1Limits::default(),
            },
            beneficiary: self.beneficiary,
        };
        responder
            .claim(action, history.as_ref())
            .map_err(|source| MoveError::Build(Box::new(source)))
    }
}

/// Blobs that the node archived.
struct Archived<'a>(&'a BlobSource);

/// A blob is not at hand.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    #[error("blob {0} is not archived")]
    Missing(B256),
    #[error(transparent)]
    Archive(#[from] BlobError),
}

impl Blobs for Archived<'_> {
    type Error = ArchiveError;

    fn blob(&self, hash: B256) -> Result<Arc<Blob>, ArchiveError> {
        self.0.archived(hash)?.ok_or(ArchiveError::Missing(hash))
    }
}
