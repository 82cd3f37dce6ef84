//! The state that L2 starts with.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use recourse_execution::{Genesis, GenesisAccount, State, StateError};
use recourse_protocol::predeploys;

/// The state that L2 starts with: the configured accounts and the predeploys, which cannot be replaced.
///
/// # Errors
/// Never in practice: the state is wholly in memory.
pub fn genesis_state(
    alloc: &BTreeMap<Address, recourse_protocol::GenesisAccount>,
) -> Result<State, StateError> {
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
    let predeploy = |code| GenesisAccount { nonce: 1, code, ..GenesisAccount::default() };
    let ours = predeploys().into_iter().map(|(address, code)| (address, predeploy(code)));
    let alloc = alloc.iter().map(|(address, entry)| (*address, account(entry))).chain(ours);
    Genesis { alloc: alloc.collect() }.build()
}
