//! What a proof brings itself.

use crate::bindings::StepProof;

/// The most bytes of elements, witness and forced transaction that a step's proof may bring itself (Rollup's `TooMuchInline`):
/// what the public pool of L1 takes in a transaction. All else is staged.
pub const MAX_INLINE_BYTES: usize = 131_072;
/// Of an element.
const ELEMENT_BYTES: usize = 32;

impl StepProof {
    /// The bytes that [`MAX_INLINE_BYTES`] is about.
    #[must_use]
    pub const fn inline_bytes(&self) -> usize {
        inline_bytes(
            self.opening.elements.len(),
            self.forcedTransaction.0.len(),
            self.execution.witness.0.len(),
        )
    }
}

/// The same of so many elements, and so many bytes of a forced transaction and of a witness.
#[must_use]
pub const fn inline_bytes(elements: usize, forced: usize, witness: usize) -> usize {
    elements.saturating_mul(ELEMENT_BYTES).saturating_add(forced).saturating_add(witness)
}
