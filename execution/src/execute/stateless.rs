use alloy_primitives::B256;
use recourse_protocol::bindings::Trace;

use super::{ExecuteError, TraceView, check_predeploys};
use crate::{
    block::{Piece, TxRun},
    rules::Schedule,
    state::World,
    witness::{Witness, WitnessSource},
};

/// What a piece of a block comes to on a witness alone.
#[derive(Clone, Debug)]
pub struct Stateless {
    /// The state root after it.
    pub state_root: B256,
    /// Gas used by its transactions.
    pub gas_used: u64,
    /// The digest of receipts after it.
    pub receipt_digest: B256,
    /// What became of its transactions.
    pub runs: Vec<TxRun>,
    /// The part of the witness that it needed.
    pub witness: Witness,
}

/// Executes a trace from a state root on somebody's witness, without a claim about its end: for those who have to make one.
/// The trace's own witness and pointers are not looked at, nor its digest of receipts at the end, and gas is not bounded.
///
/// # Errors
/// As [`replay`](super::replay), above all when the witness does not prove what is needed.
pub fn stateless(
    pre: B256,
    trace: &Trace,
    schedule: &Schedule,
    witness: Witness,
) -> Result<Stateless, ExecuteError> {
    let trace = TraceView::from(trace);
    let items = witness.items();
    let mut source = WitnessSource::new(&items);
    let world = World::blinded(pre);
    let limit = trace.max_witness_bytes;
    let mut piece = Piece::new(world, &mut source, schedule, &trace.context, limit)?.recording();
    if trace.opens {
        check_predeploys(&mut piece, trace.context.timestamp, schedule)?;
    }
    let start = trace.start();
    let (runs, end) = piece.run(start, &trace.parts())?;
    let (world, used) = piece.finish();
    Ok(Stateless {
        state_root: world.root(),
        gas_used: end.gas_used_before.saturating_sub(start.gas_used_before),
        receipt_digest: end.receipt_digest_before,
        runs,
        witness: source.needed(&used),
    })
}
