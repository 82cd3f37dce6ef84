//! Another history in place of the newest blocks, as when validators change their minds.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_rpc::{BlockPoint, ChainError, MinedBlock};

use super::{
    Core,
    builder::{Builder, Built, Skip},
    transaction::PoolTx,
};

/// Blocks that one reorg replaces at most.
const MAX_DEPTH: u64 = 1_000;

impl Core {
    /// Replaces the blocks after `from` by as many others, with the times that those had. The blocks hold these transactions,
    /// each in the block of its index; those of the replaced blocks are lost. Nothing happens unless all of it can.
    ///
    /// # Errors
    /// When there are no such blocks of this chain, an index is none, or a transaction can't be mined there.
    pub(crate) fn reorg(&mut self, from: u64, txs: Vec<(PoolTx, u64)>) -> Result<(), ChainError> {
        let depth = self.history.head_number().saturating_sub(from);
        self.reorg_from(depth)?;
        let mut waiting: Vec<Vec<Arc<PoolTx>>> = Vec::new();
        waiting.resize_with(usize::try_from(depth).unwrap_or(usize::MAX), Vec::new);
        for (tx, index) in txs {
            let block = usize::try_from(index).ok().and_then(|index| waiting.get_mut(index));
            let block = block.ok_or_else(|| {
                ChainError::InvalidParams(format!(
                    "block index {index} is not below the depth, {depth}"
                ))
            })?;
            block.push(Arc::new(tx));
        }
        let blocks = self.replacement(from, &waiting)?;
        self.rollback(depth)?;
        for built in blocks {
            self.adopt(built)?;
        }
        Ok(())
    }

    /// The block on which a reorg of this depth builds.
    ///
    /// # Errors
    /// When there are not so many blocks of this chain.
    pub(crate) fn reorg_from(&self, depth: u64) -> Result<u64, ChainError> {
        let own = self.history.head_number().saturating_sub(self.history.first_number());
        if depth == 0 || depth > own || depth > MAX_DEPTH {
            let most = own.min(MAX_DEPTH);
            return Err(ChainError::InvalidParams(format!(
                "a reorg is between 1 and {most} blocks deep here, not {depth}"
            )));
        }
        Ok(self.history.head_number().saturating_sub(depth))
    }

    fn replacement(
        &self,
        from: u64,
        waiting: &[Vec<Arc<PoolTx>>],
    ) -> Result<Vec<Built>, ChainError> {
        let mut state = self.state(BlockPoint::Number(from))?.clone();
        let first = self.history.block(from).ok_or(ChainError::NotFound("block"))?;
        let mut parent: MinedBlock = MinedBlock::clone(first);
        let mut blocks = Vec::with_capacity(waiting.len());
        for (txs, number) in waiting.iter().zip(from.saturating_add(1)..) {
            let old = self.history.block(number).ok_or(ChainError::NotFound("block"))?;
            let mut header = self.header_after(&parent);
            header.timestamp = old.header().timestamp;
            // Without it, an empty block in place of an empty one would be the same.
            header.extra_data = B256::from(old.hash()).into();
            let built = sealed(Builder::open(state, header, &self.rules)?, txs)?;
            (state, parent) = (built.state.clone(), built.block.clone());
            blocks.push(built);
        }
        Ok(blocks)
    }
}

fn sealed(mut builder: Builder, txs: &[Arc<PoolTx>]) -> Result<Built, ChainError> {
    for tx in txs {
        builder.add(tx).map_err(|skip| match skip {
            Skip::Failed(error) => error,
            Skip::Invalid(reason) => reason.into(),
            Skip::Full => ChainError::Refused(format!("{} does not fit into its block", tx.hash())),
        })?;
    }
    builder.seal()
}
