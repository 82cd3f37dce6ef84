//! Blobs of checkpoints, and openings of any blob's elements (EIP-4844).

use std::sync::Arc;

use alloy_eips::eip4844::{BYTES_PER_BLOB, Blob, kzg_to_versioned_hash};
use alloy_primitives::{B256, Bytes, U256, keccak256, uint};
use c_kzg::{Bytes32, KzgSettings, ethereum_kzg_settings};
use recourse_bisection::{History, Shape};
use recourse_protocol::{
    CheckpointHash, ELEMENTS, StepIndex,
    bindings::{BlobOpening, Segment},
};

const BYTES_PER_ELEMENT: usize = BYTES_PER_BLOB / ELEMENTS;
/// Order of BLS12-381's scalar field: elements are below it.
const MODULUS: U256 =
    uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);
/// A primitive 4,096th root of unity, `7^((MODULUS - 1) / 4096)`, as in the consensus specs.
const ROOT: U256 = uint!(0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306_U256);
/// What is hashed for the point of a whole blob is hashed for nothing else.
const WHOLE_BLOB_TAG: &[u8] = b"recourse.whole-blob.1";
/// log2 of the elements of a blob.
const INDEX_BITS: u32 = ELEMENTS.ilog2();

/// Where whole blobs come from, as L1 carried them: also the bytes that a tape ignores.
pub trait Blobs {
    /// Why a blob could not be had.
    type Error: core::error::Error + 'static;

    /// The blob of a versioned hash.
    ///
    /// # Errors
    /// When it is unknown or could not be read.
    fn blob(&self, versioned_hash: B256) -> Result<Arc<Blob>, Self::Error>;
}

/// An opening could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KzgError {
    /// A blob has 4,096 elements.
    #[error("no element {got}: a blob has {expected}")]
    NoElement {
        /// Elements of a blob.
        expected: usize,
        /// The index asked for.
        got: usize,
    },
    /// The blob has an element that is no field element, so it has no commitment: no L1 block carried it.
    #[error("not a blob")]
    NotABlob(#[source] c_kzg::Error),
    /// The library gave another value than the blob has: never seen.
    #[error("element {index} should open to {expected}, got {got}")]
    WrongValue {
        /// Which.
        index: usize,
        /// What the blob has.
        expected: B256,
        /// What the proof would show.
        got: B256,
    },
    /// A segment has nothing to reveal, or is no part of the history.
    #[error("the history does not have the segment [{start}, {end})")]
    NotInHistory {
        /// First position.
        start: u64,
        /// Last position.
        end: u64,
    },
}

/// One blob with its commitment, to open elements of.
#[derive(Debug)]
pub struct Committed {
    blob: Box<c_kzg::Blob>,
    commitment: c_kzg::KzgCommitment,
}

impl Committed {
    /// Commits to a blob.
    ///
    /// # Errors
    /// [`KzgError::NotABlob`].
    pub fn to(blob: &Blob) -> Result<Self, KzgError> {
        let blob =
            c_kzg::Blob::from_bytes(blob.as_slice()).map(Box::new).map_err(KzgError::NotABlob)?;
        let commitment = settings().blob_to_kzg_commitment(&blob).map_err(KzgError::NotABlob)?;
        Ok(Self { blob, commitment })
    }

    /// The commitment, 48 bytes.
    #[must_use]
    pub fn commitment(&self) -> Bytes {
        Bytes::copy_from_slice(self.commitment.as_slice())
    }

    /// What L1 knows the blob by.
    #[must_use]
    pub fn versioned_hash(&self) -> B256 {
        kzg_to_versioned_hash(self.commitment.as_slice())
    }

    /// One element.
    ///
    /// # Errors
    /// [`KzgError::NoElement`].
    pub fn element(&self, index: usize) -> Result<B256, KzgError> {
        let mut elements = self.blob.as_ref().as_ref().chunks_exact(BYTES_PER_ELEMENT);
        let missing = KzgError::NoElement { expected: ELEMENTS, got: index };
        elements.nth(index).map(B256::from_slice).ok_or(missing)
    }

