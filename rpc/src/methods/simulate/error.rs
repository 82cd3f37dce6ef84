//! The error codes of `eth_simulateV1`.

use revm::context::result::{EVMError, InvalidTransaction};

use crate::{
    ChainError, Rejection,
    scratch::{RunError, Scratch},
};

/// An error code of `eth_simulateV1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    NonceTooLow,
    NonceTooHigh,
    FeeTooLow,
    IntrinsicGas,
    Funds,
    BlockGas,
    BlockNumber,
    BlockTime,
    LongInit,
    ClientLimit,
    LastNonce,
    Other,
}

impl Code {
    /// The error of this code.
    pub(super) fn error(self, text: impl Into<String>) -> ChainError {
        ChainError::Coded { code: self.number(), message: text.into() }
    }

    const fn number(self) -> i32 {
        match self {
            Self::NonceTooLow => -38010,
            Self::NonceTooHigh => -38011,
            Self::FeeTooLow => -38012,
            Self::IntrinsicGas => -38013,
            Self::Funds => -38014,
            Self::BlockGas => -38015,
            Self::BlockNumber => -38020,
            Self::BlockTime => -38021,
            Self::LongInit => -38025,
            Self::ClientLimit => -38026,
            Self::LastNonce => -32603,
            Self::Other => -32602,
        }
    }
}

/// Why a call of a simulation could not be run.
pub(super) fn invalid<S: Scratch>(error: RunError<S>) -> ChainError {
    match error {
        RunError::Evm(EVMError::Transaction(invalid)) => {
            let code = code(&invalid);
            code.error(Rejection::from(invalid).to_string())
        }
        other => other.into(),
    }
}

const fn code(invalid: &InvalidTransaction) -> Code {
    use InvalidTransaction as Evm;
    match invalid {
        Evm::NonceTooLow { .. } => Code::NonceTooLow,
        Evm::NonceTooHigh { .. } => Code::NonceTooHigh,
        Evm::GasPriceLessThanBasefee => Code::FeeTooLow,
        Evm::CallGasCostMoreThanGasLimit { .. } | Evm::GasFloorMoreThanGasLimit { .. } => {
            Code::IntrinsicGas
        }
        Evm::LackOfFundForMaxFee { .. } | Evm::OverflowPaymentInTransaction => Code::Funds,
        Evm::CallerGasLimitMoreThanBlock => Code::BlockGas,
        Evm::CreateInitCodeSizeLimit => Code::LongInit,
        Evm::NonceOverflowInTransaction => Code::LastNonce,
        _ => Code::Other,
    }
}
