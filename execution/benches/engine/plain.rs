//! The peer: revm alone, at its best. One EVM for the block, whose journal is kept from one transaction to the next.

use std::collections::HashMap;

use alloy_primitives::{Address, U256};
use eyre::ensure;
use recourse_execution::parallel::FlatChange;
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::{TxEnv, result::ExecutionResult},
    database_interface::WrapDatabaseRef,
    state::EvmState,
};

use crate::case::Case;

/// Runs a block.
pub(crate) fn run(case: &Case) -> eyre::Result<(Vec<ExecutionResult>, EvmState)> {
    let context = Context::mainnet()
        .with_db(WrapDatabaseRef(&case.state))
        .with_cfg(case.cfg.clone())
        .with_block(case.env.clone())
        .with_tx(TxEnv::default());
    let mut evm = context.build_mainnet();
    let mut results = Vec::with_capacity(case.envs.len());
    for tx in &case.envs {
        results.push(evm.transact_one(tx.clone())?);
    }
    Ok((results, evm.finalize()))
}

/// Whether changes are exactly those of the journal.
pub(crate) fn same_changes(
    case: &Case,
    state: &EvmState,
    changes: &[FlatChange],
) -> eyre::Result<()> {
    let changes: HashMap<Address, &FlatChange> =
        changes.iter().map(|change| (change.address, change)).collect();
    for (address, account) in state {
        let known = case.state.accounts.get(address);
        let change = changes.get(address);
        let ended = account.is_empty();
        let after = match change {
            Some(change) => change.after.map(|after| (after.nonce, after.balance, after.code_hash)),
            None => known.map(|known| {
                let hash = known.code.as_ref().map(|(hash, _)| *hash);
                (known.nonce, known.balance, hash.unwrap_or(alloy_primitives::KECCAK256_EMPTY))
            }),
        };
        let info = &account.info;
        let expected = (!ended).then_some((info.nonce, info.balance, info.code_hash));
        // What destructed itself in the old way is told by flags that say nothing of what came later.
        if account.is_selfdestructed() {
            continue;
        }
        ensure!(
            after == expected,
            "{}: account {address} is {after:?}, not {expected:?}",
            case.name
        );
        let slots: HashMap<U256, U256> =
            change.map(|change| change.slots.iter().copied().collect()).unwrap_or_default();
        for (slot, value) in &account.storage {
            let known = known.and_then(|known| known.storage.get(slot)).copied();
            let wiped = change.is_some_and(|change| change.wiped);
            let old = if wiped { U256::ZERO } else { known.unwrap_or_default() };
            let now = slots.get(slot).copied().unwrap_or(old);
            ensure!(now == value.present_value(), "{}: slot {slot} of {address}", case.name);
        }
    }
    let strange = changes.keys().find(|address| !state.contains_key(*address));
    ensure!(strange.is_none(), "{}: {strange:?} did not change", case.name);
    Ok(())
}
