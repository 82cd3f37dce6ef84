//! KZG: what is opened here verifies by the library's own verifier, at the bit-reversed roots of unity.

use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, U256};
use c_kzg::{Bytes32, Bytes48, ethereum_kzg_settings};
use recourse_bisection::{History, Shape, is_true_reveal};
use recourse_protocol::{CheckpointHash, StepIndex, bindings::Segment};
use recourse_trace_builder::{
    KzgError,
    kzg::{Committed, point_of, read_elements, reveal_blob},
};

use crate::l2;

fn verifies(committed: &Committed, index: usize, element: B256) -> bool {
    let bytes48 = |bytes: &[u8]| Bytes48::from_bytes(bytes).unwrap();
    ethereum_kzg_settings(0)
        .verify_kzg_proof(
            &bytes48(&committed.commitment()),
            &Bytes32::new(point_of(index).to_be_bytes()),
            &Bytes32::new(element.0),
            &bytes48(&committed.open(index).unwrap()),
        )
        .unwrap()
}

#[test]
fn openings_verify() {
    let mut blob = Blob::ZERO;
    for (index, element) in blob.chunks_exact_mut(32).enumerate() {
        element[24..].copy_from_slice(&(index as u64 * 31).to_be_bytes());
    }
    let committed = Committed::to(&blob).unwrap();
    for index in [0, 1, 2, 1234, 4095] {
        let element = committed.element(index).unwrap();
        assert_eq!(U256::from_be_bytes(element.0), U256::from(index as u64 * 31));
        assert!(verifies(&committed, index, element));
        assert!(!verifies(&committed, index, B256::with_last_byte(1)));
    }
    assert!(matches!(committed.open(4096), Err(KzgError::NoElement { .. })));
}

#[test]
fn what_is_no_blob_is_refused() {
    let blob = Blob::repeat_byte(0xff);
    assert!(matches!(Committed::to(&blob), Err(KzgError::NotABlob(_))));
    // It can be read all the same: such elements are no checkpoint hashes.
    assert_eq!(read_elements(&blob).len(), 4096);
}

#[test]
fn a_reveal_shows_the_waypoints_and_nothing_else() {
    let (_, chain) = l2::chain(4095);
    let own = chain.claim(0, 2);
    for arity in [2, 4, 4095] {
        let end = own.steps() - 1;
        let segment = Segment {
            start: 1,
            end,
            startHash: own.hash(StepIndex(1)).unwrap().0,
            endHash: own.hash(StepIndex(end)).unwrap().0,
        };
        let elements = read_elements(&reveal_blob(&own, &segment, arity).unwrap());
        assert!(is_true_reveal(&own, &segment, arity, &elements));
        let gaps = Shape::of(&segment, arity).unwrap().gaps() as usize;
        assert_eq!(elements[gaps], CheckpointHash(segment.endHash));
        assert!(elements[gaps + 1..].iter().all(|element| element.0.is_zero()));
        let other = Segment { endHash: B256::ZERO, ..segment };
        assert!(matches!(reveal_blob(&own, &other, arity), Err(KzgError::NotInHistory { .. })));
    }
}
