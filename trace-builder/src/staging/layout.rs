//! Which parts of a proof are inline.

use std::ops::Range;

use alloy_primitives::Bytes;
use recourse_protocol::{ELEMENTS, bindings::BlobOpening, inline_bytes};

use super::CHUNK_BYTES;
use crate::{Evidence, KzgError, Reading, prove::no_opening};

/// With more elements than this the whole blob is cheaper, although part of it has to be staged: a single opening costs some
/// 55,000 gas, a whole blob some 6 million with its calldata and staging.
pub const SINGLE_AT_MOST: usize = 110;
/// Elements of a chunk. Few: what must be staged of a blob to fit the rest in a transaction is little.
pub(super) const ELEMENTS_PER_CHUNK: usize = 256;
const BYTES_PER_ELEMENT: usize = 32;

/// How a proof is divided. Chunks are cut from the end, always at the same places, so that a plan that stages more stages the
/// same chunks and further ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) opening: Opening,
    /// Chunks of the witness.
    pub(super) witness_chunks: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    None,
    /// So many elements, one by one.
    Single(usize),
    /// All, and so many chunks of them staged.
    Whole(usize),
}

impl Layout {
    /// All that are sensible.
    pub(super) fn all(evidence: &Evidence) -> Vec<Self> {
        let openings: Vec<_> = match &evidence.reading {
            None => vec![Opening::None],
            Some(reading) => match reading.count() {
                count if count <= SINGLE_AT_MOST => vec![Opening::Single(count)],
                _ => (0..=ELEMENTS / ELEMENTS_PER_CHUNK).map(Opening::Whole).collect(),
            },
        };
        let chunks = evidence.execution.witness.len().div_ceil(CHUNK_BYTES);
        let with =
            |opening| (0..=chunks).map(move |witness_chunks| Self { opening, witness_chunks });
        openings.into_iter().flat_map(with).collect()
    }

    /// Chunks in all.
    pub(super) const fn chunks(&self) -> usize {
        self.element_chunks().saturating_add(self.witness_chunks)
    }

    pub(super) const fn element_chunks(&self) -> usize {
        match self.opening {
            Opening::Whole(chunks) => chunks,
            Opening::None | Opening::Single(_) => 0,
        }
    }

    pub(super) fn staged_bytes(&self, evidence: &Evidence) -> usize {
        let inline = self.inline_witness(evidence.execution.witness.len());
        let witness = evidence.execution.witness.len().saturating_sub(inline);
        self.staged_elements().saturating_mul(BYTES_PER_ELEMENT).saturating_add(witness)
    }

    const fn staged_elements(&self) -> usize {
        self.element_chunks().saturating_mul(ELEMENTS_PER_CHUNK)
    }

    /// Elements, proofs inline.
    pub(super) const fn inline_opening(&self) -> (usize, usize) {
        match self.opening {
            Opening::None => (0, 0),
            Opening::Single(count) => (count, count),
            Opening::Whole(_) => (ELEMENTS.saturating_sub(self.staged_elements()), 1),
        }
    }

    /// Bytes that [`recourse_protocol::MAX_INLINE_BYTES`] is about.
    pub(super) fn inline_bytes(&self, evidence: &Evidence) -> usize {
        let witness = self.inline_witness(evidence.execution.witness.len());
        inline_bytes(self.inline_opening().0, evidence.forced.len(), witness)
    }

    /// Bytes of the witness inline.
    pub(super) const fn inline_witness(&self, length: usize) -> usize {
        length.saturating_sub(self.witness_chunks.saturating_mul(CHUNK_BYTES))
    }

    /// The opening without its pointers, and the chunks that they are to point to.
    pub(super) fn opening(
        &self,
        evidence: &Evidence,
    ) -> Result<(BlobOpening, Vec<Bytes>), KzgError> {
        let Some(Reading { committed, first, last }) = &evidence.reading else {
            return Ok((no_opening(), Vec::new()));
        };
        if let Opening::None | Opening::Single(_) = self.opening {
            return Ok((committed.open_range(*first, *last)?, Vec::new()));
        }
        let mut elements = committed.elements();
        let staged = elements.split_off(self.inline_opening().0.min(elements.len()));
        let chunks = staged.chunks(ELEMENTS_PER_CHUNK);
        let chunks = chunks.map(|some| some.iter().flat_map(|element| element.0).collect());
        let opening = BlobOpening {
            commitment: committed.commitment(),
            elements,
            proofs: vec![committed.open_whole()?],
            pointers: Vec::new(),
        };
        Ok((opening, chunks.collect()))
    }

    /// The inline part, and the chunks that follow it.
    pub(super) fn witness(&self, witness: &Bytes) -> (Bytes, Vec<Bytes>) {
        let inline = self.inline_witness(witness.len());
        let chunks = pieces(inline, witness.len(), self.witness_chunks);
        let bytes = |range| witness.slice(range);
        (witness.slice(..inline), chunks.map(bytes).collect())
    }
}

impl Reading {
    /// How many elements.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// `[start, end)` in so many pieces, all as long as can be but the first.
fn pieces(start: usize, end: usize, count: usize) -> impl Iterator<Item = Range<usize>> {
    let cut = move |left: usize| end.saturating_sub(left.saturating_mul(CHUNK_BYTES)).max(start);
    (0..count).rev().map(move |after| cut(after.saturating_add(1))..cut(after))
}
