//! Proofs of single steps.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolValue;
use recourse_bisection::History;
use recourse_execution::{
    Claim, ExecuteError, RecordError, Recorder,
    block::{BlockBody, Opening},
    replay,
};
use recourse_protocol::{
    BYTES_PER_ELEMENT, Batch, Checkpoint, CheckpointHash, Inputs, Plan, Rule, StepIndex,
    TransactionSource, TxOutcome, TxPosition,
    bindings::{self, BlobOpening, BlockContext, Execution, StepProof, Trace},
};

use crate::{
    Blobs, ClaimHistory, Derivation, HistoryError, Snapshot,
    kzg::{Committed, KzgError},
};

/// A step with all that L1 needs to take it.
#[derive(Debug, Clone)]
pub struct ProvenStep {
    /// Before.
    pub pre: Checkpoint,
    /// After.
    pub post: Checkpoint,
    /// What it does.
    pub rule: Rule,
    /// For the StepVerifier.
    pub evidence: Evidence,
}

/// What the StepVerifier needs for a step, with nothing opened yet, and all inline.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The batch of the checkpoint before.
    pub batch: bindings::Batch,
    /// What the step reads of a blob.
    pub reading: Option<Reading>,
    /// The forced transaction that it executes; else empty.
    pub forced: Bytes,
    /// What `EXECUTE` is asked, with the whole witness inline.
    pub execution: Execution,
}

/// What a step reads of a blob.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The blob.
    pub committed: Arc<Committed>,
    /// The first element.
    pub first: usize,
    /// The last element.
    pub last: usize,
}

impl Evidence {
    /// The proof with everything inline and elements opened one by one: for steps that fit one L1 transaction so.
    ///
    /// # Errors
    /// [`KzgError`].
    pub fn plain(&self) -> Result<StepProof, KzgError> {
        let opening = match &self.reading {
            Some(reading) => reading.committed.open_range(reading.first, reading.last)?,
            None => no_opening(),
        };
        Ok(StepProof {
            batch: self.batch.clone(),
            opening,
            forcedTransaction: self.forced.clone(),
            execution: self.execution.clone(),
        })
    }
}

