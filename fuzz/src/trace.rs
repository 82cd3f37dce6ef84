//! The trace decoder: the precompile's strict one, the meter's lenient one, and the ABI library must agree.

use alloy_primitives::B256;
use alloy_sol_types::{SolValue, abi::AbiDecoderConfig};
use recourse_execution::{Claim, ExecuteError, Schedule, TraceShape, replay};
use recourse_protocol::bindings::Trace;

/// Takes the input as `abi.encode(Trace)`.
pub fn run(data: &[u8]) {
    let shape = TraceShape::of(data);
    let words = (data.len() / 32) as u64;
    assert!(shape.transactions <= words && shape.credits <= words);
    assert!(shape.pointers.len() as u64 <= words);

    let claim = Claim { pre: B256::ZERO, post: B256::ZERO, trace: data, gas_used: 0 };
    let refused = replay(&claim, &Schedule::osaka(), &|_| None) == Err(ExecuteError::Trace);

    // The library's own decoder, as lenient as it is: one encoding of a trace is accepted, and it is the library's.
    let decoded = Trace::abi_decode(data).ok().filter(|trace| trace.abi_encode() == data);
    assert_eq!(refused, decoded.is_none(), "the canonical encoding, and no other, is read");
    let Some(trace) = decoded else { return };
    let strict = AbiDecoderConfig::new().strict(true);
    assert_eq!(Trace::abi_decode_with_config(data, strict).as_ref(), Ok(&trace));
    let expected = TraceShape {
        opens: trace.opens,
        transactions: trace.transactions.len() as u64,
        credits: trace.credits.len() as u64,
        pointers: trace.pointers,
    };
    assert_eq!(shape, expected, "what is charged for is what is there");
}
