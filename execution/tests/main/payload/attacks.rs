//! Mutated inputs: none is valid, none panics. The guest would take a panic for "not valid", so that what can be decoded is
//! checked once more, where nothing is caught.

use proptest::prelude::*;
use recourse_execution::payload::{
    BlockSchedule, ChainKind, ExecutionWitness, Malformed, PayloadError, ProtocolFork, validate,
};

use super::{OSAKA, check, guest, says_valid, transfers};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert_eq!(guest(&bytes), SENTINEL);
        bytes.splice(..0, [0x12, 1]);
        prop_assert!(is_refused(&bytes));
    }

    /// Offsets and counts of another size, mostly.
    #[test]
    fn random_words(words in prop::collection::vec((0_usize..400, any::<u16>()), 1..4)) {
        let mut bytes = OSAKA.encode_input(&transfers().input);
        for (at, word) in words {
            bytes[2 + at * 4..6 + at * 4].copy_from_slice(&u32::from(word).to_le_bytes());
        }
        prop_assert!(is_refused(&bytes));
    }
}

const SENTINEL: [u8; 43] = [0; 43];

fn is_refused(bytes: &[u8]) -> bool {
    let input = ProtocolFork::decode_input(bytes);
    let is_valid = input.is_ok_and(|(fork, input)| {
        validate(fork, &input, &BlockSchedule::osaka(), ChainKind::L2).is_ok()
    });
    !is_valid && !says_valid(&guest(bytes))
}

#[test]
fn every_flipped_byte_is_seen() {
    let good = OSAKA.encode_input(&transfers().input);
    assert!(says_valid(&guest(&good)));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(is_refused(&bad), "byte {at}");
    }
}

#[test]
fn what_is_cut_or_too_long_is_no_input() {
    let good = OSAKA.encode_input(&transfers().input);
    for len in (0..good.len()).step_by(7) {
        let result = guest(&good[..len]);
        assert!(!says_valid(&result), "{len} bytes");
    }
    for more in [1, 4, 32] {
        let long = [&good[..], &vec![0; more]].concat();
        assert!(!says_valid(&guest(&long)), "{more} bytes more");
    }
}

/// Offsets of the outermost container, behind the schema: the request, the witness, (a chain id,) the keys.
#[test]
fn offsets_have_no_gaps_and_no_overlaps() {
    let good = OSAKA.encode_input(&transfers().input);
    for at in [2, 6, 18] {
        let offset = u32::from_le_bytes(good[at..at + 4].try_into().unwrap());
        for bad in [0, 1, offset - 1, offset + 1, offset + 4, offset - 4, u32::MAX] {
            let mut moved = good.clone();
            moved[at..at + 4].copy_from_slice(&bad.to_le_bytes());
            assert_eq!(ProtocolFork::decode_input(&moved), Err(Malformed::Ssz), "{bad} at {at}");
            assert_eq!(guest(&moved), SENTINEL);
        }
    }
    // The keys before the witness.
    let mut swapped = good.clone();
    let witness: [u8; 4] = good[6..10].try_into().unwrap();
    swapped[18..22].copy_from_slice(&witness);
    swapped[6..10].copy_from_slice(&good[18..22]);
    assert_eq!(ProtocolFork::decode_input(&swapped), Err(Malformed::Ssz));
}

#[test]
fn schemas_that_are_not_known_are_no_input() {
    let good = OSAKA.encode_input(&transfers().input);
    // Amsterdam, another revision, a fork without SSZ, little-endian.
    for id in [0x1501_u16, 0x1202, 0x1200, 0x0f01, 0x0112] {
        let mut other = good.clone();
        other[..2].copy_from_slice(&id.to_be_bytes());
        assert_eq!(ProtocolFork::decode_input(&other), Err(Malformed::Schema), "{id:x}");
        assert_eq!(guest(&other), SENTINEL);
    }
    assert_eq!(ProtocolFork::decode_input(&[]), Err(Malformed::Schema));
    assert_eq!(ProtocolFork::decode_input(&[0x12]), Err(Malformed::Schema));
    assert_eq!(ProtocolFork::decode_input(&[0x12, 1]), Err(Malformed::Ssz));
}

#[test]
fn every_node_code_and_header_is_needed() {
    let good = transfers().input;
    let parts = |witness: &ExecutionWitness| (witness.state.len(), witness.codes.len());
    let (nodes, codes) = parts(&good.witness);
    assert!(nodes > 3 && codes > 3, "{nodes} nodes, {codes} codes");
    for index in 0..nodes {
        let mut bad = good.clone();
        bad.witness.state.remove(index);
        let why = check(&bad, ChainKind::L2);
        assert!(matches!(why, Err(PayloadError::Execution(_))), "node {index}: {why:?}");
    }
    for index in 0..codes {
        let mut bad = good.clone();
        bad.witness.codes.remove(index);
        let why = check(&bad, ChainKind::L2);
        assert!(matches!(why, Err(PayloadError::Execution(_))), "code {index}: {why:?}");
    }
}

#[test]
fn headers_are_a_chain_that_ends_at_the_parent() {
    let good = transfers().input;
    let headers: Vec<_> = good.witness.headers.clone().into_iter().collect();
    let with = |headers: &[_]| {
        let mut input = good.clone();
        input.witness.headers = headers.to_vec().try_into().unwrap();
        check(&input, ChainKind::L2)
    };
    assert_eq!(with(&headers[2..]), Ok(()), "the parent alone");
    assert_eq!(with(&[]), Err(PayloadError::Headers));
    assert_eq!(with(&headers[..2]), Err(recourse_execution::payload::InvalidBlock::Parent.into()));
    let gap = [headers[0].clone(), headers[2].clone()];
    let turned = [headers[1].clone(), headers[0].clone(), headers[2].clone()];
    let twice = [headers[1].clone(), headers[1].clone(), headers[2].clone()];
    for bad in [&gap[..], &turned, &twice] {
        assert_eq!(with(bad), Err(PayloadError::Headers));
    }
    let longer: Vec<u8> = headers[2].iter().copied().chain([0]).collect();
    assert_eq!(with(&[longer.try_into().unwrap()]), Err(PayloadError::Headers));
}

#[test]
fn surplus_is_harmless_but_not_many_small_items() {
    let mut input = transfers().input;
    input.witness.state.push(vec![7; 100].try_into().unwrap());
    input.witness.codes.push(vec![8; 100].try_into().unwrap());
    assert_eq!(check(&input, ChainKind::L2), Ok(()));
    let small: Vec<_> = (0..1_000).map(|_| Vec::new().try_into().unwrap()).collect();
    input.witness.state.extend(small);
    assert_eq!(check(&input, ChainKind::L2), Err(PayloadError::WitnessItems));
}