/// A step could not be proven.
#[derive(Debug, thiserror::Error)]
pub enum ProveError<I: core::error::Error + 'static, B: core::error::Error + 'static> {
    /// The checkpoint before it could not be had.
    #[error(transparent)]
    History(#[from] HistoryError<I>),
    /// An L1 input could not be had.
    #[error("an L1 input could not be read")]
    Input(#[source] I),
    /// A batch that was derived is no longer on L1: it was reorganised.
    #[error("batch {0} is not on L1")]
    NoBatch(recourse_protocol::BatchIndex),
    /// A blob could not be had.
    #[error("a blob of the batch could not be read")]
    Blob(#[source] B),
    /// A blob could not be opened.
    #[error(transparent)]
    Kzg(#[from] KzgError),
    /// The step could not be executed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// `EXECUTE` would not accept what L1 will ask it: there is a bug, nothing must be sent.
    #[error("EXECUTE refuses the step at {at}: {source}")]
    Refused {
        /// The step.
        at: StepIndex,
        /// Why.
        source: ExecuteError,
    },
    /// The step now leads elsewhere than when it was derived: a bug, or other inputs.
    #[error("the step at {at} leads to {got}, the history has {expected}")]
    Diverges {
        /// The step.
        at: StepIndex,
        /// What was derived.
        expected: CheckpointHash,
        /// What came out now.
        got: CheckpointHash,
    },
    /// A counter overflows: no derivation gets here.
    #[error("unreachable checkpoint: {0} overflows")]
    Unreachable(&'static str),
}

/// Proves steps of true histories.
#[derive(Debug)]
pub struct StepProver<'a, I, B> {
    /// Where the truth comes from.
    pub derivation: Derivation<'a, I>,
    /// Where blobs come from.
    pub blobs: &'a B,
}

impl<I, B> Clone for StepProver<'_, I, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, B> Copy for StepProver<'_, I, B> {}

type Failure<I, B> = ProveError<<I as Inputs>::Error, <B as Blobs>::Error>;

/// What `EXECUTE` is asked about a step.
struct Question<'a> {
    block: &'a BlockContext,
    position: TxPosition,
    body: BlockBody,
}

impl<I: Inputs, B: Blobs> StepProver<'_, I, B>
where
    I::Error: 'static,
{
    /// The proof of the step at a position. Before it is given, the pure function behind `EXECUTE` accepts exactly the
    /// trace that the StepVerifier will build (but for where the witness lies), and the step leads where the history says.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove(
        &self,
        history: &ClaimHistory,
        at: StepIndex,
    ) -> Result<ProvenStep, Failure<I, B>> {
        let past = HistoryError::PastTheEnd { at, steps: history.steps() };
        let next = at.0.checked_add(1).map(StepIndex);
        let expected = next.and_then(|next| history.hash(next)).ok_or(past)?;
        let before = history.snapshot(&self.derivation, at)?;
        let pre = before.checkpoint;
        let plan = self
            .derivation
            .plan(&pre)
            .map_err(|source| HistoryError::Plan { at, source: Box::new(source) })?;
        let batch = self.derivation.inputs.batch(pre.batch).map_err(ProveError::Input)?;
        let batch = batch.ok_or(ProveError::NoBatch(pre.batch))?;

        let (execution, outcome) = self.execution(&before, &plan, at)?;
        let post = plan.finish(&pre, outcome).map_err(ProveError::Unreachable)?;
        let got = post.h248();
        if got != expected {
            return Err(ProveError::Diverges { at, expected, got });
        }
        let evidence = Evidence {
            reading: self.reading(&pre, &plan, &batch)?,
            forced: forced_transaction(&plan.rule),
            batch: (*batch).clone().into(),
            execution,
        };
        Ok(ProvenStep { pre, post, rule: plan.rule, evidence })
    }

    /// Runs what the rule runs, and checks it with `EXECUTE`.
    fn execution(
        &self,
        before: &Snapshot,
        plan: &Plan,
        at: StepIndex,
    ) -> Result<(Execution, TxOutcome), Failure<I, B>> {
        let pre = &before.checkpoint;
        let Some(question) = Question::of(pre, &plan.rule) else {
            return Ok((no_execution(), TxOutcome::default()));
        };
        let Derivation { config, schedule, .. } = self.derivation;
        let recorded = Recorder::new(schedule, config.max_witness_bytes).piece(
            &before.state,
            question.block,
            question.position,
            &question.body,
        )?;
        let outcome = TxOutcome {
            state_root: recorded.state_root,
            gas_used: recorded.gas_used,
            receipt_digest: recorded.receipt_digest,
        };
        let execution = Execution {
            postStateRoot: outcome.state_root,
            receiptDigestAfter: outcome.receipt_digest,
            gasUsed: outcome.gas_used,
            witness: recorded.witness.encode(),
            pointers: Vec::new(),
        };
        let trace = question.trace(&execution, config.max_witness_bytes).abi_encode();
        let claim = Claim {
            pre: pre.state_root,
            post: outcome.state_root,
            trace: &trace,
            gas_used: outcome.gas_used,
        };
        replay(&claim, schedule, &|_| None).map_err(|source| ProveError::Refused { at, source })?;
        Ok((execution, outcome))
    }

    /// The elements that hold the bytes that the step reads, no more.
    fn reading(
        &self,
        pre: &Checkpoint,
        plan: &Plan,
        batch: &Batch,
    ) -> Result<Option<Reading>, Failure<I, B>> {
        let Some((first, last)) = elements_read(pre.offset, plan.read) else { return Ok(None) };
        let index = usize::try_from(pre.blob).unwrap_or(usize::MAX);
        let hash = batch.versioned_hashes.get(index).ok_or(ProveError::Unreachable("blob"))?;
        let blob = self.blobs.blob(*hash).map_err(ProveError::Blob)?;
        let committed = Arc::new(Committed::to(&blob)?);
        Ok(Some(Reading { committed, first, last }))
    }
}

impl<'a> Question<'a> {
    /// None for rules that execute nothing.
    fn of(pre: &Checkpoint, rule: &'a Rule) -> Option<Self> {
        let position =
            TxPosition { gas_used_before: pre.gas_used, receipt_digest_before: pre.receipt_digest };
        match rule {
            Rule::Open(open) => {
                let opening = Opening { parent_hash: pre.parent_hash, anchor: open.anchor };
                let body = BlockBody { opening: Some(opening), ..BlockBody::default() };
                // An opening resets gas and digests before it asks.
                Some(Self { block: &open.block, position: TxPosition::default(), body })
            }
            Rule::Transact(tx) => {
                let body = BlockBody { transactions: vec![tx.raw.clone()], ..BlockBody::default() };
                Some(Self { block: &tx.block, position, body })
            }
            Rule::Seal(seal) if !seal.credits.is_empty() => {
                let body =
                    BlockBody { credits: Some(seal.credits.clone()), ..BlockBody::default() };
                Some(Self { block: &seal.block, position, body })
            }
            Rule::Seal(_) | Rule::Skip | Rule::EndOfBlob | Rule::Close => None,
        }
    }

    /// The trace as the StepVerifier builds it.
    fn trace(self, execution: &Execution, max_witness_bytes: u32) -> Trace {
        let opening = self.body.opening.unwrap_or_default();
        Trace {
            context: self.block.clone(),
            opens: self.body.opening.is_some(),
            parentHash: opening.parent_hash,
            anchor: opening.anchor,
            seals: self.body.credits.is_some(),
            credits: self.body.credits.unwrap_or_default(),
            gasUsedBefore: self.position.gas_used_before,
            receiptDigestBefore: self.position.receipt_digest_before,
            receiptDigestAfter: execution.receiptDigestAfter,
            transactions: self.body.transactions,
            maxWitnessBytes: max_witness_bytes,
            witness: execution.witness.clone(),
            pointers: Vec::new(),
        }
    }
}

/// First and last element that hold `read` bytes from `offset` on.
fn elements_read(offset: u32, read: u32) -> Option<(usize, usize)> {
    let last_byte = offset.checked_add(read.checked_sub(1)?)?;
    let element = |byte: u32| Some(usize::try_from(byte).ok()? / BYTES_PER_ELEMENT);
    Some((element(offset)?, element(last_byte)?))
}

fn forced_transaction(rule: &Rule) -> Bytes {
    match rule {
        Rule::Transact(tx) if tx.source != TransactionSource::Tape => tx.raw.clone(),
        _ => Bytes::new(),
    }
}

const fn no_execution() -> Execution {
    Execution {
        postStateRoot: B256::ZERO,
        receiptDigestAfter: B256::ZERO,
        gasUsed: 0,
        witness: Bytes::new(),
        pointers: Vec::new(),
    }
}

pub(crate) const fn no_opening() -> BlobOpening {
    BlobOpening {
        commitment: Bytes::new(),
        elements: Vec::new(),
        proofs: Vec::new(),
        pointers: Vec::new(),
    }
}
