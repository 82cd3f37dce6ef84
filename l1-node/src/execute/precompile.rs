//! The precompile: metering around the pure function.

use std::collections::HashMap;

use alloy_evm::{
    EvmInternals,
    precompiles::{DynPrecompile, PrecompileInput},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use recourse_execution::{Claim, Schedule, TraceShape, replay};
use revm::precompile::{
    PrecompileError, PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult,
};

use super::{
    input::Input,
    meter::Meter,
    price::{Price, Work},
    worker::{Stopped, on_own_stack},
};

/// L1 gas of a query, as of a warm storage read.
const QUERY_GAS: u64 = 100;
/// Bytes of an envelope beside its trace: four words of head, a length, padding.
const ENVELOPE_BYTES: usize = 5 * 32 + 31;

/// Codes by address, as L1 state has them at the moment of the call.
type Codes = HashMap<Address, Bytes>;

/// EXECUTE at this price, counting on this meter.
pub(crate) fn precompile(price: Price, meter: Meter) -> DynPrecompile {
    let id = PrecompileId::custom("EXECUTE");
    DynPrecompile::new_stateful(id, move |input| call(&price, &meter, input))
}

fn call(price: &Price, meter: &Meter, mut input: PrecompileInput<'_>) -> PrecompileResult {
    if input.data.is_empty() {
        return Ok(query(price, meter, &input));
    }
    let fail = |halt| Ok(PrecompileOutput::halt(halt, input.reservoir));
    // Nothing is read, not even the envelope, by those who could not pay for a trace that long.
    let bytes = input.data.len().saturating_sub(ENVELOPE_BYTES);
    let least = Work { bytes: u64::try_from(bytes).unwrap_or(u64::MAX), ..Work::default() };
    if price.gas(&least) > input.gas {
        return fail(PrecompileHalt::OutOfGas);
    }
    let Some(envelope) = Input::decode(input.data) else {
        return fail(PrecompileHalt::other_static("EXECUTE: envelope is not canonical"));
    };
    let shape = TraceShape::of(&envelope.trace);
    let mut work = Work {
        gas_used: envelope.gas_used,
        bytes: length(&envelope.trace),
        pointers: u64::try_from(shape.pointers.len()).unwrap_or(u64::MAX),
        items: shape.transactions.saturating_add(shape.credits),
        opens: shape.opens,
    };
    // Codes are read only by those who can pay for the reading.
    if price.gas(&work) > input.gas {
        return fail(PrecompileHalt::OutOfGas);
    }
    let codes = load(&mut input.internals, &shape.pointers)?;
    let pointed = shape.pointers.iter().map(|pointer| pointed_length(&codes, pointer));
    work.bytes = pointed.fold(work.bytes, u64::saturating_add);
    let gas = price.gas(&work);
    if gas > input.gas {
        return fail(PrecompileHalt::OutOfGas);
    }
    if !meter.take(envelope.gas_used) {
        return fail(PrecompileHalt::other_static("EXECUTE: over the block's limit"));
    }
    let verdict = judge(&envelope, &codes)?;
    let word = B256::from(U256::from(u8::from(verdict)));
    Ok(PrecompileOutput::new(gas, word.into(), input.reservoir))
}

/// `abi.encode(gasPrice, gas left this block)`.
fn query(price: &Price, meter: &Meter, input: &PrecompileInput<'_>) -> PrecompileOutput {
    if input.gas < QUERY_GAS {
        return PrecompileOutput::halt(PrecompileHalt::OutOfGas, input.reservoir);
    }
    let words = [U256::from(price.wei_per_gas()), U256::from(meter.left())];
    let bytes = words.map(B256::from).concat();
    PrecompileOutput::new(QUERY_GAS, bytes.into(), input.reservoir)
}

/// Reads codes and leaves them as cold as they were: EXECUTE changes no journaled state, and
/// what has been accessed is journaled.
fn load(internals: &mut EvmInternals<'_>, pointers: &[Address]) -> Result<Codes, PrecompileError> {
    let mut codes = Codes::new();
    let checkpoint = internals.checkpoint();
    for pointer in pointers {
        if !codes.contains_key(pointer) {
            let code = code(internals, *pointer);
            codes.insert(*pointer, code?);
        }
    }
    internals.checkpoint_revert(checkpoint);
    Ok(codes)
}

fn code(internals: &mut EvmInternals<'_>, address: Address) -> Result<Bytes, PrecompileError> {
    internals.load_account_code(address).map_err(fatal)?;
    let account = internals.load_account(address).map_err(fatal)?;
    Ok(account.info.code.as_ref().map(|code| code.original_bytes()).unwrap_or_default())
}

/// Bytes behind the leading zero. A code without one makes the claim false, and costs the same.
fn pointed_length(codes: &Codes, pointer: &Address) -> u64 {
    codes.get(pointer).map_or(0, length).saturating_sub(1)
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Runs the pure function on a thread with a known stack.
fn judge(input: &Input, codes: &Codes) -> Result<bool, PrecompileError> {
    let claim =
        Claim { pre: input.pre, post: input.post, trace: &input.trace, gas_used: input.gas_used };
    let run = || replay(&claim, &Schedule::osaka(), &|address| codes.get(&address).cloned());
    match on_own_stack(run) {
        Ok(Ok(())) => Ok(true),
        Ok(Err(reason)) => {
            tracing::debug!(%reason, "EXECUTE answers false");
            Ok(false)
        }
        // The pure function never panics; should it, one call is false and no block is stuck.
        Err(Stopped::Panicked) => {
            tracing::error!("EXECUTE panicked");
            Ok(false)
        }
        Err(Stopped::NoThread(error)) => {
            Err(PrecompileError::Fatal(format!("EXECUTE has no thread: {error}")))
        }
    }
}

fn fatal(error: impl ToString) -> PrecompileError {
    PrecompileError::Fatal(error.to_string())
}
