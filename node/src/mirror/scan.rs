//! Reading blocks and events.

use std::collections::BTreeMap;

use alloy::{eips::BlockId, rpc::types::Filter};
use alloy_primitives::B256;
use futures::{StreamExt, TryStreamExt, stream};
use recourse_protocol::{
    Contracts,
    bindings::{IInbox, IRollup},
};

use super::{
    LogRecord, MirrorError,
    error::same,
    fold::Fold,
    proof::{Proof, prove},
};
use crate::l1::{BlockRef, Header, L1Client, L1Error};

/// Requests in flight at once.
const PARALLEL: usize = 8;

/// A block next to the head, with its events.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) header: Header,
    pub(super) logs: Vec<LogRecord>,
    /// Whether these are all.
    pub(super) proof: Proof,
}

#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) client: &'a L1Client,
    pub(super) contracts: Contracts,
}

impl Scanner<'_> {
    /// The events of a range of blocks, and its last block.
    pub(super) async fn range(
        &self,
        from: u64,
        to: u64,
    ) -> Result<(BlockRef, Vec<LogRecord>), MirrorError> {
        let last = self.canonical(to).await?;
        let logs = self.client.logs(&self.filter().from_block(from).to_block(to)).await?;
        let hashes: BTreeMap<u64, B256> =
            logs.iter().filter_map(|log| log.block_number.zip(log.block_hash)).collect();
        let blocks: BTreeMap<u64, BlockRef> = stream::iter(hashes.into_keys())
            .map(|number| async move { Ok((number, self.canonical(number).await?)) })
            .buffered(PARALLEL)
            .try_collect::<_>()
            .await
            .map_err(|error: MirrorError| error)?;
        let mut records = Vec::with_capacity(logs.len());
        for log in &logs {
            let block = log.block_number.and_then(|number| blocks.get(&number));
            let missing = || MirrorError::inconsistent("an event", "its block", "none");
            let block = block.filter(|block| (from..=to).contains(&block.number));
            records.push(LogRecord::new(log, block.ok_or_else(missing)?)?);
        }
        records.sort_by_key(|record| (record.block, record.index));
        // The same last block before and after: all of it was read from one chain.
        same("the last block of a range", last.hash, self.canonical(to).await?.hash)
            .map_err(|_| MirrorError::Reorged { number: to })?;
        Ok((last, records))
    }

    /// The blocks from `first` to `head`, each the parent of the next.
    pub(super) async fn path(&self, first: u64, head: Header) -> Result<Vec<Header>, MirrorError> {
        let mut path = vec![head];
        let mut at = head.block;
        while at.number > first {
            let parent = self.client.header_by_hash(at.parent_hash).await?;
            let parent = parent.ok_or_else(|| gone(at.parent_hash))?;
            same("the number of a parent", at.number.saturating_sub(1), parent.block.number)?;
            at = parent.block;
            path.push(parent);
        }
        path.reverse();
        Ok(path)
    }

    /// The events of each of these blocks, asked for by hash: an endpoint that lacks a block says so. One that has it, but
    /// not its receipts, may not.
    pub(super) async fn blocks(&self, path: Vec<Header>) -> Result<Vec<Read>, MirrorError> {
        let contracts = [self.contracts.inbox, self.contracts.rollup];
        stream::iter(path)
            .map(|header| async move {
                let block = &header.block;
                let logs = self.client.logs(&self.filter().at_block_hash(block.hash)).await?;
                let records = logs.iter().map(|log| LogRecord::new(log, block));
                let mut logs = records.collect::<Result<Vec<_>, _>>()?;
                logs.sort_by_key(|record| record.index);
                let proof = prove(self.client, &contracts, &header, &logs).await?;
                Ok(Read { header, logs, proof })
            })
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    /// Compares what the events said with the contracts' own counters at the same block: an endpoint that left
    /// out events of the Inbox, or confirmations, in a range is found here. The Rollup has no counters of what is not
    /// confirmed.
    pub(super) async fn compare_counters(
        &self,
        fold: &Fold,
        at: &BlockRef,
    ) -> Result<(), MirrorError> {
        let (inbox, block) = (self.contracts.inbox, BlockId::hash(at.hash));
        let batches = self.client.call(inbox, &IInbox::batchCountCall {}, block).await?;
        same("batches", batches, fold.inbox.batch_count().0)?;
        let views = self.client.call(inbox, &IInbox::viewCountCall {}, block).await?;
        same("views", views, fold.inbox.view_count())?;
        let forced = self.client.call(inbox, &IInbox::forcedCountCall {}, block).await?;
        same("forced transactions", forced, fold.inbox.forced_count())?;
        let deposits = self.client.call(inbox, &IInbox::depositCountCall {}, block).await?;
        same("deposits", deposits, fold.inbox.deposit_count())?;
        let call = IInbox::batchHashCall { index: batches };
        let hash = self.client.call(inbox, &call, block).await?;
        let newest = fold.inbox.batch_at(fold.inbox.batch_count());
        same("the newest batch", hash, newest.map_or(B256::ZERO, |record| record.hash))?;
        let tip = self.client.call(self.contracts.rollup, &IRollup::tipCall {}, block).await?;
        same("the tip", tip, fold.game.tip.0)
    }

    async fn canonical(&self, number: u64) -> Result<BlockRef, MirrorError> {
        let block = self.client.block(number).await?;
        Ok(block.ok_or_else(|| L1Error::Gone { block: number.to_string() })?)
    }

    fn filter(&self) -> Filter {
        Filter::new().address(vec![self.contracts.inbox, self.contracts.rollup])
    }
}

fn gone(hash: B256) -> L1Error {
    L1Error::Gone { block: hash.to_string() }
}
