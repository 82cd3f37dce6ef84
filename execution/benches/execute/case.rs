//! A block made ready: traces for EXECUTE, a database for plain revm. Everything is checked here, before anything is timed.

use std::path::Path;

use alloy_consensus::proofs::calculate_receipt_root;
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolValue;
use eyre::{WrapErr, ensure};
use recourse_execution::{
    Claim, Recorded, Recorder, Schedule, State, TxRun, Witness, block::BlockBody, replay,
};
use recourse_protocol::TxPosition;
use revm::database::{CacheDB, EmptyDB};

use crate::{
    block::Block,
    holesky, mainnet, padding,
    plain::{Plain, Touched, database, known},
};

/// As on L2.
pub(crate) const MAX_WITNESS_BYTES: u32 = 1 << 20;

/// A claim that is true.
pub(crate) struct Proof {
    pub(crate) pre: B256,
    pub(crate) post: B256,
    pub(crate) gas_used: u64,
    /// `abi.encode(Trace)`.
    pub(crate) trace: Vec<u8>,
    /// RLP, as it stands in the trace.
    pub(crate) witness: Bytes,
}

/// Which part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Opening,
    Transaction(usize),
    Seal,
}

/// A block, ready.
pub(crate) struct Case {
    pub(crate) block: Block,
    pub(crate) schedule: Schedule,
    /// Before the block.
    pub(crate) state: State,
    pub(crate) db: CacheDB<EmptyDB>,
    /// The whole block: on the least witness, and on that of its file if there is one.
    pub(crate) minimal: Proof,
    pub(crate) theirs: Option<Proof>,
    pub(crate) steps: Vec<(Part, Proof)>,
}

impl Case {
    pub(crate) fn holesky(path: &Path) -> eyre::Result<Self> {
        let given = holesky::read(path)?;
        let state = State::partial(given.pre, &given.theirs)?;
        let touched = touched(&given.block, CacheDB::new(state.clone()))?;
        Self::new(given.block, state, &touched, Some(&given.theirs))
    }

    pub(crate) fn mainnet(
        block: Block,
        folder: &Path,
        codes: &mainnet::Codes,
    ) -> eyre::Result<Self> {
        let accounts = mainnet::accounts(folder, codes)?;
        let touched = touched(&block, known(&accounts)?)?;
        let state = padding::state(&accounts, &touched)?;
        Self::new(block, state, &touched, None)
    }

    fn new(
        block: Block,
        state: State,
        touched: &Touched,
        theirs: Option<&Witness>,
    ) -> eyre::Result<Self> {
        let schedule = block.schedule();
        let recorder = Recorder::new(&schedule, MAX_WITNESS_BYTES);
        let start = TxPosition::default();
        let whole = recorder.piece(&state, &block.context, start, &block.body)?;
        check(&block, &whole)?;
        let minimal = Proof::new(state.root(), &whole, &whole.witness, &schedule)?;
        let theirs = theirs
            .map(|witness| Proof::new(state.root(), &whole, witness, &schedule))
            .transpose()
            .wrap_err("on their witness")?;
        let steps = steps(&block, &state, &schedule)?;
        ensure!(
            steps.last().is_some_and(|(_, last)| last.post == whole.state_root),
            "steps differ"
        );
        let db = database(&state, touched)?;
        Ok(Self { schedule, db, minimal, theirs, steps, state, block })
    }
}

/// Runs the block on plain revm, which must use the header's gas, and notes what it touches.
fn touched<D>(block: &Block, db: CacheDB<D>) -> eyre::Result<Touched>
where
    D: revm::DatabaseRef<Error: std::error::Error + Send + Sync + 'static>,
{
    let mut plain = Plain::new(block, db)?;
    let mut gas = 0;
    if let Some(opening) = block.body.opening {
        plain.open(opening)?;
    }
    for raw in &block.body.transactions {
        gas += plain.transact(raw)?;
    }
    plain.credit(block.body.credits.as_deref().unwrap_or_default())?;
    ensure!(gas == block.gas_used, "plain revm uses {gas} gas, the header says {}", block.gas_used);
    Ok(plain.touched())
}

/// The header's gas, receipts and, where it is known, root.
fn check(block: &Block, whole: &Recorded) -> eyre::Result<()> {
    let mut receipts = Vec::new();
    for run in &whole.runs {
        match run {
            TxRun::NoOp(invalid) => eyre::bail!("a transaction is refused: {invalid}"),
            TxRun::Included(executed) => receipts.push(executed.receipt.clone()),
        }
    }
    let root = calculate_receipt_root(&receipts);
    ensure!(whole.gas_used == block.gas_used, "gas is {}", whole.gas_used);
    ensure!(root == block.receipts_root, "receipts root is {root}");
    ensure!(block.state_root.is_none_or(|root| root == whole.state_root), "the state root differs");
    Ok(())
}

/// One claim for each step, chained through the roots between them.
fn steps(block: &Block, pre: &State, schedule: &Schedule) -> eyre::Result<Vec<(Part, Proof)>> {
    let recorder = Recorder::new(schedule, MAX_WITNESS_BYTES);
    let mut steps = Vec::new();
    let mut state = pre.clone();
    let mut position = TxPosition::default();
    let BlockBody { opening, transactions, credits } = &block.body;
    let mut keep = |part, state: &mut State, recorded: Recorded| {
        let proof = Proof::new(state.root(), &recorded, &recorded.witness, schedule)?;
        steps.push((part, proof));
        *state = recorded.state;
        Ok::<_, eyre::Report>(())
    };
    if let Some(opening) = opening {
        let opened = recorder.open(&state, &block.context, *opening)?;
        keep(Part::Opening, &mut state, opened)?;
    }
    for (index, raw) in transactions.iter().enumerate() {
        let step = recorder
            .transact(&state, &block.context, position, raw)
            .wrap_err_with(|| format!("transaction {index} alone"))?;
        position = step.runs.iter().fold(position, |position, run| run.after(position));
        keep(Part::Transaction(index), &mut state, step)?;
    }
    if let Some(credits) = credits {
        let sealed = recorder.seal(&state, &block.context, credits)?;
        keep(Part::Seal, &mut state, sealed)?;
    }
    Ok(steps)
}

impl Proof {
    fn new(
        pre: B256,
        recorded: &Recorded,
        witness: &Witness,
        schedule: &Schedule,
    ) -> eyre::Result<Self> {
        let mut trace = recorded.trace.clone();
        trace.witness = witness.encode();
        let proof = Self {
            pre,
            post: recorded.state_root,
            gas_used: recorded.gas_used,
            witness: trace.witness.clone(),
            trace: trace.abi_encode(),
        };
        replay(&proof.claim(), schedule, &|_| None).wrap_err("EXECUTE says no")?;
        Ok(proof)
    }

    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim { pre: self.pre, post: self.post, trace: &self.trace, gas_used: self.gas_used }
    }
}
