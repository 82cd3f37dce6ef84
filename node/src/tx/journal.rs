//! What is in flight, on disk before it is sent.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use super::price::Price;
use crate::store::{Store, StoreError, Table, Write};

/// A transaction in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) nonce: u64,
    pub(super) key: String,
    pub(super) to: Address,
    pub(super) data: Bytes,
    pub(super) value: U256,
    /// Versioned hashes; the bytes are in the archive.
    pub(super) blobs: Vec<B256>,
    pub(super) gas_limit: u64,
    /// Of the newest version.
    pub(super) price: Price,
    /// Hashes of all versions, the newest last.
    pub(super) versions: Vec<B256>,
    /// How many of the versions are what was asked for, once that was given up: those after them do nothing.
    #[serde(default)]
    pub(super) given_up: Option<usize>,
    /// When the newest version was first sent, in seconds since 1970.
    pub(super) sent_at: u64,
    pub(super) mined: Option<Mined>,
}

/// Where a transaction in flight was mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mined {
    pub(super) hash: B256,
    pub(super) block: u64,
    pub(super) block_hash: B256,
    /// It did what was asked for.
    pub(super) success: bool,
}

/// All transactions in flight, by nonce.
#[derive(Debug)]
pub(super) struct Journal {
    store: Arc<dyn Store>,
    entries: BTreeMap<u64, Entry>,
}

impl Journal {
    pub(super) fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut entries = BTreeMap::new();
        for (_, value) in store.scan(Table::Journal, &[])? {
            let entry: Entry = serde_json::from_slice(&value).map_err(malformed)?;
            entries.insert(entry.nonce, entry);
        }
        Ok(Self { store, entries })
    }

    pub(super) fn put(&mut self, entry: Entry) -> Result<(), StoreError> {
        let value = serde_json::to_vec(&entry).map_err(malformed)?;
        let key = entry.nonce.to_be_bytes().to_vec();
        self.store.apply(vec![Write::Put(Table::Journal, key, value)])?;
        self.entries.insert(entry.nonce, entry);
        Ok(())
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Result<(), StoreError> {
        let key = nonce.to_be_bytes().to_vec();
        self.store.apply(vec![Write::Delete(Table::Journal, key)])?;
        self.entries.remove(&nonce);
        Ok(())
    }

    pub(super) const fn entries(&self) -> &BTreeMap<u64, Entry> {
        &self.entries
    }

    /// Transactions that are not mined, as far as is known.
    pub(super) fn unmined(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.mined.is_none())
    }

    /// The newest transaction of a key, unless it reverted or was mined as one that does nothing.
    pub(super) fn of_key(&self, key: &str) -> Option<&Entry> {
        let newest = self.entries.values().rev().find(|entry| entry.key == key);
        newest.filter(|entry| entry.mined.is_none_or(|mined| mined.success))
    }
}

impl Entry {
    pub(super) fn newest(&self) -> B256 {
        self.versions.last().copied().unwrap_or_default()
    }

    /// Whether a version does what was asked for.
    pub(super) fn is_meant(&self, version: B256) -> bool {
        let meant = self.given_up.unwrap_or(self.versions.len());
        self.versions.iter().take(meant).any(|known| *known == version)
    }
}

fn malformed(source: serde_json::Error) -> StoreError {
    StoreError::Malformed { table: Table::Journal, source }
}
