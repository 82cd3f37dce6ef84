//! Openings of single elements.

use std::collections::HashMap;

use alloy_eips::eip4844::{Blob, kzg_to_versioned_hash};
use alloy_primitives::{B256, Bytes, U256, keccak256, uint};
use c_kzg::{Bytes32, ethereum_kzg_settings};

/// The order of BLS12-381's scalar field.
pub(super) const MODULUS: U256 =
    uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);

/// A blob with its commitment, and the openings made so far.
pub(super) struct Committed {
    blob: c_kzg::Blob,
    pub(super) commitment: Bytes,
    pub(super) versioned_hash: B256,
    proofs: HashMap<usize, (B256, Bytes)>,
    whole: Option<Bytes>,
}

impl Committed {
    pub(super) fn new(blob: &Blob) -> Self {
        let blob = c_kzg::Blob::new(blob.0);
        let commitment = ethereum_kzg_settings(0).blob_to_kzg_commitment(&blob).unwrap();
        let bytes = commitment.to_bytes().into_inner();
        let versioned_hash = kzg_to_versioned_hash(&bytes);
        Self {
            blob,
            commitment: bytes.to_vec().into(),
            versioned_hash,
            proofs: HashMap::new(),
            whole: None,
        }
    }

    /// Element `index` with its proof.
    pub(super) fn open(&mut self, index: usize) -> (B256, Bytes) {
        let blob = &self.blob;
        let opened = self.proofs.entry(index).or_insert_with(|| {
            let z = Bytes32::new(point(index).to_be_bytes());
            let (proof, y) = ethereum_kzg_settings(0).compute_kzg_proof(blob, &z).unwrap();
            assert_eq!(&*y, &blob[index * 32..index * 32 + 32], "the point of element {index}");
            (B256::from_slice(&*y), proof.to_bytes().into_inner().to_vec().into())
        });
        opened.clone()
    }

    /// All elements, and the one proof for them.
    pub(super) fn open_whole(&mut self) -> (Vec<B256>, Bytes) {
        let (blob, commitment) = (&self.blob, &self.commitment);
        let proof = self.whole.get_or_insert_with(|| {
            let mut asked = b"recourse.whole-blob.1".to_vec();
            asked.resize(32, 0);
            asked.extend_from_slice(commitment);
            asked.extend_from_slice(keccak256(&blob[..]).as_slice());
            let z = U256::from_be_bytes(keccak256(asked).0) % MODULUS;
            let z = Bytes32::new(z.to_be_bytes());
            let (proof, _) = ethereum_kzg_settings(0).compute_kzg_proof(blob, &z).unwrap();
            proof.to_bytes().into_inner().to_vec().into()
        });
        (blob.chunks_exact(32).map(B256::from_slice).collect(), proof.clone())
    }
}

/// The root of unity that element `index` is the value at: the bit-reversed one.
fn point(index: usize) -> U256 {
    let exponent = (MODULUS - U256::ONE) / U256::from(4096);
    let root = U256::from(7).pow_mod(exponent, MODULUS);
    let reversed = index.reverse_bits() >> (usize::BITS - 12);
    root.pow_mod(U256::from(reversed), MODULUS)
}
