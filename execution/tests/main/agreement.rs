//! The engine, the recorder and `EXECUTE` give one answer about a transaction, at any witness limit.

use alloy_primitives::Bytes;
use alloy_sol_types::SolValue;
use recourse_execution::{
    Recorded, Recorder, State, StateExecutor, Stateless, TxRun, Witness,
    block::{BlockBody, BlockExecutor, Sequential},
    replay, stateless,
};
use recourse_protocol::{Executor, TxPosition};

use crate::{
    scene::{block, schedule},
    settle::{claim, no_pointers, with_witness},
};

/// More than any transaction uses.
pub const NO_LIMIT: u32 = u32::MAX;

pub fn record(state: &State, limit: u32, raw: &[u8]) -> Recorded {
    let schedule = schedule();
    Recorder::new(&schedule, limit).transact(state, &block(), TxPosition::default(), raw).unwrap()
}

/// Bytes of a witness, as the provability rule counts them.
pub fn bytes(witness: &Witness) -> usize {
    witness.nodes.iter().chain(&witness.codes).map(|part| part.len()).sum()
}

/// Whether the transaction failed for what it used. No-ops did not.
pub fn exhausted(run: &TxRun) -> bool {
    matches!(run, TxRun::Included(executed) if executed.exhausted)
}

/// Runs a transaction in all the ways that there are, at one limit, and compares. `whole` is the witness of the run
/// without a limit: it holds everything that the run could ask for.
pub fn agree(state: &State, limit: u32, raw: &[u8], whole: &Witness) -> Recorded {
    let recorded = record(state, limit, raw);
    same_as_engine(state, limit, raw, &recorded);
    same_as_block(state, limit, raw, &recorded);

    let trace = recorded.trace.abi_encode();
    let claim = claim(state.root(), &recorded, &trace);
    assert_eq!(replay(&claim, &schedule(), &no_pointers), Ok(()), "limit {limit}");
    let on_part = again(state, &recorded, recorded.witness.clone());
    assert_eq!(on_part.witness, recorded.witness, "limit {limit}");

    assert!(with_witness(&claim, &recorded.trace, whole.encode()), "limit {limit}");
    let on_whole = again(state, &recorded, whole.clone());
    assert_eq!(on_whole.witness, recorded.witness, "limit {limit}: what is asked for");
    recorded
}

fn same_as_engine(state: &State, limit: u32, raw: &[u8], recorded: &Recorded) {
    let mut engine = StateExecutor::new(state.clone(), schedule(), limit);
    let outcome = engine.transact(state.root(), &block(), TxPosition::default(), raw).unwrap();
    assert_eq!(outcome.state_root, recorded.state_root, "limit {limit}");
    assert_eq!(outcome.gas_used, recorded.gas_used, "limit {limit}");
    assert_eq!(outcome.receipt_digest, recorded.receipt_digest, "limit {limit}");
    assert_eq!(exhausted(&engine.take_runs()[0]), exhausted(&recorded.runs[0]), "limit {limit}");
}

fn same_as_block(state: &State, limit: u32, raw: &[u8], recorded: &Recorded) {
    let body =
        BlockBody { transactions: vec![Bytes::copy_from_slice(raw)], ..BlockBody::default() };
    let outcome = Sequential::new(schedule(), limit)
        .execute(state, &block(), TxPosition::default(), &body)
        .unwrap();
    assert_eq!(outcome.state.root(), recorded.state_root, "limit {limit}");
    assert_eq!(outcome.position.receipt_digest_before, recorded.receipt_digest, "limit {limit}");
}

/// On a witness alone, without a claim.
fn again(state: &State, recorded: &Recorded, witness: Witness) -> Stateless {
    let answer = stateless(state.root(), &recorded.trace, &schedule(), witness).unwrap();
    assert_eq!(answer.state_root, recorded.state_root);
    assert_eq!(answer.gas_used, recorded.gas_used);
    assert_eq!(answer.receipt_digest, recorded.receipt_digest);
    assert_eq!(exhausted(&answer.runs[0]), exhausted(&recorded.runs[0]));
    answer
}

/// A failure is proven with the part that was read: the first nodes and codes of the run without a limit, up to the one
/// that passes the limit. Only what is read before the limit starts (sender and coinbase) is read whatever it is.
pub fn proven_by_the_part_read(limit: u32, part: &Witness, whole: &Witness, least: &Witness) {
    assert!(whole.nodes.starts_with(&part.nodes), "limit {limit}");
    assert!(whole.codes.starts_with(&part.codes), "limit {limit}");
    let (limit, read) = (limit as usize, bytes(part));
    assert!(read > limit);
    let last = [part.nodes.last(), part.codes.last()];
    let stops = last.into_iter().flatten().any(|part| read - part.len() <= limit);
    assert!(stops || part == least, "read on after {limit} bytes were passed: {read}");
}
