//! What a header must be besides the result of its block.

use alloy_consensus::{
    Block, EMPTY_OMMER_ROOT_HASH, Header, Transaction, TxEnvelope,
    proofs::{calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::{
    eip1559::BaseFeeParams, eip4844::DATA_GAS_PER_BLOB, eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::B64;

use crate::{refusal::Refused, whole::Rules};

/// EIP-7934: 10 MiB less 2 MiB for the beacon block.
const MAX_BLOCK_RLP: usize = 8_388_608;
/// Least gas limit of a block.
const MIN_GAS_LIMIT: u64 = 5_000;
/// A gas limit changes by less than this part of its parent's.
const GAS_LIMIT_DIVISOR: u64 = 1_024;
/// Most bytes of extra data.
const MAX_EXTRA_DATA: usize = 32;

type Check = (&'static str, bool);

/// The header follows from its parent, as far as it does.
pub(crate) fn check_header(
    rules: &Rules,
    parent: &Header,
    header: &Header,
    rlp_len: usize,
) -> Result<(), Refused> {
    let base_fee = parent.next_block_base_fee(BaseFeeParams::ethereum());
    let excess = parent.next_block_excess_blob_gas(rules.blobs);
    first(&[
        ("RLP_BLOCK_LIMIT_EXCEEDED", rlp_len <= MAX_BLOCK_RLP),
        ("UNKNOWN_PARENT", header.parent_hash == parent.hash_slow()),
        ("INVALID_BLOCK_NUMBER", header.number == parent.number.saturating_add(1)),
        ("INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", header.timestamp > parent.timestamp),
        ("INVALID_GASLIMIT", is_gas_limit(parent.gas_limit, header.gas_limit)),
        ("GAS_USED_OVERFLOW", header.gas_used <= header.gas_limit),
        ("INVALID_BASEFEE_PER_GAS", base_fee.is_some() && header.base_fee_per_gas == base_fee),
        ("EXTRA_DATA_TOO_BIG", header.extra_data.len() <= MAX_EXTRA_DATA),
        ("IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", header.difficulty.is_zero()),
        ("IMPORT_IMPOSSIBLE_NONCE_OVER_PARIS", header.nonce == B64::ZERO),
        ("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", header.ommers_hash == EMPTY_OMMER_ROOT_HASH),
        ("INCORRECT_EXCESS_BLOB_GAS", excess.is_some() && header.excess_blob_gas == excess),
        ("INCORRECT_BLOCK_FORMAT", header.parent_beacon_block_root.is_some()),
        ("INVALID_REQUESTS", header.requests_hash == Some(EMPTY_REQUESTS_HASH)),
    ])
}

/// The header commits to the body.
pub(crate) fn check_body(rules: &Rules, block: &Block<TxEnvelope>) -> Result<(), Refused> {
    let (header, body) = (&block.header, &block.body);
    let blobs = body.transactions.iter().filter_map(Transaction::blob_gas_used);
    let blob_gas = blobs.fold(0, u64::saturating_add);
    if blob_gas > rules.blobs.max_blob_count.saturating_mul(DATA_GAS_PER_BLOB) {
        return Err(Refused::too_many_blobs(blob_gas));
    }
    let withdrawals = body.withdrawals.as_deref().map(|list| calculate_withdrawals_root(list));
    first(&[
        ("INCORRECT_BLOB_GAS_USED", header.blob_gas_used == Some(blob_gas)),
        ("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", body.ommers.is_empty()),
        (
            "INVALID_TRANSACTIONS_ROOT",
            header.transactions_root == calculate_transaction_root(&body.transactions),
        ),
        (
            "INVALID_WITHDRAWALS_ROOT",
            withdrawals.is_some() && header.withdrawals_root == withdrawals,
        ),
    ])
}

fn is_gas_limit(parent: u64, limit: u64) -> bool {
    let step = parent / GAS_LIMIT_DIVISOR;
    limit >= MIN_GAS_LIMIT && limit.abs_diff(parent) < step
}

/// The first check that is not good.
fn first(checks: &[Check]) -> Result<(), Refused> {
    match checks.iter().find(|(_, good)| !good) {
        Some((name, _)) => Err(Refused::block(name, "header")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_gas_limit;

    #[test]
    fn gas_limits_change_slowly() {
        assert!(is_gas_limit(1_024_000, 1_024_999));
        assert!(!is_gas_limit(1_024_000, 1_025_000));
        assert!(is_gas_limit(1_024_000, 1_023_001));
        assert!(!is_gas_limit(1_024_000, 1_023_000));
        assert!(!is_gas_limit(5_002, 4_999));
    }
}
