//! Encodings and roots that remerkleable made (`execution/tests/ssz/vectors.py`).

use alloy_primitives::{B256, Bytes, hex};
use recourse_execution::payload::{ProtocolFork, StatelessValidationResult};
use serde_json::Value;

#[test]
fn inputs_roots_and_results_are_those_of_another_library() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../ssz/vectors.json")).unwrap();
    assert_eq!(cases.len(), 16);
    for (index, case) in cases.iter().enumerate() {
        let bytes = |name: &str| -> Bytes { case[name].as_str().unwrap().parse().unwrap() };
        let (fork, input) = ProtocolFork::decode_input(&bytes("input")).unwrap();
        assert_eq!(fork.encode_input(&input), bytes("input"), "case {index}");
        let root = fork.request_root(&input.new_payload_request);
        assert_eq!(hex::encode_prefixed(root), case["root"].as_str().unwrap(), "case {index}");
        let result = StatelessValidationResult {
            new_payload_request_root: B256::from_slice(&bytes("root")).0,
            successful_validation: case["successful"].as_bool().unwrap(),
            chain_id: input.chain_id,
            schema_id: fork.schema_id(),
        };
        assert_eq!(result.encode(), bytes("result"), "case {index}");
    }
}
