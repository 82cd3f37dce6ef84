use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{SolValue, abi::AbiDecoderConfig};
use recourse_protocol::bindings::Trace;

use super::ExecuteError;
use crate::witness::Witness;

/// Reads the canonical ABI encoding of a trace.
pub(super) fn decode(bytes: &[u8]) -> Result<Trace, ExecuteError> {
    // Offsets can overlap and be out of order; only one encoding is meant. Strict decoding refuses them before it copies
    // anything: else many transactions could name the same bytes, and a small trace take a gigabyte.
    let strict = AbiDecoderConfig::new().strict(true);
    let trace = Trace::abi_decode_with_config(bytes, strict).map_err(|_| ExecuteError::Trace)?;
    if trace.abi_encoded_size() != bytes.len() || trace.abi_encode() != bytes {
        return Err(ExecuteError::Trace);
    }
    if !trace.seals && !trace.credits.is_empty() {
        return Err(ExecuteError::CreditsWithoutSeal);
    }
    Ok(trace)
}

/// The witness: the inline bytes, then those pointed to.
pub(super) fn witness(
    trace: &Trace,
    code_of: &dyn Fn(Address) -> Option<Bytes>,
) -> Result<Witness, ExecuteError> {
    if trace.pointers.is_empty() {
        return Witness::decode_shared(&trace.witness).map_err(ExecuteError::Witness);
    }
    let mut bytes = trace.witness.to_vec();
    for pointer in &trace.pointers {
        let code = code_of(*pointer).unwrap_or_default();
        match code.split_first() {
            Some((0, part)) => bytes.extend_from_slice(part),
            _ => return Err(ExecuteError::Pointer(*pointer)),
        }
    }
    Witness::decode_shared(&bytes.into()).map_err(ExecuteError::Witness)
}
