//! `eth_estimateGas`: the least gas limit with which a transaction succeeds.

use alloy_primitives::U256;
use revm::context::result::{ExecutionResult, HaltReason};

use crate::{
    Chain, ChainError,
    methods::calls::{Request, output},
};

/// The search ends when the bounds are within 1/64 of each other, as in geth.
const PRECISION: u64 = 64;
/// Gas of the stipend that a value call must have left over (EIP-150).
const STIPEND: u64 = 2300;

/// Finds the least gas limit, to 1/64.
///
/// # Errors
/// The transaction's own failure when it fails with all the gas it can have.
pub(crate) fn gas(chain: &impl Chain, request: &Request) -> Result<u64, ChainError> {
    let cap = request.gas_cap();
    let wanted = request.fields.gas.unwrap_or(cap).min(cap);
    let high = wanted.min(affordable(chain, request)?);
    let spent = match run(chain, request, high)? {
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
            return Err(ChainError::Refused(format!("gas required exceeds allowance ({high})")));
        }
        result => {
            let spent = result.gas().total_gas_spent();
            output(result)?;
            spent
        }
    };
    narrow(chain, request, spent.saturating_sub(1), high)
}

fn narrow(
    chain: &impl Chain,
    request: &Request,
    mut low: u64,
    mut high: u64,
) -> Result<u64, ChainError> {
    let succeeds = |gas| run(chain, request, gas).is_ok_and(|result| result.is_success());
    // Without inner calls, what was spent is exactly enough.
    let exact = low.saturating_add(1);
    if exact < high && succeeds(exact) {
        return Ok(exact);
    }
    // Most others succeed with a little more: 1/64 stays behind at each call.
    let guess = low.saturating_add(STIPEND);
    let guess = guess.saturating_add(guess / 63).saturating_add(1);
    let mut next = guess.min(high);
    while low.saturating_add(1) < high {
        if next <= low || next >= high {
            next = low.midpoint(high);
        }
        if succeeds(next) {
            high = next;
        } else {
            low = next;
        }
        if high.saturating_sub(low) < high / PRECISION {
            break;
        }
        next = low.midpoint(high);
    }
    Ok(high)
}

fn run(chain: &impl Chain, request: &Request, gas: u64) -> Result<ExecutionResult, ChainError> {
    Ok(chain.execute(request.at, request.with_gas(gas)?)?.result)
}

/// The gas that the sender's balance covers at the price asked for.
fn affordable(chain: &impl Chain, request: &Request) -> Result<u64, ChainError> {
    let price = request.with_gas(0)?.tx.gas_price;
    if price == 0 {
        return Ok(u64::MAX);
    }
    let sender = request.fields.from.unwrap_or_default();
    let balance = request.balance(chain, sender)?;
    let value = request.fields.value.unwrap_or_default();
    let rest = balance
        .checked_sub(value)
        .ok_or_else(|| ChainError::Refused("insufficient funds for transfer".to_owned()))?;
    Ok(rest.checked_div(U256::from(price)).unwrap_or(U256::MAX).saturating_to())
}
