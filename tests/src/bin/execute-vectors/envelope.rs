//! The precompile's input.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{SolType, sol_data};

type Envelope =
    (sol_data::FixedBytes<32>, sol_data::FixedBytes<32>, sol_data::Bytes, sol_data::Uint<64>);

/// `abi.encode(bytes32 preStateRoot, bytes32 postStateRoot, bytes trace, uint64 gasUsed)`.
pub(crate) fn encode(pre: B256, post: B256, trace: &[u8], gas_used: u64) -> Bytes {
    Envelope::abi_encode_params(&(pre, post, Bytes::copy_from_slice(trace), gas_used)).into()
}
