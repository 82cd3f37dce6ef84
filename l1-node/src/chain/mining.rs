//! Mining.

use std::sync::Arc;

use alloy_primitives::Address;
use recourse_rpc::{BlockPoint, ChainError, ChainEvent, MinedBlock};

use super::{
    Core,
    builder::{Builder, Built, Skip},
    restore::record_of,
};
use crate::config::Mining;

/// How many transactions go into a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// One.
    One,
    /// All that fit.
    All,
}

impl Core {
    /// Mines one block, empty if need be.
    pub(crate) fn mine(&mut self) -> Result<Arc<MinedBlock>, ChainError> {
        let built = self.build(Fill::All)?;
        self.adopt(built.seal()?)
    }

    /// In automatic mode, mines a block for each transaction that can be mined.
    pub(crate) fn mine_waiting(&mut self) -> Result<(), ChainError> {
        while self.mining == Mining::Automatic {
            let builder = self.build(Fill::One)?;
            if builder.len() == 0 {
                break;
            }
            self.adopt(builder.seal()?)?;
        }
        Ok(())
    }

    /// The block that would be mined now.
    pub(crate) fn pending(&mut self) -> Result<MinedBlock, ChainError> {
        Ok(self.build(Fill::All)?.seal()?.block)
    }

    /// Executes a block on top of the head. Transactions that turn out invalid leave the pool.
    fn build(&mut self, fill: Fill) -> Result<Builder, ChainError> {
        let state = self.state(BlockPoint::Pending)?.clone();
        let mut builder = Builder::open(state, self.next_header()?, self.chain_id)?;
        let mut invalid = Vec::new();
        let mut best = self.pool.best(builder.base_fee(), |sender| self.nonce(sender));
        while let Some(tx) = best.pop() {
            match builder.add(tx) {
                Ok(()) => best.advance(tx),
                Err(Skip::Full) => {}
                Err(Skip::Invalid(reason)) => {
                    tracing::debug!(hash = %tx.hash(), %reason, "dropped an invalid transaction");
                    invalid.push(tx.hash());
                }
                Err(Skip::Failed(error)) => {
                    // It must not come up again with every block.
                    let hash = tx.hash();
                    self.pool.remove(&hash);
                    return Err(error);
                }
            }
            if fill == Fill::One && builder.len() > 0 {
                break;
            }
        }
        for hash in invalid {
            self.pool.remove(&hash);
        }
        Ok(builder)
    }

    /// Makes a block the head.
    pub(super) fn adopt(&mut self, built: Built) -> Result<Arc<MinedBlock>, ChainError> {
        let (number, timestamp) = (built.block.number(), built.block.header().timestamp);
        let mut clock = self.clock.clone();
        clock.mined(timestamp);
        self.record(|| record_of(&built, clock.offset()))?;
        let block = Arc::new(built.block);
        self.blobs.push(number, timestamp, built.blobs);
        self.history.push(Arc::clone(&block), built.state);
        self.clock = clock;
        self.next_base_fee = None;
        for tx in block.transactions() {
            let sender = tx.signer();
            self.pool.forget_below(sender, self.nonce(sender));
        }
        tracing::info!(
            number,
            timestamp,
            transactions = block.transactions().len(),
            gas_used = block.header().gas_used,
            "mined a block"
        );
        let added = vec![Arc::clone(&block)];
        self.tell(ChainEvent::Blocks { removed: Vec::new(), added });
        Ok(block)
    }

    /// An account's nonce at the head.
    pub(crate) fn nonce(&self, address: Address) -> u64 {
        let account = self.state(BlockPoint::Pending).ok().and_then(|s| s.account(address).ok());
        account.flatten().map_or(0, |info| info.nonce)
    }
}
