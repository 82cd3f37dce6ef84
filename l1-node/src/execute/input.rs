//! EXECUTE's envelope and what a call asks for.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{SolType, sol_data};

/// `abi.encode(bytes32 preStateRoot, bytes32 postStateRoot, bytes trace, uint64 gasUsed)`.
type Envelope =
    (sol_data::FixedBytes<32>, sol_data::FixedBytes<32>, sol_data::Bytes, sol_data::Uint<64>);

/// A decoded envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) pre: B256,
    pub(super) post: B256,
    pub(super) trace: Bytes,
    pub(super) gas_used: u64,
}

impl Input {
    /// Decodes the canonical encoding only: re-encoding is identical, nothing trails.
    pub(super) fn decode(data: &[u8]) -> Option<Self> {
        let decoded = Envelope::abi_decode_params_validate(data).ok()?;
        if Envelope::abi_encode_params(&decoded) != data {
            return None;
        }
        let (pre, post, trace, gas_used) = decoded;
        Some(Self { pre, post, trace, gas_used })
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )]

    use super::*;

    fn encoded() -> Vec<u8> {
        let (pre, post) = (B256::repeat_byte(1), B256::repeat_byte(2));
        Envelope::abi_encode_params(&(pre, post, Bytes::from_static(b"trace"), 7_u64))
    }

    #[test]
    fn the_canonical_encoding_decodes() {
        let input = Input::decode(&encoded()).unwrap();
        assert_eq!(input.trace.as_ref(), b"trace");
        assert_eq!(input.gas_used, 7);
    }

    #[test]
    fn anything_else_does_not() {
        let good = encoded();
        assert_eq!(Input::decode(&[]), None);
        assert_eq!(Input::decode(&good[..good.len() - 1]), None);
        let mut long = good.clone();
        long.extend_from_slice(&[0; 32]);
        assert_eq!(Input::decode(&long), None, "trailing bytes");
        let mut padding = good.clone();
        *padding.last_mut().unwrap() = 1;
        assert_eq!(Input::decode(&padding), None, "dirty padding");
        let mut wide = good;
        wide[3 * 32] = 1;
        assert_eq!(Input::decode(&wide), None, "gas above 64 bits");
    }
}
