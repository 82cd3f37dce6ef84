//! The block that would be made now.

use alloy_consensus::Transaction as _;
use alloy_primitives::keccak256;
use recourse_execution::{ExecutionError, Schedule, State, StateExecutor};
use recourse_node::derivation::Included;
use recourse_protocol::{
    Checkpoint, Executor as _, L2Config, TxPosition, bindings::BlockContext, fold_digest, l2_header,
};

use crate::{
    pool::{Pooled, Ready},
    sequence::L2Block,
};

/// Asking is free, so the answer shows no more transactions than these.
const MOST_TRANSACTIONS: usize = 128;

/// A block under way that nobody keeps.
struct Draft<'a> {
    l2: &'a L2Config,
    context: BlockContext,
    executor: StateExecutor,
    at: Checkpoint,
}

/// The block that would be made of what is ready, if it saw L1 as the head does: a new view would change it.
pub(super) fn block(
    l2: &L2Config,
    (head, state): (&L2Block, State),
    context: BlockContext,
    mut ready: Ready,
) -> Result<L2Block, ExecutionError> {
    let (parent_hash, parent) = (head.hash(), head.mined.header());
    let anchor = parent.parent_beacon_block_root.unwrap_or_default();
    let mut executor = StateExecutor::new(state, Schedule::osaka(), l2.max_witness_bytes);
    let state_root = executor.open(parent.state_root, &context, parent_hash, anchor)?;
    let at = Checkpoint { state_root, parent_hash, ..Checkpoint::default() };
    let mut draft = Draft { l2, context, executor, at };
    for _ in 0..MOST_TRANSACTIONS {
        let Some(candidate) = ready.best() else { break };
        if draft.include(candidate.pooled())? {
            ready.taken(candidate);
        }
    }
    let Draft { context, mut executor, mut at, .. } = draft;
    at.state_root = executor.seal(at.state_root, &context, &[])?;
    let header = l2_header(&at, &context, anchor, &[]);
    let included = executor.take_executed().into_iter().map(Included::from).collect();
    Ok(L2Block::new(header, included, &[], 0, Some(executor.state().clone()), head.batch))
}

impl Draft<'_> {
    /// Gives whether the transaction is part of the block.
    fn include(&mut self, pooled: &Pooled) -> Result<bool, ExecutionError> {
        if pooled.tx.gas_limit() > self.l2.gas_limit.saturating_sub(self.at.gas_used) {
            return Ok(false);
        }
        let position = TxPosition {
            gas_used_before: self.at.gas_used,
            receipt_digest_before: self.at.receipt_digest,
        };
        let (pre, raw) = (self.at.state_root, &pooled.raw);
        self.executor.foresee(raw.clone(), pooled.tx.inner().clone(), pooled.tx.signer());
        let outcome = self.executor.transact(pre, &self.context, position, raw)?;
        if outcome.gas_used == 0 {
            return Ok(false);
        }
        self.at.state_root = outcome.state_root;
        self.at.receipt_digest = outcome.receipt_digest;
        self.at.gas_used = self.at.gas_used.saturating_add(outcome.gas_used);
        self.at.tx_digest = fold_digest(self.at.tx_digest, keccak256(raw));
        Ok(true)
    }
}
