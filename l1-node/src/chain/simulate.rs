//! Execution that leaves nothing behind.

use alloy_evm::{
    Evm as _,
    overrides::{StateOverrideError, apply_state_overrides},
};
use recourse_rpc::{Call, ChainError};
use revm::context::result::ResultAndState;

use super::evm;
use crate::{
    execute::Meter,
    state::{State, StateError, evm_error},
};

/// A state to execute on, taken out of the chain so that the chain can go on meanwhile.
#[derive(Debug)]
pub(crate) struct Simulation {
    state: State,
    execute: bool,
}

impl Simulation {
    /// On this state, with EXECUTE or without.
    pub(crate) const fn on(state: State, execute: bool) -> Self {
        Self { state, execute }
    }

    /// Executes a call. EXECUTE has a whole block's capacity for it.
    pub(crate) fn run(mut self, call: Call) -> Result<ResultAndState, ChainError> {
        if let Some(overrides) = call.overrides {
            apply_state_overrides(overrides, &mut self.state).map_err(override_error)?;
        }
        let meter = Meter::default();
        let meter = self.execute.then_some(&meter);
        let mut evm = evm::evm_priced(self.state, call.env, call.base_fee, meter)?;
        evm.transact(call.tx).map_err(evm_error)
    }
}

fn override_error(error: StateOverrideError<StateError>) -> ChainError {
    match error {
        StateOverrideError::Database(error) => error.into(),
        other => ChainError::InvalidParams(other.to_string()),
    }
}
