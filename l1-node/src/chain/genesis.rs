//! The first block and the state under it.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS};
use alloy_eips::eip1559::INITIAL_BASE_FEE;
use alloy_eips::{
    eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, Bytes, U256, address, bytes};
use alloy_trie::EMPTY_ROOT_HASH;
use revm::{primitives::hardfork::SpecId, state::Bytecode};

use super::{EXECUTE_ADDRESS, Rules};
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

/// Writes the accounts of a genesis file.
pub(crate) fn allocate_file(state: &mut State, file: &Genesis) -> Result<(), StateError> {
    for (address, account) in &file.alloc {
        state.set_balance(*address, account.balance)?;
        state.set_nonce(*address, account.nonce.unwrap_or_default())?;
        if let Some(code) = account.code.clone().filter(|code| !code.is_empty()) {
            state.set_code(*address, Bytecode::new_raw_checked(code)?)?;
        }
        for (slot, value) in account.storage.iter().flatten() {
            state.set_storage(*address, (*slot).into(), (*value).into())?;
        }
    }
    Ok(())
}

/// The header of block 0 of a genesis file, over a state root.
pub(crate) fn header_of(file: &Genesis, rules: &Rules, state_root: B256) -> Header {
    let bare = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: file.coinbase,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: file.difficulty,
        gas_limit: file.gas_limit,
        timestamp: file.timestamp,
        extra_data: file.extra_data.clone(),
        mix_hash: file.mix_hash,
        nonce: file.nonce.into(),
        ..Header::default()
    };
    let spec = rules.spec(&bare);
    let since = |fork| spec.is_enabled_in(fork);
    let base_fee = file.base_fee_per_gas.and_then(|fee| u64::try_from(fee).ok());
    Header {
        base_fee_per_gas: since(SpecId::LONDON).then(|| base_fee.unwrap_or(INITIAL_BASE_FEE)),
        withdrawals_root: since(SpecId::SHANGHAI).then_some(EMPTY_WITHDRAWALS),
        blob_gas_used: since(SpecId::CANCUN).then(|| file.blob_gas_used.unwrap_or_default()),
        excess_blob_gas: since(SpecId::CANCUN).then(|| file.excess_blob_gas.unwrap_or_default()),
        parent_beacon_block_root: since(SpecId::CANCUN).then_some(B256::ZERO),
        requests_hash: since(SpecId::PRAGUE).then_some(EMPTY_REQUESTS_HASH),
        ..bare
    }
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
