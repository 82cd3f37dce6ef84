use revm::{
    context::ContextTr,
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult},
    primitives::{Address, AddressSet, hardfork::SpecId},
};

use super::handler::Context;

/// Ethereum's precompiles, which never spend more gas than a [`GasBound`](super::GasBound) leaves.
#[derive(Clone, Debug)]
pub(crate) struct BoundedPrecompiles(EthPrecompiles);

impl BoundedPrecompiles {
    pub(crate) fn new(spec: SpecId) -> Self {
        Self(EthPrecompiles::new(spec))
    }

    fn run_bounded(
        &self,
        context: &mut Context<'_>,
        inputs: &CallInputs,
        allowance: u64,
    ) -> Result<Option<InterpreterResult>, String> {
        let mut clamped = inputs.clone();
        clamped.gas_limit = allowance;
        let mut eth = self.0.clone();
        let Some(mut result) = eth.run(context, &clamped)? else {
            return Ok(None);
        };
        if result.result == InstructionResult::PrecompileOOG {
            if let Some(bound) = context.db_mut().bound_mut() {
                bound.break_now();
            }
            return Err("the gas bound stops a precompile".to_owned());
        }
        // Give back what was held back, unless the failure takes all gas of the call anyway.
        let spent = allowance.saturating_sub(result.gas.remaining());
        result.gas = Gas::new(inputs.gas_limit);
        if result.result.is_ok_or_revert() {
            let _ = result.gas.record_regular_cost(spent);
        } else {
            result.gas.spend_all();
        }
        Ok(Some(result))
    }
}

impl<'a> PrecompileProvider<Context<'a>> for BoundedPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        PrecompileProvider::<Context<'a>>::set_spec(&mut self.0, spec)
    }

    fn run(
        &mut self,
        context: &mut Context<'a>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if !self.0.contains(&inputs.bytecode_address) {
            return Ok(None);
        }
        let allowance = context.db_mut().bound_mut().map(|bound| bound.allowance());
        match allowance {
            Some(allowance) if allowance < inputs.gas_limit => {
                self.run_bounded(context, inputs, allowance)
            }
            _ => self.0.run(context, inputs),
        }
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.0.warm_addresses()
    }

    fn contains(&self, address: &Address) -> bool {
        self.0.contains(address)
    }
}