    /// The proof that element `index` is what it is, 48 bytes.
    ///
    /// # Errors
    /// [`KzgError`].
    pub fn open(&self, index: usize) -> Result<Bytes, KzgError> {
        let expected = self.element(index)?;
        let point = Bytes32::new(point_of(index).to_be_bytes());
        let (proof, value) =
            settings().compute_kzg_proof(&self.blob, &point).map_err(KzgError::NotABlob)?;
        let got = B256::from_slice(value.as_ref());
        if got != expected {
            return Err(KzgError::WrongValue { index, expected, got });
        }
        Ok(Bytes::copy_from_slice(proof.as_slice()))
    }

    /// Openings of elements `first..=last`, one by one.
    ///
    /// # Errors
    /// [`KzgError`].
    pub fn open_range(&self, first: usize, last: usize) -> Result<BlobOpening, KzgError> {
        Ok(BlobOpening {
            commitment: self.commitment(),
            elements: (first..=last).map(|at| self.element(at)).collect::<Result<_, _>>()?,
            proofs: (first..=last).map(|at| self.open(at)).collect::<Result<_, _>>()?,
            pointers: Vec::new(),
        })
    }

    /// All elements.
    #[must_use]
    pub fn elements(&self) -> Vec<B256> {
        self.blob.as_ref().as_ref().chunks_exact(BYTES_PER_ELEMENT).map(B256::from_slice).collect()
    }

    /// The one proof for all elements, 48 bytes: of the evaluation at [`challenge`](Self::challenge).
    ///
    /// # Errors
    /// [`KzgError`].
    pub fn open_whole(&self) -> Result<Bytes, KzgError> {
        let point = Bytes32::new(self.challenge().to_be_bytes());
        let (proof, _) =
            settings().compute_kzg_proof(&self.blob, &point).map_err(KzgError::NotABlob)?;
        Ok(Bytes::copy_from_slice(proof.as_slice()))
    }

    /// The point at which the contracts ask a whole blob: a hash of the commitment and all elements.
    #[must_use]
    pub fn challenge(&self) -> U256 {
        let elements = keccak256(self.blob.as_ref().as_ref());
        let tag = B256::right_padding_from(WHOLE_BLOB_TAG);
        let all = [tag.as_slice(), self.commitment.as_slice(), elements.as_slice()].concat();
        U256::from_be_bytes(keccak256(all).0).reduce_mod(MODULUS)
    }
}

/// The point at which a blob's polynomial has the value of element `index`: the root of unity whose exponent is the index
/// with its 12 bits reversed.
#[must_use]
pub fn point_of(index: usize) -> U256 {
    let index = u32::try_from(index % ELEMENTS).unwrap_or_default();
    let exponent = index.reverse_bits() >> u32::BITS.saturating_sub(INDEX_BITS);
    ROOT.pow_mod(U256::from(exponent), MODULUS)
}

/// The blob that reveals a segment of a history: its waypoints, then zeros.
///
/// # Errors
/// [`KzgError::NotInHistory`].
pub fn reveal_blob(
    own: &impl History,
    segment: &Segment,
    arity: u32,
) -> Result<Box<Blob>, KzgError> {
    let missing = || KzgError::NotInHistory { start: segment.start, end: segment.end };
    let shape = Shape::of(segment, arity).ok_or_else(missing)?;
    let ends = [(segment.start, segment.startHash), (segment.end, segment.endHash)];
    if ends.iter().any(|(at, hash)| own.hash(StepIndex(*at)) != Some(CheckpointHash(*hash))) {
        return Err(missing());
    }
    let mut blob = Box::new(Blob::ZERO);
    for (element, at) in blob.chunks_exact_mut(BYTES_PER_ELEMENT).zip(shape.waypoints()) {
        element.copy_from_slice(own.hash(at).ok_or_else(missing)?.0.as_slice());
    }
    Ok(blob)
}

/// All elements of a blob, read as checkpoint hashes. Those that are no checkpoint hash (a first byte that is not zero)
/// are equal to none; those past a segment's last waypoint mean nothing.
#[must_use]
pub fn read_elements(blob: &Blob) -> Arc<[CheckpointHash]> {
    blob.chunks_exact(BYTES_PER_ELEMENT).map(|e| CheckpointHash(B256::from_slice(e))).collect()
}

fn settings() -> &'static KzgSettings {
    // Precomputation speeds up cell proofs only, which are not made here.
    ethereum_kzg_settings(0)
}
