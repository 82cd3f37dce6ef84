//! Whether an endpoint left out events of a block: one that has the block, but not its receipts yet, answers that there
//! are none, as if there were none.

use alloy::rpc::types::TransactionReceipt;
use alloy_consensus::{ReceiptEnvelope, TxReceipt, proofs::calculate_receipt_root};
use alloy_primitives::{Address, BloomInput};
use serde_json::Value;

use super::{LogRecord, MirrorError};
use crate::l1::{Header, L1Client, L1Error};

/// What is known about the events of a block that an endpoint gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// These are all: the header's bloom filter names nobody else, or the receipts say so.
    Whole,
    /// There are others, or the receipts are not all there.
    Incomplete,
    /// The bloom filter says that there may be others, and the endpoint serves no receipts that could tell.
    Unclear,
    /// The same, but why it gave no receipts is not clear: it may have none of that block yet.
    Refused,
}

/// Compares the events of `contracts` in a block with its header. A bloom filter also names some who are not there, on a
/// busy L1 in most blocks: then the receipts decide, which the header has the root of.
pub(super) async fn prove(
    client: &L1Client,
    contracts: &[Address],
    header: &Header,
    logs: &[LogRecord],
) -> Result<Proof, MirrorError> {
    let Some(bloom) = header.logs_bloom else { return Ok(Proof::Whole) };
    let missing = |contract: &Address| {
        let named = bloom.contains_input(BloomInput::Raw(contract.as_slice()));
        named && logs.iter().all(|log| log.address != *contract)
    };
    if !contracts.iter().any(missing) {
        return Ok(Proof::Whole);
    }
    let receipts = match client.receipts_of(header.block.hash).await {
        Err(error) if error.is_no_method() => return Ok(Proof::Unclear),
        Err(L1Error::Refused { .. }) => return Ok(Proof::Refused),
        answer => answer?,
    };
    let Some(receipts) = receipts else { return Ok(Proof::Incomplete) };
    let (Some(root), Some(receipts)) = (header.receipts_root, decode(receipts)) else {
        return Ok(Proof::Unclear);
    };
    let events = receipts.iter().flat_map(TxReceipt::logs);
    let ours = events.filter(|log| contracts.contains(&log.address)).count();
    let whole = calculate_receipt_root(&receipts) == root && ours == logs.len();
    Ok(if whole { Proof::Whole } else { Proof::Incomplete })
}

/// None if they are of a kind that is not known here.
fn decode(receipts: Vec<Value>) -> Option<Vec<ReceiptEnvelope>> {
    let decode = |receipt| serde_json::from_value::<TransactionReceipt>(receipt).ok();
    let receipts = receipts.into_iter().map(decode);
    receipts.map(|receipt| Some(receipt?.inner.into_primitives_receipt())).collect()
}
