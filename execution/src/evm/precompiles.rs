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
        &mut self,
        context: &mut Context<'_>,
        inputs: &CallInputs,
        allowance: u64,
    ) -> Result<Option<InterpreterResult>, String> {
        let mut clamped = inputs.clone();
        clamped.gas_limit = allowance;
        let Some(mut result) = self.0.run(context, &clamped)? else {
            return Ok(None);
        };
        if result.result == InstructionResult::PrecompileOOG {
            if let Some(bound) = context.db_mut().bound_mut() {
                let _ = bound.stop_call(inputs.gas_limit);
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
        let Some(bound) = context.db_mut().bound_mut() else {
            return self.0.run(context, inputs);
        };
        let allowance = bound.allowance(inputs.gas_limit);
        if allowance >= inputs.gas_limit || !self.0.contains(&inputs.bytecode_address) {
            return self.0.run(context, inputs);
        }
        self.run_bounded(context, inputs, allowance)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.0.warm_addresses()
    }

    fn contains(&self, address: &Address) -> bool {
        self.0.contains(address)
    }
}
