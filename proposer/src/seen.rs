//! A node's view of L1, as the producer wants it.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_node::{
    NodeState,
    derivation::{Chain, DerivedBlock},
    inbox::{InboxSnapshot, InputError},
    states::StatesError,
};
use recourse_protocol::{BatchIndex, Checkpoint};
use recourse_rpc::{ChainError, MinedBlock, TxLocation};
use tokio::sync::watch;

use crate::{
    chain::Archive,
    producer::{Counts, Horizon, ProducerError},
    sequence::{L2Block, Position},
};

/// What a node knows at one L1 head.
#[derive(Debug, Clone)]
pub(crate) struct Seen(pub(crate) Arc<NodeState>);

impl Horizon for Seen {
    type InputError = InputError;
    type Inputs = InboxSnapshot;

    fn inputs(&self) -> &InboxSnapshot {
        &self.0.l1.inbox
    }

    fn counts(&self) -> Counts {
        let inbox = self.inputs();
        Counts {
            batches: inbox.batch_count().0,
            views: inbox.view_count(),
            forced: inbox.forced_count(),
            deposits: inbox.deposit_count(),
        }
    }

    fn timestamp(&self) -> u64 {
        self.0.l1.head.timestamp
    }

    fn derived(&self) -> BatchIndex {
        self.0.chain.tip()
    }

    fn finalized(&self) -> BatchIndex {
        let Some(finalized) = self.0.l1.finalized else { return BatchIndex(0) };
        let is_final = |index: &u64| {
            let record = self.inputs().batch_at(BatchIndex(*index));
            record.is_some_and(|record| record.l1_block <= finalized)
        };
        BatchIndex((1..=self.derived().0).rev().find(is_final).unwrap_or(0))
    }

    fn hash(&self, batch: BatchIndex) -> Option<B256> {
        self.0.chain.batch_hash(batch)
    }

    fn end(&self, batch: BatchIndex) -> Result<Position, ProducerError> {
        let at = self.checkpoint(batch).ok_or(ProducerError::NotDerived(batch))?;
        Ok(Position { at, state: self.0.chain.recall(batch)? })
    }

    fn checkpoint(&self, batch: BatchIndex) -> Option<Checkpoint> {
        self.0.chain.checkpoint_after(batch).copied()
    }

    fn confirmed(&self) -> Option<(u64, State)> {
        let (batch, state) = self.0.chain.confirmed()?;
        Some((self.checkpoint(batch)?.number, state.clone()))
    }

    fn blocks(&self, batch: BatchIndex) -> Result<Vec<L2Block>, ProducerError> {
        let chain = &self.0.chain;
        let read = chain.blocks_of(batch)?.ok_or(ProducerError::NotDerived(batch))?;
        let blocks = read.into_iter().map(|block| {
            let state = chain.state_of_block(block.header.number).cloned();
            l2_block(&block, state)
        });
        Ok(blocks.collect())
    }

    fn last_block(&self, batch: BatchIndex) -> Result<Option<L2Block>, ProducerError> {
        let end = self.checkpoint(batch).ok_or(ProducerError::NotDerived(batch))?;
        let Some(block) = self.0.chain.block(end.number)? else { return Ok(None) };
        Ok(Some(l2_block(&block, Some(self.end(batch)?.state))))
    }
}

/// Blocks as a node derived them: the archive of the chain that clients see.
#[derive(Debug)]
pub(crate) struct Archived(pub(crate) watch::Receiver<Arc<NodeState>>);

impl Archived {
    fn ask<T>(&self, of: impl FnOnce(&Chain) -> Result<T, StatesError>) -> Result<T, ChainError> {
        let chain = self.0.borrow().chain.clone();
        of(&chain).map_err(ChainError::internal)
    }
}

impl Archive for Archived {
    fn block(&self, number: u64) -> Result<Option<Arc<MinedBlock>>, ChainError> {
        let block = self.ask(|chain| chain.block(number))?;
        Ok(block.map(|block| l2_block(&block, None).mined))
    }

    fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        self.ask(|chain| chain.number_of(hash))
    }

    fn locate(&self, transaction: B256) -> Result<Option<TxLocation>, ChainError> {
        let found = self.ask(|chain| chain.locate(transaction))?;
        Ok(found.map(|(block, index)| TxLocation { block, index }))
    }
}

fn l2_block(block: &DerivedBlock, state: Option<State>) -> L2Block {
    L2Block::new(
        block.header.clone(),
        block.transactions.clone(),
        &block.credits,
        block.first_deposit,
        state,
        block.batch,
    )
}
