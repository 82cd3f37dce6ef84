//! Turns moves into transactions: confirms what a bond rests on, builds the call, simulates it, sends it. Nothing else in
//! this crate sends to L1.

use std::sync::Arc;

use alloy::{eips::BlockId, rpc::types::TransactionReceipt, sol_types::SolError as _};
use alloy_primitives::{Address, B256};
use futures::{StreamExt, stream};
use recourse_bisection::{Action, ClaimRange, Need};
use recourse_execution::Schedule;
use recourse_node::{
    NodeState,
    blobs::{BlobError, BlobSource},
    l1::L1Client,
    tx::{TxError, TxManager, TxRequest},
};
use recourse_protocol::{
    AttemptId, ContentHash, Game, RollupConfig,
    bindings::{IChunkStore, IRollup, IStepVerifier},
    content_hash,
};
use recourse_trace_builder::{
    self as trace, Blobs, Call, Chunk, ClaimHashes, Derivation, L1Limits, Stager, StepProver,
};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use crate::{
    InputError, MoveError,
    batches::Batches,
    inputs::{ContractsAt, Fact, InputCheck, facts_of},
    intent,
    knowledge::{Derived, Library},
    priority::Priority,
};

/// Chunks of one move in flight at once: several fit one L1 block, and the moves of other games find room between them.
const STAGED_AT_ONCE: usize = 8;

/// Makes moves.
#[derive(Debug)]
pub(crate) struct Responder {
    pub(crate) config: RollupConfig,
    pub(crate) schedule: Schedule,
    pub(crate) blobs: BlobSource,
    pub(crate) library: Arc<Library>,
    pub(crate) batches: Arc<Batches>,
    pub(crate) check: InputCheck,
    /// Confirms inputs; another endpoint than the one they came from, if the operator has one.
    pub(crate) check_client: L1Client,
    pub(crate) transactions: TxManager,
}

impl Responder {
    /// Makes a move and waits until it is mined. The permit bounds the moves that are built at once; it is given back before
    /// the wait, and while L1 is asked about inputs: who needs no check must not wait for an endpoint that is down.
    ///
    /// # Errors
    /// [`MoveError`]; the planner asks again for what is still wanted.
    pub(crate) async fn make(
        self: Arc<Self>,
        action: Action,
        state: Arc<NodeState>,
        permit: OwnedSemaphorePermit,
    ) -> Result<TransactionReceipt, MoveError> {
        let permit = self.confirm_inputs(&action, &state, permit).await?;
        let key = intent::key(&action, &state.l1.game);
        let about = intent::attempt(&action);
        let deadline = Priority::of(&action, &state.l1.game).deadline();
        let mut call = Arc::clone(&self).build(action, state).await?;
        let chunks = std::mem::take(&mut call.chunks);
        // Staging takes many blocks: meanwhile others build.
        let permit = chunks.is_empty().then_some(permit);
        self.stage(chunks, about, deadline).await?;
        let request = request(key, self.config.contracts.rollup, call);
        // What L1 would refuse costs gas, and tells that the plan is out of date.
        if let Err(error) = self.transactions.simulate(&request).await {
            return Err(self.explained(error).await);
        }
        drop(permit);
        Ok(self.transactions.send_by(request, deadline).await?)
    }

    /// A proof that could not run may have been asked of an L1 that has nobody to ask.
    async fn explained(&self, error: TxError) -> MoveError {
        let could_not_run = matches!(
            &error,
            TxError::WouldRevert(revert)
                if revert.selector() == Some(IStepVerifier::ExecuteCouldNotRun::SELECTOR.into())
        );
        if could_not_run && matches!(self.transactions.client().has_execute().await, Ok(false)) {
            return MoveError::NoExecute;
        }
        error.into()
    }

    /// Puts on L1 what a proof points to and what is not there yet. Where a chunk stands is known from its bytes: a restart, and
    /// another move that needs the same, go on from what L1 and the journal have.
    async fn stage(
        &self,
        chunks: Vec<Chunk>,
        about: Option<AttemptId>,
        deadline: u64,
    ) -> Result<(), MoveError> {
        if chunks.is_empty() {
            return Ok(());
        }
        let count = chunks.len();
        tracing::info!(count, "staging a proof");
        let staging = chunks.into_iter().map(|chunk| self.stage_one(chunk, about, deadline));
        // A failure ends the move; what is in flight then is found by the next try.
        let mut staging = stream::iter(staging).buffer_unordered(STAGED_AT_ONCE);
        while let Some(staged) = staging.next().await {
            staged?;
        }
        tracing::info!(count, "proof is staged");
        Ok(())
    }

