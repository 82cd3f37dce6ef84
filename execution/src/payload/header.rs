use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, Transaction, TxEnvelope};
use alloy_eips::{eip1559::BaseFeeParams, eip4844::DATA_GAS_PER_BLOB};
use alloy_primitives::B64;
use revm::primitives::hardfork::SpecId;

use super::{BlockRules, InvalidBlock};

/// EIP-7934: 10 MiB less 2 MiB for the beacon block.
const MAX_BLOCK_RLP: usize = 8_388_608;
/// Least gas limit of a block.
const MIN_GAS_LIMIT: u64 = 5_000;
/// A gas limit changes by less than this part of its parent's.
const GAS_LIMIT_DIVISOR: u64 = 1_024;
/// Most bytes of extra data.
const MAX_EXTRA_DATA: usize = 32;
/// Fees and excesses that can grow by a block without an overflow.
const MOST_COMPUTABLE: u64 = 1 << 63;
/// Blob gas that can be multiplied by a number of blobs; a block has some 2^22.
const MOST_BLOB_GAS: u64 = 1 << 32;

/// The header follows from its parent, as far as it does. `rlp_len` is the length of the whole block.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_header(
    rules: &BlockRules,
    parent: &Header,
    header: &Header,
    rlp_len: usize,
) -> Result<(), InvalidBlock> {
    use InvalidBlock as I;
    let spec = rules.fork.spec();
    let limited = spec.is_enabled_in(SpecId::OSAKA);
    if !is_computable(parent) {
        return Err(I::Parent);
    }
    let base_fee = parent.next_block_base_fee(BaseFeeParams::ethereum());
    let excess = parent.next_block_excess_blob_gas(rules.blobs);
    first(&[
        (I::TooLarge(rlp_len), !limited || rlp_len <= MAX_BLOCK_RLP),
        (I::Parent, header.parent_hash == parent.hash_slow()),
        (I::Number, Some(header.number) == parent.number.checked_add(1)),
        (I::Timestamp, header.timestamp > parent.timestamp),
        (I::GasLimit, is_gas_limit(parent.gas_limit, header.gas_limit)),
        (I::GasUsedOverLimit, header.gas_used <= header.gas_limit),
        (I::BaseFee, base_fee.is_some() && header.base_fee_per_gas == base_fee),
        (I::ExtraData, header.extra_data.len() <= MAX_EXTRA_DATA),
        (I::Difficulty, header.difficulty.is_zero()),
        (I::Nonce, header.nonce == B64::ZERO),
        (I::Ommers, header.ommers_hash == EMPTY_OMMER_ROOT_HASH),
        (I::ExcessBlobGas, excess.is_some() && header.excess_blob_gas == excess),
        (I::Format, header.parent_beacon_block_root.is_some()),
        (I::Format, header.requests_hash.is_some() == spec.is_enabled_in(SpecId::PRAGUE)),
    ])
}

/// The block carries the blob gas that its header says, and no more than it may.
///
/// # Errors
/// When it does not.
pub fn check_blobs(
    rules: &BlockRules,
    header: &Header,
    transactions: &[TxEnvelope],
) -> Result<(), InvalidBlock> {
    let blobs = transactions.iter().filter_map(Transaction::blob_gas_used);
    let gas = blobs.fold(0, u64::saturating_add);
    let most = rules.blobs.max_blob_count.saturating_mul(DATA_GAS_PER_BLOB);
    first(&[
        (InvalidBlock::TooManyBlobs(gas), gas <= most),
        (InvalidBlock::BlobGasUsed, header.blob_gas_used == Some(gas)),
    ])
}

/// What a header must be is computed from its parent in 64 bits, by code that does not look at overflows. No chain's headers come
/// near them; a parent that somebody made up must neither wrap around nor panic.
fn is_computable(parent: &Header) -> bool {
    let below = |value: Option<u64>, limit: u64| value.is_none_or(|value| value < limit);
    parent.gas_used <= parent.gas_limit
        && below(parent.base_fee_per_gas, MOST_COMPUTABLE)
        && below(parent.excess_blob_gas, MOST_COMPUTABLE)
        && below(parent.blob_gas_used, MOST_BLOB_GAS)
}

fn is_gas_limit(parent: u64, limit: u64) -> bool {
    let step = parent / GAS_LIMIT_DIVISOR;
    limit >= MIN_GAS_LIMIT && limit.abs_diff(parent) < step
}

/// The first check that is not good.
pub(super) fn first(checks: &[(InvalidBlock, bool)]) -> Result<(), InvalidBlock> {
    match checks.iter().find(|(_, good)| !good) {
        Some((why, _)) => Err(*why),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::Header;

    use super::{is_computable, is_gas_limit};

    #[test]
    fn parents_that_overflow_are_no_parents() {
        let good = Header {
            gas_limit: 60_000_000,
            gas_used: 60_000_000,
            base_fee_per_gas: Some((1 << 63) - 1),
            excess_blob_gas: Some((1 << 63) - 1),
            blob_gas_used: Some(1 << 22),
            ..Header::default()
        };
        assert!(is_computable(&good));
        assert!(is_computable(&Header::default()), "older than fees and blobs");
        let bad = [
            Header { gas_used: 60_000_001, ..good.clone() },
            Header { base_fee_per_gas: Some(u64::MAX), ..good.clone() },
            Header { excess_blob_gas: Some(u64::MAX - 131_071), ..good.clone() },
            Header { blob_gas_used: Some(u64::MAX / 3), ..good.clone() },
        ];
        for parent in bad {
            assert!(!is_computable(&parent), "{parent:?}");
        }
    }

    #[test]
    fn gas_limits_change_slowly() {
        assert!(is_gas_limit(1_024_000, 1_024_999));
        assert!(!is_gas_limit(1_024_000, 1_025_000));
        assert!(is_gas_limit(1_024_000, 1_023_001));
        assert!(!is_gas_limit(1_024_000, 1_023_000));
        assert!(!is_gas_limit(5_002, 4_999));
    }
}
