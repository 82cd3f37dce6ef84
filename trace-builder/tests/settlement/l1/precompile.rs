//! EXECUTE's pure function at its address, at the dearest rate. Its meter is l1-node's matter.

use std::collections::BTreeMap;

use alloy_evm::precompiles::{DynPrecompile, PrecompileInput, PrecompilesMap};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolValue;
use recourse_execution::{Claim, Schedule, TraceShape, execute};
use recourse_protocol::EXECUTE_ADDRESS;
use revm::{
    precompile::{
        PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, PrecompileSpecId,
        Precompiles,
    },
    primitives::hardfork::SpecId,
};

/// Osaka's, and EXECUTE at the dearest rate that it may have. Its meter is l1-node's matter.
pub(super) fn precompiles() -> PrecompilesMap {
    let standard = Precompiles::new(PrecompileSpecId::from_spec_id(SpecId::OSAKA));
    let ask = DynPrecompile::new_stateful(PrecompileId::Custom("EXECUTE".into()), ask);
    PrecompilesMap::from_static(standard).with_applied_precompile(&EXECUTE_ADDRESS, |_| Some(ask))
}

fn ask(mut input: PrecompileInput<'_>) -> PrecompileResult {
    if input.data.is_empty() {
        // A query: a price, and all of an L1 block's capacity.
        let answer = (U256::from(1), U256::from(1 << 25)).abi_encode();
        return Ok(PrecompileOutput::new(100, answer.into(), input.reservoir));
    }
    let question = <(B256, B256, Bytes, u64)>::abi_decode_params(input.data);
    let Ok((pre, post, trace, gas_used)) = question else {
        return Ok(PrecompileOutput::revert(input.gas, Bytes::new(), input.reservoir));
    };
    let shape = TraceShape::of(&trace);
    let mut codes = BTreeMap::new();
    for pointer in &shape.pointers {
        input.internals.load_account_code(*pointer).unwrap();
        let account = input.internals.load_account(*pointer).unwrap();
        codes.insert(*pointer, account.info.code.as_ref().unwrap().original_bytes());
    }
    let pointed: usize = shape.pointers.iter().map(|pointer| codes[pointer].len() - 1).sum();
    let open = if shape.opens { 60_000 } else { 0 };
    let gas = 30_000
        + (trace.len() + pointed) as u64
        + 2_600 * shape.pointers.len() as u64
        + 6_000 * (shape.transactions + shape.credits)
        + open
        + gas_used.div_ceil(4);
    if gas > input.gas {
        return Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, input.reservoir));
    }
    let claim = Claim { pre, post, trace: &trace, gas_used };
    let answer = execute(&claim, &Schedule::osaka(), &|pointer| codes.get(&pointer).cloned());
    Ok(PrecompileOutput::new(gas, answer.abi_encode().into(), input.reservoir))
}
