//! The checkpoint after a step.

use alloy_primitives::{B256, keccak256};

use super::{Plan, Rule, Seal, Transact, TransactionSource, TxOutcome};
use crate::{BatchIndex, Checkpoint, fold_digest, header_hash};

impl Plan {
    /// The checkpoint after this step, given what execution said. For rules that execute nothing the outcome
    /// is not looked at.
    ///
    /// # Errors
    /// The name of a counter that overflows: `pre` is unreachable.
    pub fn finish(&self, pre: &Checkpoint, outcome: TxOutcome) -> Result<Checkpoint, &'static str> {
        let mut post = *pre;
        match &self.rule {
            Rule::Open(open) => {
                post.state_root = outcome.state_root;
                post.tx_digest = B256::ZERO;
                post.receipt_digest = B256::ZERO;
                post.number = open.block.number;
                post.timestamp = open.block.timestamp;
                post.gas_used = 0;
                post.base_fee = open.block.baseFee;
                post.view = open.view;
                post.open = true;
            }
            Rule::Transact(tx) => finish_transaction(&mut post, tx, outcome)?,
            Rule::Seal(seal) => finish_seal(&mut post, seal, outcome)?,
            Rule::Skip => {}
            Rule::EndOfBlob => {
                post.blob = pre.blob.checked_add(1).ok_or("blob")?;
                post.offset = 0;
            }
            Rule::Close => {
                post.batch = BatchIndex(pre.batch.0.checked_add(1).ok_or("batch")?);
                post.blob = 0;
                post.offset = 0;
            }
        }
        // At most PAYLOAD_BYTES: an item was read whole from there.
        post.offset = post.offset.checked_add(self.advance).ok_or("offset")?;
        Ok(post)
    }
}

fn finish_transaction(
    post: &mut Checkpoint,
    tx: &Transact,
    outcome: TxOutcome,
) -> Result<(), &'static str> {
    if let TransactionSource::Forced(index) = tx.source {
        post.forced_done = index.checked_add(1).ok_or("forcedDone")?;
    }
    // A no-op leaves no trace but the cursor's.
    if outcome.gas_used == 0 {
        return Ok(());
    }
    post.state_root = outcome.state_root;
    post.gas_used = post.gas_used.checked_add(outcome.gas_used).ok_or("gasUsed")?;
    post.receipt_digest = outcome.receipt_digest;
    post.tx_digest = fold_digest(post.tx_digest, keccak256(&tx.raw));
    Ok(())
}

fn finish_seal(post: &mut Checkpoint, seal: &Seal, outcome: TxOutcome) -> Result<(), &'static str> {
    if !seal.credits.is_empty() {
        post.state_root = outcome.state_root;
    }
    let credited = u64::try_from(seal.credits.len()).map_err(|_| "depositsDone")?;
    post.deposits_done = post.deposits_done.checked_add(credited).ok_or("depositsDone")?;
    post.parent_hash = header_hash(post, &seal.block, seal.anchor, &seal.credits);
    post.open = false;
    Ok(())
}
