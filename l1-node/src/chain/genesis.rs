//! The first block and the state under it.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS};
use alloy_eips::{
    eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::{Address, B256, Bytes, U256, address, bytes};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::state::Bytecode;

use super::EXECUTE_ADDRESS;
use crate::{
    Config, DevAccount,
    state::{State, StateError},
};

/// The deterministic deployment proxy that tools expect on every chain.
const CREATE2_DEPLOYER: Address = address!("0x4e59b44847b379578588920ca78fbf26c0b4956c");
const CREATE2_DEPLOYER_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// Contracts that Osaka's blocks and tools need.
fn contracts() -> [(Address, Bytes); 5] {
    [
        (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone()),
        (BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE.clone()),
        (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone()),
        (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone()),
        (CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE),
    ]
}

/// Writes the genesis accounts.
pub(crate) fn allocate(
    state: &mut State,
    config: &Config,
    accounts: &[DevAccount],
) -> Result<(), StateError> {
    for (address, code) in contracts() {
        state.set_nonce(address, 1)?;
        state.set_code(address, Bytecode::new_raw(code))?;
    }
    // A nonce keeps the account of EXECUTE's price from being empty, and so from being cleared.
    state.set_nonce(EXECUTE_ADDRESS, 1)?;
    for account in accounts {
        state.set_balance(account.address(), config.balance)?;
    }
    Ok(())
}

/// Writes what a hard fork would on top of a chain that has run for long: the contracts that it lacks, EXECUTE's account, and
/// the dev accounts' balances. What is there already stays as it is.
pub(crate) fn hard_fork(
    state: &mut State,
    config: &Config,
    accounts: &[DevAccount],
) -> Result<(), StateError> {
    for (address, code) in contracts() {
        let found = state.account(address)?.unwrap_or_default();
        if found.is_empty_code_hash() {
            state.set_nonce(address, found.nonce.max(1))?;
            state.set_code(address, Bytecode::new_raw(code))?;
        }
    }
    let execute = state.account(EXECUTE_ADDRESS)?.unwrap_or_default();
    state.set_nonce(EXECUTE_ADDRESS, execute.nonce.max(1))?;
    for account in accounts {
        state.set_balance(account.address(), config.balance)?;
        // The keys are public, and on public chains these accounts are delegated to thieves (EIP-7702).
        state.set_code(account.address(), Bytecode::default())?;
    }
    Ok(())
}

/// The header of block 0 over a state root, without gas limit and base fee.
pub(crate) fn header(config: &Config, state_root: B256, timestamp: u64) -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: config.coinbase,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        timestamp,
        difficulty: U256::ZERO,
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}
