//! Lists longer than their limits. Their encoder lets them be as long as they like, so they are written here.

use libssz_types::SszList;
use recourse_execution::payload::{
    MAX_BYTES_PER_CODE, MAX_BYTES_PER_HEADER, MAX_BYTES_PER_WITNESS_NODE,
    MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD, MAX_EXTRA_DATA_BYTES, MAX_WITHDRAWALS_PER_PAYLOAD,
    MAX_WITNESS_HEADERS, Malformed, ProtocolFork, StatelessInput,
};

use super::{OSAKA, transfers};

/// Where the offsets of the containers stand, from the start of each.
mod at {
    /// Of the witness, in the input.
    pub(super) const WITNESS: usize = 4;
}

fn decodes(input: &StatelessInput) -> bool {
    ProtocolFork::decode_input(&OSAKA.encode_input(input)).is_ok()
}

fn bytes<const N: usize>(len: usize) -> SszList<u8, N> {
    vec![0xab; len].try_into().unwrap()
}

#[test]
fn lists_at_their_limits_are_read() {
    let mut input = transfers().input;
    input.witness.state = vec![bytes(MAX_BYTES_PER_WITNESS_NODE)];
    input.witness.codes = vec![bytes(MAX_BYTES_PER_CODE)];
    let headers = vec![bytes(MAX_BYTES_PER_HEADER); MAX_WITNESS_HEADERS];
    input.witness.headers = headers.try_into().unwrap();
    let payload = &mut input.new_payload_request.execution_payload;
    payload.extra_data = bytes(MAX_EXTRA_DATA_BYTES);
    let withdrawals = vec![Default::default(); MAX_WITHDRAWALS_PER_PAYLOAD];
    payload.withdrawals = withdrawals.try_into().unwrap();
    assert!(decodes(&input));
}

/// The last list of a container grows by what is put at its end; all offsets before it stay.
#[test]
fn a_list_over_its_limit_is_no_input() {
    let witness = |state: Vec<Vec<u8>>, codes: Vec<Vec<u8>>, headers: Vec<Vec<u8>>| {
        container(&[list(&state), list(&codes), list(&headers)])
    };
    let one = |len| vec![vec![0xab; len]];
    let good = witness(one(MAX_BYTES_PER_WITNESS_NODE), one(5), vec![]);
    assert!(decode_with(&good).is_ok());
    let bad = [
        witness(one(MAX_BYTES_PER_WITNESS_NODE + 1), vec![], vec![]),
        witness(vec![], one(MAX_BYTES_PER_CODE + 1), vec![]),
        witness(vec![], vec![], one(MAX_BYTES_PER_HEADER + 1)),
        witness(vec![], vec![], vec![vec![1]; MAX_WITNESS_HEADERS + 1]),
    ];
    for (index, bad) in bad.iter().enumerate() {
        assert_eq!(decode_with(bad), Err(Malformed::Ssz), "case {index}");
    }
}

#[test]
fn a_request_over_its_limits_is_no_input() {
    let input = transfers().input;
    let good = OSAKA.encode_input(&input);
    // The last of the request's lists are the consolidations: 116 bytes each, at the end of the request.
    let end = 2 + offset(&good[2..], at::WITNESS);
    let with = |more: usize| {
        let mut bytes = good[..end].to_vec();
        bytes.extend(vec![0; more * 116]);
        bytes.extend(&good[end..]);
        for at in [2 + at::WITNESS, 2 + 16] {
            let moved = offset(&good, at) + more * 116;
            bytes[at..at + 4].copy_from_slice(&(moved as u32).to_le_bytes());
        }
        ProtocolFork::decode_input(&bytes).map(|(_, input)| input)
    };
    let most = with(MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD).unwrap();
    assert_eq!(most.new_payload_request.execution_requests.consolidations.len(), 2);
    assert_eq!(with(MAX_CONSOLIDATION_REQUESTS_PER_PAYLOAD + 1), Err(Malformed::Ssz));
}

fn offset(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The input with another witness.
fn decode_with(witness: &[u8]) -> Result<(), Malformed> {
    let mut empty = transfers().input;
    empty.public_keys.clear();
    let good = OSAKA.encode_input(&empty);
    let start = 2 + offset(&good[2..], at::WITNESS);
    let mut bytes = [&good[..start], witness].concat();
    let keys = (start - 2 + witness.len()) as u32;
    bytes[2 + 16..2 + 20].copy_from_slice(&keys.to_le_bytes());
    ProtocolFork::decode_input(&bytes).map(|_| ())
}

/// SSZ of a list of byte lists.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    container(items)
}

/// Offsets, then what they point to: a container of variable fields, and a list of such.
fn container(fields: &[Vec<u8>]) -> Vec<u8> {
    let mut at = fields.len() * 4;
    let mut out = Vec::new();
    for field in fields {
        out.extend((at as u32).to_le_bytes());
        at += field.len();
    }
    out.extend(fields.concat());
    out
}
