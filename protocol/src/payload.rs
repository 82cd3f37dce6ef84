//! The bytes of the tape that a blob carries: the low 31 bytes of each field element.

use alloy_eips::eip4844::{BYTES_PER_BLOB, Blob};

/// Field elements of a blob (EIP-4844).
pub const ELEMENTS: usize = 4096;
/// Payload bytes of one element; the top byte carries nothing, so that every element is canonical.
pub const BYTES_PER_ELEMENT: usize = 31;
/// Payload bytes of a blob.
pub const PAYLOAD_BYTES: usize = ELEMENTS * BYTES_PER_ELEMENT;

/// The payload of one blob: always [`PAYLOAD_BYTES`] long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Box<[u8]>);

/// Bytes do not fit a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a blob carries {expected} payload bytes at most, got {got}")]
pub struct PayloadError {
    /// The limit.
    pub expected: usize,
    /// The length given.
    pub got: usize,
}

impl Payload {
    /// A payload that starts with `bytes`; the rest is zero, which reads as the end of the tape.
    ///
    /// # Errors
    /// [`PayloadError`] when `bytes` is longer than [`PAYLOAD_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, PayloadError> {
        let mut payload = vec![0u8; PAYLOAD_BYTES];
        let len = bytes.len();
        payload
            .get_mut(..len)
            .ok_or(PayloadError { expected: PAYLOAD_BYTES, got: len })?
            .copy_from_slice(bytes);
        Ok(Self(payload.into_boxed_slice()))
    }

    /// Reads the payload of a blob. Total: the top byte of each element is ignored.
    #[must_use]
    pub fn from_blob(blob: &Blob) -> Self {
        let mut payload = Vec::with_capacity(PAYLOAD_BYTES);
        for element in blob.chunks_exact(BYTES_PER_BLOB / ELEMENTS) {
            payload.extend(element.iter().skip(1));
        }
        Self(payload.into_boxed_slice())
    }

    /// The blob whose elements carry this payload with a zero top byte.
    #[must_use]
    pub fn to_blob(&self) -> Box<Blob> {
        let mut blob = Box::new(Blob::ZERO);
        let elements = blob.chunks_exact_mut(BYTES_PER_BLOB / ELEMENTS);
        for (element, bytes) in elements.zip(self.0.chunks_exact(BYTES_PER_ELEMENT)) {
            if let Some(low) = element.get_mut(1..) {
                low.copy_from_slice(bytes);
            }
        }
        blob
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
