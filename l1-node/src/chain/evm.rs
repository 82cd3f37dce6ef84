//! The EVM of this L1: Osaka's, with EXECUTE.

use alloy_evm::{
    EvmEnv,
    eth::{EthEvm, EthEvmBuilder, EthEvmContext},
    precompiles::PrecompilesMap,
};
use alloy_primitives::U256;
use revm::{
    Inspector,
    inspector::NoOpInspector,
    precompile::{PrecompileSpecId, Precompiles},
};

use super::{EXECUTE_ADDRESS, PAYLOAD_ADDRESS, rules::SPEC};
use crate::{
    execute::{EXCESS_SLOT, Meter, Price, payload_precompile, precompile},
    state::{State, StateError},
};

/// The EVM over a state that it may change.
pub(crate) type Evm<I = NoOpInspector> = EthEvm<State, I, PrecompilesMap>;

/// An EVM in this environment. `meter` counts EXECUTE's gas of the whole block.
pub(crate) fn evm(state: State, env: EvmEnv, meter: &Meter) -> Result<Evm, StateError> {
    let precompiles = precompiles(&state, &env, meter)?;
    Ok(EthEvmBuilder::new(state, env).precompiles(precompiles).build())
}

/// The same under an inspector.
pub(crate) fn inspected<I: Inspector<EthEvmContext<State>>>(
    state: State,
    env: EvmEnv,
    meter: &Meter,
    inspector: I,
) -> Result<Evm<I>, StateError> {
    let precompiles = precompiles(&state, &env, meter)?;
    Ok(EthEvmBuilder::new(state, env)
        .activate_inspector(inspector)
        .precompiles(precompiles)
        .build())
}

/// The excess that the blocks up to this state have left.
pub(crate) fn excess(state: &State) -> Result<u64, StateError> {
    Ok(state.storage(EXECUTE_ADDRESS, U256::from(EXCESS_SLOT))?.saturating_to())
}

fn precompiles(state: &State, env: &EvmEnv, meter: &Meter) -> Result<PrecompilesMap, StateError> {
    // The excess changes only at the end of a block, so the price stands while it runs.
    let price = Price::new(excess(state)?, env.block_env.basefee);
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(SPEC));
    let mut map = PrecompilesMap::from_static(standard);
    let execute = precompile(price, meter.clone());
    map.apply_precompile(&EXECUTE_ADDRESS, |_| Some(execute));
    let payloads = payload_precompile(price, meter.clone());
    map.apply_precompile(&PAYLOAD_ADDRESS, |_| Some(payloads));
    Ok(map)
}
