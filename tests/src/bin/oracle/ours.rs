//! What our executor says of a case: on a full state; recorded; and by EXECUTE, on the recorded witnesses alone.

use alloy_consensus::{ReceiptEnvelope, proofs::calculate_receipt_root};
use alloy_primitives::{B256, Log, keccak256};
use alloy_sol_types::SolValue;
use eyre::{WrapErr, ensure, eyre};
use recourse_execution::{
    Claim, Recorded, Recorder, Schedule, State, StateExecutor, TxRun, replay,
};
use recourse_protocol::{Executor, TxPosition};

use crate::{
    case::Case,
    opinion::{Opinion, Standing, Step},
};

/// No transaction fails for the size of its witness: that rule is of L2.
const NO_WITNESS_LIMIT: u32 = u32::MAX;

/// Our opinion, and the states behind it: after the opening and after each transaction.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) opinion: Opinion,
    pub(crate) states: Vec<State>,
    /// What became of the transactions.
    pub(crate) runs: Vec<TxRun>,
    /// The bytes of all witnesses of the steps.
    pub(crate) witness: usize,
}

/// Runs a case in our three ways.
///
/// # Errors
/// When they do not agree with each other.
pub(crate) fn judge(case: &Case) -> eyre::Result<Ours> {
    let mut ours = engine(case).wrap_err("the engine")?;
    ours.witness = step_by_step(case, &ours.opinion).wrap_err("step by step")?;
    as_a_whole(case, &ours.opinion).wrap_err("as a whole")?;
    Ok(ours)
}

/// The executor behind the node.
fn engine(case: &Case) -> eyre::Result<Ours> {
    let (block, body) = (case.context(), case.body());
    let opening = body.opening.unwrap_or_default();
    let mut executor = StateExecutor::new(case.state()?, case.schedule(), NO_WITNESS_LIMIT);
    let pre = executor.state().root();
    let opened = executor.open(pre, &block, opening.parent_hash, opening.anchor)?;
    let mut states = vec![executor.state().clone()];
    let (mut position, mut receipts) = (TxPosition::default(), Vec::new());
    let (mut steps, mut runs) = (Vec::new(), Vec::new());
    for raw in &body.transactions {
        let _ = executor.transact(executor.state().root(), &block, position, raw)?;
        let run = executor.take_runs().pop().ok_or_else(|| eyre!("no run"))?;
        position = run.after(position);
        let rejected = match &run {
            TxRun::NoOp(invalid) => Some(invalid.to_string()),
            TxRun::Included(executed) => {
                receipts.push(executed.receipt.clone());
                None
            }
        };
        runs.push(run);
        let standing = standing(executor.state().root(), position.gas_used_before, &receipts);
        steps.push(Step { rejected, standing });
        states.push(executor.state().clone());
    }
    let credits = body.credits.unwrap_or_default();
    let root = executor.seal(executor.state().root(), &block, &credits)?;
    let sealed = standing(root, position.gas_used_before, &receipts);
    Ok(Ours { opinion: Opinion { pre, opened, steps, sealed }, states, runs, witness: 0 })
}

fn standing(root: B256, gas: u64, receipts: &[ReceiptEnvelope]) -> Standing {
    let logs: Vec<Log> = receipts.iter().flat_map(|receipt| receipt.logs().to_vec()).collect();
    Standing {
        root,
        gas,
        receipts: calculate_receipt_root(receipts),
        logs: keccak256(alloy_rlp::encode(logs)),
    }
}

/// One piece for each step, each proven on its own witness. Gives the bytes of the witnesses.
fn step_by_step(case: &Case, opinion: &Opinion) -> eyre::Result<usize> {
    let (schedule, block, body) = (case.schedule(), case.context(), case.body());
    let recorder = Recorder::new(&schedule, NO_WITNESS_LIMIT);
    let opened = recorder.open(&case.state()?, &block, body.opening.unwrap_or_default())?;
    let mut witness = prove(&schedule, opinion.pre, &opened, opinion.opened)?;
    let (mut state, mut position) = (opened.state, TxPosition::default());
    for (raw, expected) in body.transactions.iter().zip(&opinion.steps) {
        let step = recorder.transact(&state, &block, position, raw)?;
        let bytes = prove(&schedule, state.root(), &step, expected.standing.root)?;
        witness = witness.saturating_add(bytes);
        position = step.runs.iter().fold(position, |position, run| run.after(position));
        ensure!(position.gas_used_before == expected.standing.gas, "gas");
        state = step.state;
    }
    let sealed = recorder.seal(&state, &block, &body.credits.unwrap_or_default())?;
    let bytes = prove(&schedule, state.root(), &sealed, opinion.sealed.root)?;
    Ok(witness.saturating_add(bytes))
}

/// The whole block as one piece.
fn as_a_whole(case: &Case, opinion: &Opinion) -> eyre::Result<()> {
    let schedule = case.schedule();
    let recorder = Recorder::new(&schedule, NO_WITNESS_LIMIT);
    let start = TxPosition::default();
    let whole = recorder.piece(&case.state()?, &case.context(), start, &case.body())?;
    ensure!(whole.gas_used == opinion.sealed.gas, "gas {}", whole.gas_used);
    prove(&schedule, opinion.pre, &whole, opinion.sealed.root)?;
    Ok(())
}

/// EXECUTE says yes, from the bytes that L1 would have.
fn prove(
    schedule: &Schedule,
    pre: B256,
    recorded: &Recorded,
    expected: B256,
) -> eyre::Result<usize> {
    ensure!(recorded.state_root == expected, "recorded root {}", recorded.state_root);
    let trace = recorded.trace.abi_encode();
    let claim = Claim { pre, post: expected, trace: &trace, gas_used: recorded.gas_used };
    replay(&claim, schedule, &|_| None).wrap_err("EXECUTE says no")?;
    Ok(recorded.trace.witness.len())
}
