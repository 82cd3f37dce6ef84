//! Hashes of section "Claims and dissection" of `docs/protocol.md`.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::{AttemptId, CheckpointHash, ContentHash, SegmentId, bindings::Segment};

/// `keccak256(abi.encode(digest, item))`: how transactions and receipts fold into a block.
#[must_use]
pub fn fold_digest(digest: B256, item: B256) -> B256 {
    keccak256((digest, item).abi_encode())
}

/// What is claimed: after the batches up to the one of `batch_hash` stands `checkpoint`, `steps` steps
/// after the parent.
#[must_use]
pub fn content_hash(
    parent: ContentHash,
    batch_hash: B256,
    checkpoint: CheckpointHash,
    steps: u64,
) -> ContentHash {
    ContentHash(keccak256((parent.0, batch_hash, checkpoint.0, steps).abi_encode()))
}

/// The content that every claim descends from.
#[must_use]
pub fn genesis_content(checkpoint: CheckpointHash) -> ContentHash {
    content_hash(ContentHash::default(), B256::ZERO, checkpoint, 0)
}

/// The id of the `nonce`-th attempt of `owner`.
#[must_use]
pub fn attempt_id(content: ContentHash, owner: Address, nonce: U256) -> AttemptId {
    AttemptId(keccak256((content.0, owner, nonce).abi_encode()))
}

/// The id under which challenges and reveals of a segment are stored.
#[must_use]
pub fn segment_id(attempt: AttemptId, segment: &Segment) -> SegmentId {
    SegmentId(keccak256(
        (attempt.0, segment.start, segment.end, segment.startHash, segment.endHash).abi_encode(),
    ))
}
