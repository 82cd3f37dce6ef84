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

use super::{EXECUTE_ADDRESS, rules::SPEC};
use crate::{
    execute::{EXCESS_SLOT, Meter, Price},
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

/// EXECUTE's price in a block with this base fee on this state.
pub(crate) fn price(state: &State, base_fee: u64) -> Result<Price, StateError> {
    Ok(Price::new(excess(state)?, base_fee))
}

/// The excess that the blocks up to this state have left.
pub(crate) fn excess(state: &State) -> Result<u64, StateError> {
    Ok(state.storage(EXECUTE_ADDRESS, U256::from(EXCESS_SLOT))?.saturating_to())
}

fn precompiles(state: &State, env: &EvmEnv, meter: &Meter) -> Result<PrecompilesMap, StateError> {
    let _ = (price(state, env.block_env.basefee)?, meter);
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(SPEC));
    Ok(PrecompilesMap::from_static(standard))
}
