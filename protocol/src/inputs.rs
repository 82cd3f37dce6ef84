//! What the step function reads of L1.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::{BatchIndex, Payload, ViewIndex, bindings};

/// What L2 knows of L1: recorded by the Inbox at most once per L1 block, never changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Hash of the L1 block before the recording one.
    pub l1_hash: B256,
    /// Number of that block.
    pub l1_number: u64,
    /// Timestamp of the recording call, in seconds.
    pub l1_timestamp: u64,
    /// PREVRANDAO of the recording call.
    pub prev_randao: B256,
    /// Deposits queued by the end of block `l1_number`.
    pub deposits_end: u64,
    /// Forced transactions queued by the end of block `l1_number`.
    pub forced_end: u64,
}

/// A batch: the preimage of its hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Hash of the batch before it; zero before the first.
    pub previous: B256,
    /// `l1_hash` of the newest view.
    pub l1_hash: B256,
    /// The blobs.
    pub versioned_hashes: Vec<B256>,
    /// Coinbase of the batch's blocks.
    pub fee_recipient: Address,
    /// Timestamp of the L1 block that appended it, in seconds.
    pub l1_timestamp: u64,
    /// Views recorded by then, its own included.
    pub view_count: u32,
    /// The oldest view that its blocks must reach.
    pub min_view: ViewIndex,
}

impl Batch {
    /// `keccak256(abi.encode(fields in order))`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(bindings::Batch::from(self.clone()).abi_encode_params())
    }
}

/// The L1 inputs, as far as they are known. Absence is an error of the implementation's, never a default:
/// only [`Inputs::batch`] may say that something does not exist yet.
pub trait Inputs {
    /// Why an input could not be had.
    type Error: core::error::Error;

    /// A batch, or none if L1 does not have it yet.
    ///
    /// # Errors
    /// When it could not be read.
    fn batch(&self, index: BatchIndex) -> Result<Option<Arc<Batch>>, Self::Error>;
    /// A view.
    ///
    /// # Errors
    /// When it does not exist or could not be read.
    fn view(&self, index: ViewIndex) -> Result<View, Self::Error>;
    /// The payload of one blob of a batch.
    ///
    /// # Errors
    /// When it does not exist or could not be read.
    fn payload(&self, batch: BatchIndex, blob: u32) -> Result<Arc<Payload>, Self::Error>;
    /// A forced transaction, as queued.
    ///
    /// # Errors
    /// When it does not exist or could not be read.
    fn forced(&self, index: u64) -> Result<Bytes, Self::Error>;
    /// A deposit.
    ///
    /// # Errors
    /// When it does not exist or could not be read.
    fn deposit(&self, index: u64) -> Result<bindings::Credit, Self::Error>;
}

impl From<View> for bindings::View {
    fn from(v: View) -> Self {
        Self {
            l1Hash: v.l1_hash,
            l1Number: v.l1_number,
            l1Timestamp: v.l1_timestamp,
            prevRandao: v.prev_randao,
            depositsEnd: v.deposits_end,
            forcedEnd: v.forced_end,
        }
    }
}

impl From<bindings::View> for View {
    fn from(v: bindings::View) -> Self {
        Self {
            l1_hash: v.l1Hash,
            l1_number: v.l1Number,
            l1_timestamp: v.l1Timestamp,
            prev_randao: v.prevRandao,
            deposits_end: v.depositsEnd,
            forced_end: v.forcedEnd,
        }
    }
}

impl From<Batch> for bindings::Batch {
    fn from(b: Batch) -> Self {
        Self {
            previous: b.previous,
            l1Hash: b.l1_hash,
            versionedHashes: b.versioned_hashes,
            feeRecipient: b.fee_recipient,
            l1Timestamp: b.l1_timestamp,
            viewCount: b.view_count,
            minView: b.min_view.0,
        }
    }
}

impl From<bindings::Batch> for Batch {
    fn from(b: bindings::Batch) -> Self {
        Self {
            previous: b.previous,
            l1_hash: b.l1Hash,
            versioned_hashes: b.versionedHashes,
            fee_recipient: b.feeRecipient,
            l1_timestamp: b.l1Timestamp,
            view_count: b.viewCount,
            min_view: ViewIndex(b.minView),
        }
    }
}
