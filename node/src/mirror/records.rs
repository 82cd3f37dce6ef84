//! Blocks and events in the store.

use std::sync::Arc;

use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, LogData, keccak256};
use recourse_protocol::bindings::IInbox;
use serde::{Deserialize, Serialize};

use super::MirrorError;
use crate::{
    l1::BlockRef,
    store::{Store, StoreError, Table, Write},
};

/// Blocks that are remembered: deeper reorgs start again at the deployment.
const REMEMBERED_BLOCKS: u64 = 4096;

/// An event with its place on L1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    /// Number of its block.
    pub block: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Timestamp of its block, in seconds.
    pub timestamp: u64,
    /// Its transaction.
    pub transaction: B256,
    /// Its place among the events of the block.
    pub index: u64,
    /// The contract.
    pub address: Address,
    /// Topics and data.
    pub data: LogData,
}

impl LogRecord {
    /// Takes an event that must lie in `block`.
    pub(super) fn new(log: &Log, block: &BlockRef) -> Result<Self, MirrorError> {
        if log.block_hash != Some(block.hash) {
            return Err(MirrorError::Reorged { number: block.number });
        }
        let missing = || MirrorError::inconsistent("an event", "its place", "none");
        Ok(Self {
            block: block.number,
            block_hash: block.hash,
            timestamp: block.timestamp,
            transaction: log.transaction_hash.ok_or_else(missing)?,
            index: log.log_index.ok_or_else(missing)?,
            address: log.address(),
            data: log.inner.data.clone(),
        })
    }

    fn key(&self) -> Vec<u8> {
        [self.block.to_be_bytes(), self.index.to_be_bytes()].concat()
    }
}

/// The mirror's part of the store.
#[derive(Debug, Clone)]
pub(super) struct Records(pub(super) Arc<dyn Store>);

impl Records {
    /// The newest block passed.
    pub(super) fn newest(&self) -> Result<Option<BlockRef>, StoreError> {
        Ok(self.blocks()?.pop())
    }

    /// All blocks remembered, oldest first.
    pub(super) fn blocks(&self) -> Result<Vec<BlockRef>, StoreError> {
        self.all(Table::Blocks)
    }

    /// All events, oldest first.
    pub(super) fn logs(&self) -> Result<Vec<LogRecord>, StoreError> {
        self.all(Table::Logs)
    }

    /// Adds a block and the events up to it that are not there yet.
    pub(super) fn append(&self, block: &BlockRef, logs: &[LogRecord]) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        for log in logs {
            writes.push(Write::Put(Table::Logs, log.key(), encode(Table::Logs, log)?));
            if let Ok(event) = IInbox::Forced::decode_log_data(&log.data) {
                let hash = keccak256(&event.rawTransaction).to_vec();
                writes.push(Write::Put(Table::Forced, hash, event.rawTransaction.to_vec()));
            }
        }
        let key = block.number.to_be_bytes().to_vec();
        writes.push(Write::Put(Table::Blocks, key, encode(Table::Blocks, block)?));
        if let Some(old) = block.number.checked_sub(REMEMBERED_BLOCKS) {
            writes.push(Write::Delete(Table::Blocks, old.to_be_bytes().to_vec()));
        }
        self.0.apply(writes)
    }

    /// Forgets all blocks after `last` with their events; all of them if none.
    pub(super) fn truncate(&self, last: Option<u64>) -> Result<(), StoreError> {
        let from = last.map_or(0, |last| last.saturating_add(1)).to_be_bytes();
        let mut writes = Vec::new();
        for table in [Table::Blocks, Table::Logs] {
            let doomed = self.0.scan(table, &from)?;
            writes.extend(doomed.into_iter().map(|(key, _)| Write::Delete(table, key)));
        }
        self.0.apply(writes)
    }

    fn all<T: for<'de> Deserialize<'de>>(&self, table: Table) -> Result<Vec<T>, StoreError> {
        let entries = self.0.scan(table, &[])?;
        let decode = |(_, value): (Vec<u8>, Vec<u8>)| {
            serde_json::from_slice(&value).map_err(|source| StoreError::Malformed { table, source })
        };
        entries.into_iter().map(decode).collect()
    }
}

fn encode<T: Serialize>(table: Table, value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|source| StoreError::Malformed { table, source })
}
