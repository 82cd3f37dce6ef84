//! The EVM of this L1, with EXECUTE.

use alloy_evm::{
    EvmEnv,
    eth::{EthEvm, EthEvmBuilder},
    precompiles::PrecompilesMap,
};
use alloy_primitives::U256;
use revm::{
    inspector::NoOpInspector,
    precompile::{PrecompileSpecId, Precompiles},
};

use super::{EXECUTE_ADDRESS, PAYLOAD_ADDRESS};
use crate::{
    execute::{EXCESS_SLOT, Meter, Price, payload_precompile, precompile},
    state::{State, StateError},
};

/// The EVM over a state that it may change.
pub(crate) type Evm = EthEvm<State, NoOpInspector, PrecompilesMap>;

/// An EVM in this environment. `meter` counts EXECUTE's gas of the whole block; without one there is no EXECUTE.
pub(crate) fn evm(state: State, env: EvmEnv, meter: Option<&Meter>) -> Result<Evm, StateError> {
    let base_fee = env.block_env.basefee;
    evm_priced(state, env, base_fee, meter)
}

/// The same, where EXECUTE tells its price by another base fee than the environment's.
pub(super) fn evm_priced(
    state: State,
    env: EvmEnv,
    base_fee: u64,
    meter: Option<&Meter>,
) -> Result<Evm, StateError> {
    let precompiles = precompiles(&state, &env, base_fee, meter)?;
    Ok(EthEvmBuilder::new(state, env).precompiles(precompiles).build())
}

/// The excess that the blocks up to this state have left.
pub(crate) fn excess(state: &State) -> Result<u64, StateError> {
    Ok(state.storage(EXECUTE_ADDRESS, U256::from(EXCESS_SLOT))?.saturating_to())
}

/// The precompiles in this environment: with a meter, EXECUTE is one of them.
pub(super) fn precompiles(
    state: &State,
    env: &EvmEnv,
    base_fee: u64,
    meter: Option<&Meter>,
) -> Result<PrecompilesMap, StateError> {
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(env.cfg_env.spec));
    let mut map = PrecompilesMap::from_static(standard);
    let Some(meter) = meter else { return Ok(map) };
    // The excess changes only at the end of a block, so the price stands while it runs.
    let price = Price::new(excess(state)?, base_fee);
    let execute = precompile(price, meter.clone());
    map.apply_precompile(&EXECUTE_ADDRESS, |_| Some(execute));
    let payloads = payload_precompile(price, meter.clone());
    map.apply_precompile(&PAYLOAD_ADDRESS, |_| Some(payloads));
    Ok(map)
}
