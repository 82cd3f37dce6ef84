//! The records of a journal.

use std::sync::Arc;

use alloy_consensus::{Header, TxEnvelope, transaction::Recovered};
use alloy_eips::{Decodable2718 as _, Encodable2718 as _, eip2718::Eip2718Error, eip4844::Blob};
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    chain::{PoolTx, StoredBlob},
    state::Edit,
};

/// Something that happened to a chain.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Record {
    /// The chain began.
    Genesis(GenesisRecord),
    /// A block was mined.
    Block(Box<BlockRecord>),
    /// A dev method wrote to the state at the head.
    Edit(Edit),
    /// The clock was set: seconds that the chain is ahead of the wall clock.
    Clock(i64),
    /// A snapshot was taken.
    Snapshot,
    /// The chain went back to the snapshot of this id.
    Revert(u64),
    /// So many newest blocks were removed.
    Rollback(u64),
}

/// How a chain began.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GenesisRecord {
    /// EIP-155 chain id, which no header has.
    pub(crate) chain_id: u64,
    /// Timestamp of its first block in seconds since 1970.
    pub(crate) timestamp: u64,
    /// Hash of its first block.
    pub(crate) hash: B256,
    /// Seconds that the chain was ahead of the wall clock.
    pub(crate) clock: i64,
    /// Number of the first block, when it is another chain's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forked: Option<u64>,
}

/// A mined block.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BlockRecord {
    /// Its header.
    pub(crate) header: Header,
    /// Its transactions.
    pub(crate) transactions: Vec<TxRecord>,
    /// Its blobs, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) blobs: Vec<BlobRecord>,
    /// Seconds that the chain is ahead of the wall clock after it.
    pub(crate) clock: i64,
}

/// A transaction of a block.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TxRecord {
    /// The sender, who is taken on faith: an impersonated one has no signature.
    from: Address,
    /// EIP-2718, without blobs.
    raw: Bytes,
}

/// A blob of a block.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BlobRecord {
    versioned_hash: B256,
    bytes: Bytes,
}

impl TxRecord {
    pub(crate) fn of(tx: &Recovered<TxEnvelope>) -> Self {
        Self { from: tx.signer(), raw: tx.inner().encoded_2718().into() }
    }

    pub(crate) fn read(&self) -> Result<PoolTx, Eip2718Error> {
        let envelope = TxEnvelope::decode_2718_exact(&self.raw)?;
        let tx = Recovered::new_unchecked(envelope, self.from);
        Ok(PoolTx { tx, blobs: Vec::new(), impersonated: true })
    }
}

impl BlobRecord {
    pub(crate) fn of(stored: &StoredBlob) -> Self {
        let bytes = Bytes::copy_from_slice(stored.blob.as_slice());
        Self { versioned_hash: stored.versioned_hash, bytes }
    }

    pub(crate) fn read(&self) -> Result<StoredBlob, std::array::TryFromSliceError> {
        let blob = Arc::new(Blob::try_from(self.bytes.as_ref())?);
        Ok(StoredBlob { versioned_hash: self.versioned_hash, blob })
    }
}
