//! EXECUTE as EIP-8079 and the native-rollups book have it, at 0x0102: a whole block as SSZ. Its metering is that of 0x0101.

use alloy_evm::precompiles::{DynPrecompile, PrecompileInput};
use recourse_execution::payload::{
    BlockSchedule, ChainKind, ProtocolFork, StatelessInput, StatelessValidationResult,
    verify_stateless_new_payload,
};
use revm::precompile::{
    PrecompileError, PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult,
};

use super::{
    Meter, Price,
    price::Work,
    worker::{Stopped, on_own_stack},
};

/// L1 gas of what ends a block: the system calls of EIP-7002 and EIP-7251.
const CLOSE_GAS: u64 = 60_000;

/// The precompile at this price, counting on the meter that 0x0101 counts on.
pub(crate) fn payload_precompile(price: Price, meter: Meter) -> DynPrecompile {
    let id = PrecompileId::custom("EXECUTE (SSZ)");
    DynPrecompile::new_stateful(id, move |input| call(&price, &meter, &input))
}

fn call(price: &Price, meter: &Meter, input: &PrecompileInput<'_>) -> PrecompileResult {
    let fail = |halt| Ok(PrecompileOutput::halt(halt, input.reservoir));
    // Nothing is read by those who could not pay for a block that long.
    let bytes = u64::try_from(input.data.len()).unwrap_or(u64::MAX);
    let least = Work { bytes, opens: true, ..Work::default() };
    if gas(price, &least) > input.gas {
        return fail(PrecompileHalt::OutOfGas);
    }
    let Ok((fork, stateless)) = ProtocolFork::decode_input(input.data) else {
        return fail(PrecompileHalt::other_static("EXECUTE: not a StatelessInput"));
    };
    let payload = &stateless.new_payload_request.execution_payload;
    let items = u64::try_from(payload.transactions.len()).unwrap_or(u64::MAX);
    let gas = gas(price, &Work { gas_used: payload.gas_used, items, ..least });
    if gas > input.gas {
        return fail(PrecompileHalt::OutOfGas);
    }
    if !meter.take(payload.gas_used) {
        return fail(PrecompileHalt::other_static("EXECUTE: over the block's limit"));
    }
    let result = judge(fork, &stateless)?;
    Ok(PrecompileOutput::new(gas, result.encode().into(), input.reservoir))
}

fn gas(price: &Price, work: &Work) -> u64 {
    price.gas(work).saturating_add(CLOSE_GAS)
}

/// Runs the pure function on a thread with a known stack.
fn judge(
    fork: ProtocolFork,
    input: &StatelessInput,
) -> Result<StatelessValidationResult, PrecompileError> {
    let rules = BlockSchedule::osaka();
    let run = || verify_stateless_new_payload(fork, input, &rules, ChainKind::L2);
    match on_own_stack(run) {
        Ok(result) => Ok(result),
        // The pure function never panics; should it, one call has no root and no block is stuck.
        Err(Stopped::Panicked) => {
            tracing::error!("EXECUTE panicked");
            Ok(StatelessValidationResult::default())
        }
        Err(Stopped::NoThread(error)) => Err(PrecompileError::Fatal(error.to_string())),
    }
}
