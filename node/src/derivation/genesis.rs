//! The state that L2 starts with.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use recourse_execution::{Genesis, GenesisAccount, State, StateError};
use recourse_protocol::GenesisConfig;

/// The state that L2 starts with: the configured accounts and the predeploys.
///
/// # Errors
/// Never in practice: the state is wholly in memory.
pub fn genesis_state(config: &GenesisConfig) -> Result<State, StateError> {
    let account = |account: &recourse_protocol::GenesisAccount| GenesisAccount {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code.clone(),
        storage: account
            .storage
            .iter()
            .map(|(slot, value)| (U256::from_be_bytes(slot.0), *value))
            .collect::<BTreeMap<_, _>>(),
    };
    let alloc = config.alloc.iter().map(|(address, entry)| (*address, account(entry))).collect();
    Genesis { alloc }.build()
}
