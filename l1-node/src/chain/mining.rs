//! Mining.

use std::sync::Arc;

use alloy_primitives::{Address, map::AddressMap};
use recourse_rpc::{BlockPoint, ChainError, ChainEvent, MinedBlock, Rejection};

use super::{
    Core,
    builder::{Builder, Built, Skip},
    restore::record_of,
};
use crate::{config::Mining, state::StateError};

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

    /// Mines the block that is due after an interval, unless it is to be missing.
    pub(crate) fn mine_due(&mut self) -> Result<(), ChainError> {
        if self.is_missing() { Ok(()) } else { self.mine().map(drop) }
    }

    /// Uses up one of the blocks that are to be missing.
    const fn is_missing(&mut self) -> bool {
        let missing = self.missing > 0;
        self.missing = self.missing.saturating_sub(1);
        missing
    }

    /// In automatic mode, mines a block for each transaction that can be mined.
    pub(crate) fn mine_waiting(&mut self) -> Result<(), ChainError> {
        while self.mining == Mining::Automatic {
            let builder = self.build(Fill::One)?;
            if builder.len() == 0 || self.is_missing() {
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
        let mut builder = Builder::open(state, self.next_header()?, &self.rules)?;
        let (mut invalid, mut failed) = (Vec::new(), None);
        let nonces = self.pool_nonces()?;
        let mut best = self.pool.best(builder.base_fee(), |sender| nonce_in(&nonces, sender));
        while let Some(tx) = best.pop() {
            match builder.add(tx) {
                Ok(()) => best.advance(tx),
                Err(Skip::Full) => {}
                // What blobs cost may fall: it waits, as below the base fee, with its sender's others.
                Err(Skip::Invalid(Rejection::BlobFeeTooLow)) => {}
                Err(Skip::Invalid(reason)) => {
                    tracing::debug!(hash = %tx.hash(), %reason, "dropped an invalid transaction");
                    invalid.push(tx.hash());
                }
                Err(Skip::Failed(error)) => {
                    let hash = tx.hash();
                    // What can't be read for one transaction holds up no block; it waits with its sender's others.
                    if self.mining != Mining::Automatic && matches!(error, ChainError::Upstream(_))
                    {
                        tracing::warn!(%hash, %error, "a transaction needs what the forked chain does not give");
                        continue;
                    }
                    // It must not come up again with every block.
                    invalid.push(hash);
                    failed = Some(error);
                    break;
                }
            }
            if fill == Fill::One && builder.len() > 0 {
                break;
            }
        }
        for hash in invalid {
            self.pool.remove(&hash);
        }
        failed.map_or(Ok(builder), Err)
    }

    /// Makes a block the head.
    pub(super) fn adopt(&mut self, built: Built) -> Result<Arc<MinedBlock>, ChainError> {
        let (number, timestamp) = (built.block.number(), built.block.header().timestamp);
        let mut clock = self.clock.clone();
        clock.mined(timestamp);
        let mined = nonces_after(&built)?;
        self.record(|| record_of(&built, clock.offset()))?;
        let block = Arc::new(built.block);
        self.blobs.push(number, timestamp, built.blobs);
        self.history.push(Arc::clone(&block), built.state);
        self.clock = clock;
        self.next_base_fee = None;
        for (sender, nonce) in mined {
            self.pool.forget_below(sender, nonce);
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
    pub(crate) fn nonce(&self, address: Address) -> Result<u64, ChainError> {
        let account = self.state(BlockPoint::Pending)?.account(address)?;
        Ok(account.map_or(0, |info| info.nonce))
    }

    /// The nonces at the head of all who have a transaction in the pool.
    pub(crate) fn pool_nonces(&self) -> Result<AddressMap<u64>, ChainError> {
        self.pool.senders().map(|sender| Ok((sender, self.nonce(sender)?))).collect()
    }
}

/// An account's nonce among those of the pool.
pub(crate) fn nonce_in(nonces: &AddressMap<u64>, sender: Address) -> u64 {
    nonces.get(&sender).copied().unwrap_or_default()
}

/// The nonces after a block of all who have a transaction in it.
fn nonces_after(built: &Built) -> Result<AddressMap<u64>, StateError> {
    let senders = built.block.transactions().iter().map(|tx| tx.signer());
    senders
        .map(|sender| {
            let account = built.state.account(sender)?;
            Ok((sender, account.map_or(0, |info| info.nonce)))
        })
        .collect()
}