    async fn stage_one(
        &self,
        chunk: Chunk,
        about: Option<AttemptId>,
        deadline: u64,
    ) -> Result<(), MoveError> {
        let (pointer, client) = (chunk.pointer, self.transactions.client());
        if !client.code(pointer).await.map_err(TxError::from)?.is_empty() {
            return Ok(());
        }
        // A chunk costs millions of gas: none for a game that somebody else has ended meanwhile.
        if let Some(attempt) = about {
            let (rollup, fate) =
                (self.config.contracts.rollup, IRollup::fateOfCall { attempt: attempt.0 });
            let fate =
                client.call(rollup, &fate, BlockId::latest()).await.map_err(TxError::from)?;
            if fate != IRollup::Fate::Pending {
                return Err(MoveError::Over(attempt));
            }
        }
        let call = IChunkStore::stageCall { chunk: chunk.bytes };
        let store = self.config.contracts.chunk_store;
        let request = TxRequest::call(stage_key(pointer), store, &call);
        let receipt = self.transactions.send_by(request, deadline).await?;
        tracing::info!(%pointer, gas = receipt.gas_used, "chunk staged");
        Ok(())
    }

    /// Nothing is bonded on the word of one endpoint's events.
    async fn confirm_inputs(
        &self,
        action: &Action,
        state: &NodeState,
        permit: OwnedSemaphorePermit,
    ) -> Result<OwnedSemaphorePermit, MoveError> {
        let facts = bonded_on(action, state)?;
        if self.check.knows(&facts) {
            return Ok(permit);
        }
        let block = state.l1.head.hash;
        let contracts = &self.config.contracts;
        let recorded = ContractsAt { client: &self.check_client, contracts, block };
        let confirming = async { Ok(self.check.confirm(facts, &recorded).await?) };
        meanwhile_free(permit, confirming).await
    }

    async fn build(
        self: Arc<Self>,
        action: Action,
        state: Arc<NodeState>,
    ) -> Result<Call, MoveError> {
        let derived = Derived { chain: state.chain.clone(), library: Arc::clone(&self.library) };
        let hashes = match action.need() {
            Need::Hashes(range) => Some(hashes(&derived, range)?),
            Need::Nothing | Need::Step(..) => None,
        };
        spawn_blocking(move || self.respond(&action, hashes.as_deref(), &state)).await?
    }

    fn respond(
        &self,
        action: &Action,
        hashes: Option<&ClaimHashes>,
        state: &NodeState,
    ) -> Result<Call, MoveError> {
        let derivation = Derivation {
            inputs: &state.l1.inbox,
            config: &self.config.l2,
            schedule: &self.schedule,
        };
        let blobs = Archived(&self.blobs);
        let responder = trace::Responder {
            game: &state.l1.game,
            prover: StepProver { derivation, blobs: &blobs },
            stager: Stager {
                store: self.config.contracts.chunk_store,
                limits: L1Limits::default(),
            },
            beneficiary: self.transactions.address(),
        };
        let call = match action.need() {
            Need::Step(range, at) => {
                let (start, batch) = self.batches.around(range, at, state)?;
                responder.prove(action, start, &batch)
            }
            Need::Nothing | Need::Hashes(_) => responder.claim(action, hashes),
        };
        call.map_err(|source| MoveError::Build(Box::new(source)))
    }
}

/// Blobs that the node archived.
struct Archived<'a>(&'a BlobSource);

/// A blob is not at hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("blob {0} is not archived")]
    Missing(B256),
    #[error(transparent)]
    Archive(#[from] BlobError),
}

impl Blobs for Archived<'_> {
    type Error = ArchiveError;

    fn blob(&self, hash: B256) -> Result<Arc<alloy::eips::eip4844::Blob>, ArchiveError> {
        self.0.archived(hash)?.ok_or(ArchiveError::Missing(hash))
    }
}

/// Waits for something with the permit given back, and takes another one after it.
async fn meanwhile_free(
    permit: OwnedSemaphorePermit,
    wait: impl Future<Output = Result<(), MoveError>>,
) -> Result<OwnedSemaphorePermit, MoveError> {
    let permits = Arc::clone(permit.semaphore());
    drop(permit);
    wait.await?;
    Ok(permits.acquire_owned().await?)
}

fn hashes(derived: &Derived, range: ClaimRange) -> Result<Arc<ClaimHashes>, MoveError> {
    use recourse_bisection::Knowledge;
    derived.history(range).ok_or(MoveError::NoHistoryYet(range))
}

