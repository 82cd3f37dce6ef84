//! Why a block is invalid, by the names of EEST.

use std::fmt;

use recourse_execution::{
    Invalid,
    payload::{InvalidBlock, PayloadError},
};
use revm::context::result::InvalidTransaction;

/// A block is invalid.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// As EEST calls it.
    name: String,
    why: String,
}

impl Refused {
    /// The block itself is to blame.
    pub(crate) fn block(name: &str, why: impl fmt::Display) -> Self {
        Self { name: format!("BlockException.{name}"), why: why.to_string() }
    }

    fn transaction(name: &str, why: impl fmt::Display) -> Self {
        Self { name: format!("TransactionException.{name}"), why: why.to_string() }
    }

    /// Whether a test expects this: alternatives have a `|` between them.
    pub(crate) fn is_one_of(&self, expected: &str) -> bool {
        expected.split('|').any(|name| name == self.name)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.why)
    }
}

/// A rule of blocks.
pub(crate) fn of_block(invalid: &InvalidBlock) -> Refused {
    use InvalidBlock as I;
    let name = match invalid {
        I::TooLarge(_) => "RLP_BLOCK_LIMIT_EXCEEDED",
        I::Parent => "UNKNOWN_PARENT",
        I::Number => "INVALID_BLOCK_NUMBER",
        I::Timestamp => "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT",
        I::GasLimit => "INVALID_GASLIMIT",
        I::GasUsedOverLimit => "GAS_USED_OVERFLOW",
        I::BaseFee => "INVALID_BASEFEE_PER_GAS",
        I::ExtraData => "EXTRA_DATA_TOO_BIG",
        I::Difficulty => "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS",
        I::Nonce => "IMPORT_IMPOSSIBLE_NONCE_OVER_PARIS",
        I::Ommers => "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS",
        I::ExcessBlobGas => "INCORRECT_EXCESS_BLOB_GAS",
        I::Format => "INCORRECT_BLOCK_FORMAT",
        I::Requests => "INVALID_REQUESTS",
        // The transactions carry more than a block may; the header may hide that or not.
        I::TooManyBlobs(_) => {
            return Refused::transaction("TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", invalid);
        }
        I::BlobGasUsed => "INCORRECT_BLOB_GAS_USED",
        I::TransactionsRoot => "INVALID_TRANSACTIONS_ROOT",
        I::WithdrawalsRoot => "INVALID_WITHDRAWALS_ROOT",
        I::GasUsed(_) => "INVALID_GAS_USED",
        I::ReceiptsRoot => "INVALID_RECEIPTS_ROOT",
        I::LogsBloom => "INVALID_LOG_BLOOM",
        I::StateRoot(_) => "INVALID_STATE_ROOT",
    };
    Refused::block(name, invalid)
}

/// A payload is invalid.
pub(crate) fn of_payload(error: &PayloadError) -> Refused {
    match error {
        PayloadError::Block(invalid) => of_block(invalid),
        PayloadError::Transaction(invalid) => of_transaction(invalid),
        // What a payload has no field for is judged by the hash.
        PayloadError::BlockHash { .. } => Refused::block("INVALID_BLOCK_HASH", error),
        other => Refused::block("UNNAMED", other),
    }
}

/// A transaction of the block is to blame.
pub(crate) fn of_transaction(invalid: &Invalid) -> Refused {
    match invalid {
        Invalid::Undecodable => Refused::block("RLP_STRUCTURES_ENCODING", invalid),
        Invalid::Blob => Refused::transaction("TYPE_NOT_SUPPORTED", invalid),
        Invalid::Signature => Refused::transaction("INVALID_SIGNATURE_VRS", invalid),
        Invalid::BlockGas { .. } => Refused::transaction("GAS_ALLOWANCE_EXCEEDED", invalid),
        Invalid::Rules(rules) => Refused::transaction(of_rules(rules), rules),
    }
}

fn of_rules(invalid: &InvalidTransaction) -> &'static str {
    use InvalidTransaction as I;
    match invalid {
        I::LackOfFundForMaxFee { .. } | I::OverflowPaymentInTransaction => {
            "INSUFFICIENT_ACCOUNT_FUNDS"
        }
        I::CallGasCostMoreThanGasLimit { .. } => "INTRINSIC_GAS_TOO_LOW",
        I::GasFloorMoreThanGasLimit { .. } => "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST",
        I::NonceTooHigh { .. } => "NONCE_MISMATCH_TOO_HIGH",
        I::NonceTooLow { .. } => "NONCE_MISMATCH_TOO_LOW",
        I::NonceOverflowInTransaction => "NONCE_IS_MAX",
        I::CreateInitCodeSizeLimit => "INITCODE_SIZE_EXCEEDED",
        I::GasPriceLessThanBasefee => "INSUFFICIENT_MAX_FEE_PER_GAS",
        I::PriorityFeeGreaterThanMaxFee => "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
        I::RejectCallerWithCode => "SENDER_NOT_EOA",
        I::InvalidChainId => "INVALID_CHAINID",
        I::TxGasLimitGreaterThanCap { .. } => "GAS_LIMIT_EXCEEDS_MAXIMUM",
        I::BlobGasPriceGreaterThanMax { .. } => "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS",
        I::EmptyBlobs => "TYPE_3_TX_ZERO_BLOBS",
        I::TooManyBlobs { .. } => "TYPE_3_TX_BLOB_COUNT_EXCEEDED",
        I::BlobVersionNotSupported => "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH",
        I::BlobCreateTransaction => "TYPE_3_TX_CONTRACT_CREATION",
        I::EmptyAuthorizationList => "TYPE_4_EMPTY_AUTHORIZATION_LIST",
        _ => "UNNAMED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_of_the_alternatives_by_its_whole_name() {
        let refused = of_transaction(&Invalid::Rules(InvalidTransaction::EmptyBlobs));
        assert!(refused.is_one_of("BlockException.X|TransactionException.TYPE_3_TX_ZERO_BLOBS"));
        assert!(!refused.is_one_of("TransactionException.TYPE_3_TX_ZERO_BLOBS_X"));
        assert!(!refused.is_one_of("TYPE_3_TX_ZERO_BLOBS"));
    }
}
