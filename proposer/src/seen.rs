//! A node's view of L1, as the producer wants it.

use std::sync::Arc;

use alloy_primitives::B256;
use recourse_execution::State;
use recourse_node::{
    NodeState,
    derivation::DerivedBlock,
    inbox::{InboxSnapshot, InputError},
};
use recourse_protocol::{BatchIndex, Checkpoint};

use crate::{
    producer::{Counts, Horizon},
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

    fn end(&self, batch: BatchIndex) -> Option<Position> {
        let chain = &self.0.chain;
        let recalled = chain.recall(batch).inspect_err(|error| {
            tracing::error!(%error, %batch, "the state after a batch is not at hand");
        });
        Some(Position { at: *chain.checkpoint_after(batch)?, state: recalled.ok()? })
    }

    fn checkpoint(&self, batch: BatchIndex) -> Option<Checkpoint> {
        self.0.chain.checkpoint_after(batch).copied()
    }

    fn confirmed(&self) -> Option<(u64, State)> {
        let (batch, state) = self.0.chain.confirmed()?;
        Some((self.checkpoint(batch)?.number, state.clone()))
    }

    fn blocks(&self, batch: BatchIndex) -> Option<Vec<L2Block>> {
        let chain = &self.0.chain;
        let mut deposits = chain.batch(batch)?.pre.deposits_done;
        let read = chain.blocks_of(batch).inspect_err(|error| {
            tracing::error!(%error, %batch, "the blocks of a batch are not at hand");
        });
        let blocks = read.ok()??.into_iter().map(|block| {
            let state = chain.state_of_block(block.header.number).cloned();
            let made = l2_block(&block, deposits, state);
            let credits = u64::try_from(block.credits.len()).unwrap_or(u64::MAX);
            deposits = deposits.saturating_add(credits);
            made
        });
        Some(blocks.collect())
    }
}

fn l2_block(block: &DerivedBlock, first_deposit: u64, state: Option<State>) -> L2Block {
    L2Block::new(
        block.header.clone(),
        block.transactions.clone(),
        &block.credits,
        first_deposit,
        state,
        block.batch,
    )
}
