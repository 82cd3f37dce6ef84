//! What of a proof goes to L1 before it, and what with it.
//!
//! A transaction of L1 carries so many bytes at most, whatever it pays, and a proof no more than [`MAX_INLINE_BYTES`], however it
//! is sent. What does not fit is staged: cut into chunks that
//! become code of accounts, to which the proof points. Where a chunk will stand depends on its bytes alone, and how a proof is
//! cut on the proof alone, so that who starts again finds what was staged before.

mod gas;
mod layout;

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolValue;
use recourse_protocol::{MAX_INLINE_BYTES, bindings::StepProof};

use crate::{Evidence, KzgError};

pub use gas::Bill;
use layout::Layout;
pub use layout::SINGLE_AT_MOST;

/// Bytes of a chunk at most: a contract's code has 24,576 (EIP-170), the first of which is zero.
pub const CHUNK_BYTES: usize = 24_575;

/// What one transaction may be on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1Limits {
    /// Gas; 2^24 by EIP-7825.
    pub gas: u64,
    /// Bytes of the signed transaction; 131,072 by the rules of the public pool, which takes no larger one at any price.
    pub bytes: usize,
}

impl Default for L1Limits {
    fn default() -> Self {
        Self { gas: 1 << 24, bytes: 128 * 1024 }
    }
}

/// Part of a proof that must stand on L1 before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The account whose code it will be.
    pub pointer: Address,
    /// What to stage.
    pub bytes: Bytes,
}

/// A proof, and what it points to.
#[derive(Debug, Clone)]
pub struct Staged {
    /// All different, in any order.
    pub chunks: Vec<Chunk>,
    /// For the StepVerifier.
    pub proof: StepProof,
    /// What the call with it costs at most.
    pub bill: Bill,
}

/// Plans proofs.
#[derive(Debug, Clone, Copy)]
pub struct Stager {
    /// The ChunkStore.
    pub store: Address,
    /// Of each transaction.
    pub limits: L1Limits,
}

impl Stager {
    /// How a proof goes to L1 with as few bytes staged as possible; none if one transaction can't carry even what
    /// can't be staged. `around` are the bytes of calldata beside the proof.
    ///
    /// # Errors
    /// [`KzgError`].
    pub fn plan(&self, evidence: &Evidence, around: usize) -> Result<Option<Staged>, KzgError> {
        let mut layouts = Layout::all(evidence);
        layouts.sort_by_key(|layout| (layout.staged_bytes(evidence), layout.chunks()));
        let fits = |layout: &&Layout| {
            if layout.inline_bytes(evidence) > MAX_INLINE_BYTES {
                return false;
            }
            let bill = Bill::of(evidence, layout, around);
            bill.bytes <= self.limits.bytes && bill.gas <= self.limits.gas
        };
        let Some(layout) = layouts.iter().find(fits) else { return Ok(None) };
        self.lay_out(evidence, layout, around).map(Some)
    }

    /// The proof as a layout has it.
    fn lay_out(
        &self,
        evidence: &Evidence,
        layout: &Layout,
        around: usize,
    ) -> Result<Staged, KzgError> {
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut stage = |bytes: Bytes| {
            let pointer = pointer_of(self.store, &bytes);
            if chunks.iter().all(|chunk| chunk.pointer != pointer) {
                chunks.push(Chunk { pointer, bytes });
            }
            pointer
        };
        let (opening, elements) = layout.opening(evidence)?;
        let (inline, witness) = layout.witness(&evidence.execution.witness);
        let mut proof = StepProof {
            batch: evidence.batch.clone(),
            opening,
            forcedTransaction: evidence.forced.clone(),
            execution: evidence.execution.clone(),
        };
        proof.opening.pointers = elements.into_iter().map(&mut stage).collect();
        proof.execution.witness = inline;
        proof.execution.pointers = witness.into_iter().map(&mut stage).collect();
        Ok(Staged { chunks, proof, bill: Bill::of(evidence, layout, around) })
    }
}

/// Where a chunk stands, or would: CREATE2 by the store with salt 0, of code that returns a zero byte and the chunk.
#[must_use]
pub fn pointer_of(store: Address, chunk: &[u8]) -> Address {
    let size = u16::try_from(chunk.len().saturating_add(1)).unwrap_or(u16::MAX);
    let head: [&[u8]; 3] =
        [&[0x61], &size.to_be_bytes(), &[0x80, 0x60, 0x0a, 0x3d, 0x39, 0x3d, 0xf3, 0x00]];
    store.create2_from_code(B256::ZERO, [head.concat().as_slice(), chunk].concat())
}

/// Bytes of a proof among the arguments of a call.
pub(crate) fn encoded_size(proof: &StepProof) -> usize {
    proof.abi_encoded_size()
}
