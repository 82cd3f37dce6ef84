//! The pure function behind the `EXECUTE` precompile: does a trace lead from one state root to another, with this gas?

mod abi;
mod error;
mod shape;
mod stateless;
mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, B256, Bytes};
use revm::primitives::hardfork::SpecId;

pub use error::ExecuteError;
pub use shape::TraceShape;
pub use stateless::{Stateless, stateless};

pub(crate) use trace::TraceView;

use crate::{
    block::Piece,
    rules::Schedule,
    state::World,
    witness::{Items, WitnessSource},
};

/// What `EXECUTE` is asked.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The state root before.
    pub pre: B256,
    /// The state root after.
    pub post: B256,
    /// `abi.encode(Trace)`.
    pub trace: &'a [u8],
    /// Gas used by all its transactions together.
    pub gas_used: u64,
}

/// Whether the claim is true: its trace is well formed, its stateless execution from `pre` ends at `post`, with the receipts
/// and the gas claimed. `code_of` gives the L1 code of the addresses that the trace points to.
///
/// Never panics, and never does more than 5/4 `gas_used` of gross gas. Recursion is bounded by the depth of a trie (64
/// nibbles, twice); the EVM itself runs on the heap: 2 MiB of stack are plenty.
pub fn execute(
    claim: &Claim<'_>,
    schedule: &Schedule,
    code_of: &dyn Fn(Address) -> Option<Bytes>,
) -> bool {
    // No panic is known. Should there be one, every validator must give the same answer.
    let answer = catch_unwind(AssertUnwindSafe(|| replay(claim, schedule, code_of)));
    matches!(answer, Ok(Ok(())))
}

/// [`execute`] with the reason for a "no".
///
/// # Errors
/// When the claim is false.
pub fn replay(
    claim: &Claim<'_>,
    schedule: &Schedule,
    code_of: &dyn Fn(Address) -> Option<Bytes>,
) -> Result<(), ExecuteError> {
    let trace = TraceView::decode(claim.trace)?;
    let witness = trace.witness_bytes(code_of)?;
    let items = Items::decode(&witness).map_err(ExecuteError::Witness)?;
    run(claim, &trace, schedule, &items).map(|_| ())
}

/// Executes a decoded trace on a witness. Gives the witness back: it knows what was used.
pub(crate) fn run<'w>(
    claim: &Claim<'_>,
    trace: &TraceView<'_>,
    schedule: &Schedule,
    witness: &Items<'w>,
) -> Result<WitnessSource<'w>, ExecuteError> {
    let mut source = WitnessSource::new(witness);
    let limit = trace.max_witness_bytes;
    let world = World::blinded(claim.pre);
    let mut piece = Piece::new(world, &mut source, schedule, &trace.context, limit)?
        .bounded(gross_gas(claim.gas_used));
    if trace.opens {
        check_predeploys(&mut piece, trace.context.timestamp, schedule)?;
    }
    let (runs, end) = piece.run(trace.start(), &trace.parts())?;
    let (world, _) = piece.finish();

    let gas_used: u64 = runs.iter().map(|run| run.gas_used()).fold(0, u64::saturating_add);
    if gas_used != claim.gas_used {
        return Err(ExecuteError::GasUsed { expected: claim.gas_used, got: gas_used });
    }
    same("receipt digest", trace.receipt_digest_after, end.receipt_digest_before)?;
    same("post state root", claim.post, world.root())?;
    Ok(source)
}

/// Refunds are at most a fifth of gross gas (EIP-3529).
pub(crate) fn gross_gas(gas_used: u64) -> u64 {
    gas_used.saturating_add(gas_used / 4)
}

fn same(what: &'static str, expected: B256, got: B256) -> Result<(), ExecuteError> {
    if expected == got {
        return Ok(());
    }
    Err(ExecuteError::Differs { what, expected, got })
}

/// System calls are not paid for by gas: they may only reach code whose cost is known. Those that the rules in force do not
/// have reach none.
pub(crate) fn check_predeploys(
    piece: &mut Piece<'_>,
    timestamp: u64,
    schedule: &Schedule,
) -> Result<(), ExecuteError> {
    let spec = schedule.at(timestamp).spec;
    if spec.is_enabled_in(SpecId::CANCUN) {
        let anchor = piece.code_hash(eip4788::BEACON_ROOTS_ADDRESS)?;
        if !schedule.is_anchor_code(anchor, timestamp) {
            return Err(ExecuteError::Predeploy(eip4788::BEACON_ROOTS_ADDRESS));
        }
    }
    if spec.is_enabled_in(SpecId::PRAGUE) {
        let history = piece.code_hash(eip2935::HISTORY_STORAGE_ADDRESS)?;
        if !schedule.is_history_code(history, timestamp) {
            return Err(ExecuteError::Predeploy(eip2935::HISTORY_STORAGE_ADDRESS));
        }
    }
    Ok(())
}
