//! The EVM's reasons to refuse a transaction, in the words that clients know.

use revm::context::result::{EVMError, InvalidTransaction};

use crate::{ChainError, Rejection};

impl From<InvalidTransaction> for Rejection {
    fn from(invalid: InvalidTransaction) -> Self {
        use InvalidTransaction as Evm;
        match invalid {
            Evm::NonceTooLow { tx, state } => Self::NonceTooLow { expected: state, got: tx },
            Evm::NonceTooHigh { tx, state } => Self::NonceTooHigh { expected: state, got: tx },
            Evm::LackOfFundForMaxFee { fee, balance } => {
                Self::InsufficientFunds { balance: *balance, cost: *fee }
            }
            Evm::GasPriceLessThanBasefee => Self::FeeTooLow,
            Evm::BlobGasPriceGreaterThanMax { .. } => Self::BlobFeeTooLow,
            Evm::CallerGasLimitMoreThanBlock => Self::OverBlockGas,
            Evm::TxGasLimitGreaterThanCap { gas_limit, cap } => {
                Self::OverTxGas { cap, got: gas_limit }
            }
            Evm::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => Self::Invalid(format!(
                "intrinsic gas too low: gas {gas_limit}, minimum needed {initial_gas}"
            )),
            Evm::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => Self::Invalid(format!(
                "insufficient gas for floor data gas cost: gas {gas_limit}, minimum needed {gas_floor}"
            )),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl<E> From<EVMError<E, InvalidTransaction>> for ChainError
where
    E: std::error::Error + Send + Sync + 'static,
{
    fn from(error: EVMError<E, InvalidTransaction>) -> Self {
        match error {
            EVMError::Transaction(invalid) => Self::Rejected(invalid.into()),
            EVMError::Database(source) => Self::internal(source),
            other => Self::Internal(other.to_string().into()),
        }
    }
}
