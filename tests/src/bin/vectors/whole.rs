//! Whole blocks of Ethereum, checked as strictly as a client checks them, on top of the code behind EXECUTE. Refusals have
//! the names that EEST gives them.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::{eip2718::Encodable2718, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::Decodable;
use alloy_sol_types::SolValue;
use eyre::{OptionExt, ensure};
use recourse_execution::{
    Claim, Recorded, Recorder, Schedule, State, Stateless, Witness,
    block::{BlockBody, BlockExecutor, Opening},
    execute,
    parallel::Parallel,
    payload::{BlockRules, InvalidBlock, check_blobs, check_body, check_header, check_result},
    stateless,
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit, Trace},
};

use crate::{
    payload::{self, Payload},
    refusal::{Refused, of_block, of_payload},
    report::Work,
    threads,
};

/// No transaction fails for the size of its witness: that rule is of L2.
const NO_WITNESS_LIMIT: u32 = u32::MAX;

/// The rules of a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) chain_id: u64,
    pub(crate) rules: BlockRules,
}

/// A block that is valid.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) state: State,
    pub(crate) work: Work,
}

/// What came of a block. An error beside it is a bug: EXECUTE disagrees with the engine, or with itself.
pub(crate) type Verdict = Result<Verified, Refused>;

/// Checks a block on the state of its parent and the headers up to it, oldest first: as one piece, then as one piece for
/// each step, then as a payload.
///
/// # Errors
/// When EXECUTE disagrees: never.
pub(crate) fn verify(
    rules: &Rules,
    pre: &State,
    ancestors: &[Header],
    (block, rlp_len): (&Block<TxEnvelope>, usize),
) -> eyre::Result<Verdict> {
    let parent = ancestors.last().ok_or_eyre("no parent")?;
    if let Err(invalid) = check(rules, parent, block, rlp_len) {
        return Ok(Err(of_block(&invalid)));
    }
    let run = Run::new(rules, block)?;
    let whole = run.record(pre)?;
    let checked = check_result(&block.header, &whole.runs, whole.gas_used, whole.state_root);
    if let Err(error) = checked {
        return Ok(Err(of_payload(&error)));
    }
    run.prove(pre.root(), &whole)?;
    run.by_threads(pre, &whole)?;
    let steps = run.step_by_step(pre, &whole)?;
    let payload = payload::accept(rules, pre, ancestors, block)?;
    let work = Work {
        blocks: 1,
        payloads: payload.is_valid().into(),
        on_l2: (payload == Payload::OfL2).into(),
        executed: steps.saturating_add(1),
        gas: whole.gas_used,
        witness: u64::try_from(whole.trace.witness.len())?,
        ..Work::default()
    };
    Ok(Ok(Verified { state: whole.state, work }))
}

/// What a client checks before it executes a block.
fn check(
    rules: &Rules,
    parent: &Header,
    block: &Block<TxEnvelope>,
    rlp_len: usize,
) -> Result<(), InvalidBlock> {
    check_header(&rules.rules, parent, &block.header, rlp_len)?;
    // No test has requests; pieces do not make them.
    if block.header.requests_hash != Some(EMPTY_REQUESTS_HASH) {
        return Err(InvalidBlock::Requests);
    }
    check_blobs(&rules.rules, &block.header, &block.body.transactions)?;
    check_body(block)
}

/// Reads a block.
///
/// # Errors
/// When it is none.
pub(crate) fn decode(rlp: &[u8]) -> Result<Block<TxEnvelope>, Refused> {
    let mut rest = rlp;
    let block = Block::<TxEnvelope>::decode(&mut rest);
    match block {
        Ok(block) if rest.is_empty() => Ok(block),
        Ok(_) => Err(Refused::block("RLP_STRUCTURES_ENCODING", "bytes behind the block")),
        Err(error) => Err(Refused::block("RLP_STRUCTURES_ENCODING", error)),
    }
}

/// A block, ready to be executed.
pub(crate) struct Run {
    schedule: Schedule,
    context: BlockContext,
    body: BlockBody,
}

impl Run {
    /// What a block asks for.
    ///
    /// # Errors
    /// When the header is older than Cancun.
    pub(crate) fn new(rules: &Rules, block: &Block<TxEnvelope>) -> eyre::Result<Self> {
        let header = &block.header;
        let excess = header.excess_blob_gas.ok_or_eyre("no excess blob gas")?;
        let withdrawals = block.body.withdrawals.iter().flatten();
        Ok(Self {
            schedule: Schedule::new(rules.rules.with_blobs(excess), Vec::new()),
            context: BlockContext {
                chainId: rules.chain_id,
                number: header.number,
                timestamp: header.timestamp,
                gasLimit: header.gas_limit,
                baseFee: U256::from(header.base_fee_per_gas.ok_or_eyre("no base fee")?),
                prevRandao: header.mix_hash,
                coinbase: header.beneficiary,
            },
            body: BlockBody {
                opening: Some(Opening {
                    parent_hash: header.parent_hash,
                    anchor: header.parent_beacon_block_root.ok_or_eyre("no beacon root")?,
                }),
                transactions: block
                    .body
                    .transactions
                    .iter()
                    .map(|transaction| transaction.encoded_2718().into())
                    .collect(),
                credits: Some(
                    withdrawals
                        .map(|credit| Credit { to: credit.address, amountGwei: credit.amount })
                        .collect(),
                ),
            },
        })
    }