/// The facts that a bond of this move rests on; none for moves without a bond.
fn bonded_on(action: &Action, state: &NodeState) -> Result<Vec<Fact>, InputError> {
    let game = &state.l1.game;
    let (range, claim) = match action {
        Action::ChallengeClaim { attempt, .. } | Action::ChallengeGap { attempt, .. } => {
            let content = game.attempts.get(attempt).map(|a| a.content);
            let content = content.ok_or(InputError::UnknownAttempt(*attempt))?;
            let (range, content) = claimed(content, *attempt, game)?;
            (range, Some(Fact::Content(*attempt, content)))
        }
        Action::Propose { range, .. } => (*range, None),
        _ => return Ok(Vec::new()),
    };
    let ends =
        (state.chain.checkpoint_after(range.after), state.chain.checkpoint_after(range.upto));
    let (Some(from), Some(to)) = ends else { return Err(InputError::Missing(range.upto)) };
    let mut facts = facts_of(&state.l1.inbox, range, from, to)?;
    facts.extend(claim);
    Ok(facts)
}

/// The batches of a content, if it is the hash of what it is said to claim: that is what was judged.
fn claimed(
    id: ContentHash,
    attempt: AttemptId,
    game: &Game,
) -> Result<(ClaimRange, ContentHash), InputError> {
    let contents = &game.contents;
    let unknown = InputError::UnknownAttempt(attempt);
    let Some(content) = contents.get(&id) else { return Err(unknown) };
    let Some(parent) = contents.get(&content.parent) else { return Err(unknown) };
    let expected =
        content_hash(content.parent, content.batch_hash, content.checkpoint, content.steps);
    if expected != id {
        let (expected, got) = (format!("content {expected}"), format!("content {id}"));
        return Err(InputError::Disputed { expected, got });
    }
    Ok((ClaimRange { after: parent.batch, upto: content.batch }, id))
}

/// The name of a chunk's transaction: whichever move wants it.
fn stage_key(pointer: Address) -> String {
    format!("stage:{pointer}")
}

/// The transaction of a move.
fn request(key: String, rollup: Address, call: Call) -> TxRequest {
    TxRequest {
        key,
        to: rollup,
        data: call.data,
        value: call.value,
        blobs: call.blobs.into_iter().map(Arc::from).collect(),
        gas_limit: None,
        gas_at_least: 0,
    }
}

#[cfg(test)]
mod tests {
    use alloy::eips::eip4844::Blob;
    use alloy_primitives::{Bytes, U256};
    use recourse_protocol::BatchIndex;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::games::{ATTEMPT, CLAIMED, GENESIS, one_claim};

    #[tokio::test]
    async fn who_waits_for_an_answer_keeps_nobody_from_building() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        let other = Arc::clone(&permits);
        let wait = async move {
            drop(other.try_acquire_owned().unwrap());
            Ok(())
        };
        let permit = meanwhile_free(permit, wait).await.unwrap();
        assert_eq!(permits.available_permits(), 0, "there is one for what comes next");
        let error = meanwhile_free(permit, async { Err(MoveError::NoExecute) }).await;
        assert!(matches!(error, Err(MoveError::NoExecute)));
        assert_eq!(permits.available_permits(), 1);
    }

    #[test]
    fn a_call_becomes_a_transaction_to_the_rollup() {
        let rollup = Address::repeat_byte(7);
        let blob = Box::new(Blob::repeat_byte(0));
        let data = Bytes::from_static(&[1, 2, 3]);
        let (value, chunks) = (U256::from(5), Vec::new());
        let call = Call { data: data.clone(), value, blobs: vec![blob], chunks };
        let request = request("reveal:1".to_owned(), rollup, call);
        assert_eq!((request.key.as_str(), request.to), ("reveal:1", rollup));
        assert_eq!((request.data, request.value), (data, U256::from(5)));
        assert_eq!((request.blobs.len(), request.gas_limit), (1, None));
    }

    #[test]
    fn what_was_judged_is_what_the_content_names() {
        let mut game = one_claim();
        let content = game.contents[&CLAIMED];
        let lie = claimed(CLAIMED, ATTEMPT, &game);
        assert!(matches!(lie, Err(InputError::Disputed { .. })), "its id is made up");

        let id = content_hash(GENESIS, content.batch_hash, content.checkpoint, content.steps);
        game.contents.insert(id, content);
        let range = ClaimRange { after: BatchIndex(0), upto: BatchIndex(1) };
        assert_eq!(claimed(id, ATTEMPT, &game).unwrap(), (range, id));

        game.contents.remove(&GENESIS);
        assert!(matches!(claimed(id, ATTEMPT, &game), Err(InputError::UnknownAttempt(_))));
    }
}
