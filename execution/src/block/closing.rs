use alloy_eips::{eip7002, eip7251};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use revm::primitives::hardfork::SpecId;

use super::Piece;
use crate::{
    error::StateError,
    evm::{Meter, Reader},
    execute::ExecuteError,
};

/// What the system calls give that end a whole block of Ethereum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Closing {
    /// EIP-7002.
    pub(crate) withdrawals: Bytes,
    /// EIP-7251.
    pub(crate) consolidations: Bytes,
}

impl Piece<'_> {
    /// The system calls that end a whole block: EIP-7002 and EIP-7251, if the rules have them. No gas pays for them, so they
    /// may only reach code whose cost is known; without such code the block is invalid, as both EIPs say.
    pub(crate) fn close(&mut self) -> Result<Closing, ExecuteError> {
        if !self.engine.spec().is_enabled_in(SpecId::PRAGUE) {
            return Ok(Closing::default());
        }
        let withdrawals = eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
        let consolidations = eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS;
        Ok(Closing {
            withdrawals: self.collect(withdrawals, &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE)?,
            consolidations: self
                .collect(consolidations, &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE)?,
        })
    }

    fn collect(&mut self, contract: Address, code: &[u8]) -> Result<Bytes, ExecuteError> {
        if self.code_hash(contract)? != keccak256(bare(code)) {
            return Err(ExecuteError::Predeploy(contract));
        }
        let result = self.system_call(contract, Bytes::new())?;
        if !result.is_success() {
            return Err(ExecuteError::Predeploy(contract));
        }
        Ok(result.into_output().unwrap_or_default())
    }

    /// The hash of an account's code, or zero when there is no account.
    pub(crate) fn code_hash(&mut self, address: Address) -> Result<B256, StateError> {
        let (world, source) = self.source();
        let mut meter = Meter::off();
        let account = world.account(address, &mut Reader::new(source, &mut meter))?;
        Ok(account.unwrap_or_default().code_hash)
    }
}

/// Without the zeros that alloy has behind EIP-7251's code.
fn bare(code: &[u8]) -> &[u8] {
    let len = code.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    code.get(..len).unwrap_or_default()
}