    /// With the hashes that BLOCKHASH gives.
    pub(crate) fn with_ancestors(mut self, ancestors: BTreeMap<u64, B256>) -> Self {
        self.schedule = self.schedule.with_ancestors(ancestors);
        self
    }

    fn recorder(&self) -> Recorder<'_> {
        Recorder::new(&self.schedule, NO_WITNESS_LIMIT)
    }

    /// The whole block on a full state, with its least witness.
    ///
    /// # Errors
    /// When EXECUTE does not agree.
    pub(crate) fn record(&self, pre: &State) -> eyre::Result<Recorded> {
        Ok(self.recorder().piece(pre, &self.context, TxPosition::default(), &self.body)?)
    }

    /// EXECUTE says yes to what was recorded, from the bytes that L1 would have.
    fn prove(&self, pre: B256, recorded: &Recorded) -> eyre::Result<()> {
        let trace = recorded.trace.abi_encode();
        let claim =
            Claim { pre, post: recorded.state_root, trace: &trace, gas_used: recorded.gas_used };
        ensure!(execute(&claim, &self.schedule, &|_| None), "EXECUTE says no");
        Ok(())
    }

    /// The whole block on somebody's witness.
    ///
    /// # Errors
    /// When that does not prove what is needed.
    pub(crate) fn on_witness(&self, pre: B256, witness: Witness) -> eyre::Result<Stateless> {
        Ok(stateless(pre, &self.trace(B256::ZERO, Bytes::new()), &self.schedule, witness)?)
    }

    /// EXECUTE says yes with this witness inline. Gives the witness's size.
    ///
    /// # Errors
    /// When it says no.
    pub(crate) fn claim(
        &self,
        pre: B256,
        done: &Stateless,
        witness: &Witness,
    ) -> eyre::Result<u64> {
        let witness = witness.encode();
        let size = u64::try_from(witness.len())?;
        let trace = self.trace(done.receipt_digest, witness).abi_encode();
        let claim = Claim { pre, post: done.state_root, trace: &trace, gas_used: done.gas_used };
        ensure!(execute(&claim, &self.schedule, &|_| None), "EXECUTE says no");
        Ok(size)
    }

    /// The rules that it runs under.
    pub(crate) const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The whole block as a trace.
    pub(crate) fn trace(&self, receipt_digest: B256, witness: Bytes) -> Trace {
        let opening = self.body.opening.unwrap_or_default();
        Trace {
            context: self.context.clone(),
            opens: true,
            parentHash: opening.parent_hash,
            anchor: opening.anchor,
            seals: true,
            credits: self.body.credits.clone().unwrap_or_default(),
            gasUsedBefore: 0,
            receiptDigestBefore: B256::ZERO,
            receiptDigestAfter: receipt_digest,
            transactions: self.body.transactions.clone(),
            maxWitnessBytes: NO_WITNESS_LIMIT,
            witness,
            pointers: Vec::new(),
        }
    }

    /// Many threads have the same result: state root, gas and receipts.
    fn by_threads(&self, pre: &State, whole: &Recorded) -> eyre::Result<()> {
        for workers in threads::all() {
            let schedule = || self.schedule.clone();
            // With the limit on bytes of state, as nodes run, and without.
            for executor in [
                Parallel::new(schedule(), NO_WITNESS_LIMIT, Arc::clone(workers)),
                Parallel::without_limit(schedule(), Arc::clone(workers)),
            ] {
                let done =
                    executor.execute(pre, &self.context, TxPosition::default(), &self.body)?;
                let position = done.position;
                let got =
                    (done.state.root(), position.gas_used_before, position.receipt_digest_before);
                let expected = (whole.state_root, whole.gas_used, whole.receipt_digest);
                ensure!(got == expected, "{} threads: {got:?}", workers.threads());
            }
        }
        Ok(())
    }

    /// One piece for each step, chained through the roots between them, ends where the whole block does.
    fn step_by_step(&self, pre: &State, whole: &Recorded) -> eyre::Result<u64> {
        let recorder = self.recorder();
        let opening = self.body.opening.unwrap_or_default();
        let opened = recorder.open(pre, &self.context, opening)?;
        self.prove(pre.root(), &opened)?;
        let (mut state, mut position) = (opened.state, TxPosition::default());
        for raw in &self.body.transactions {
            let step = recorder.transact(&state, &self.context, position, raw)?;
            self.prove(state.root(), &step)?;
            position = step.runs.iter().fold(position, |position, run| run.after(position));
            ensure!(position.receipt_digest_before == step.receipt_digest, "digest of a step");
            state = step.state;
        }
        let credits = self.body.credits.as_deref().unwrap_or_default();
        let sealed = recorder.seal(&state, &self.context, credits)?;
        self.prove(state.root(), &sealed)?;
        let end = (sealed.state_root, position.gas_used_before, position.receipt_digest_before);
        let expected = (whole.state_root, whole.gas_used, whole.receipt_digest);
        ensure!(end == expected, "step by step {end:?}, as a whole {expected:?}");
        Ok(u64::try_from(self.body.transactions.len())?.saturating_add(2))
    }
}
