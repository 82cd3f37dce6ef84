//! A state to try blocks on.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_evm::{EvmEnv, precompiles::PrecompilesMap};
use alloy_primitives::{Address, B256, U256, map::AddressMap};
use recourse_rpc::{ChainError, Scratch};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    state::{Account, AccountInfo, Bytecode},
};

use super::{Rules, evm};
use crate::{
    execute::Meter,
    state::{State, StateError},
};

/// A state of its own, with the rules of the chain.
#[derive(Debug, Clone)]
pub(crate) struct Scratchpad {
    state: State,
    rules: Arc<Rules>,
    /// EXECUTE's meter of the block of this number.
    meter: (U256, Meter),
}

impl Scratchpad {
    /// On this state.
    pub(crate) fn new(state: State, rules: Arc<Rules>) -> Self {
        Self { state, rules, meter: (U256::MAX, Meter::default()) }
    }
}

impl Scratch for Scratchpad {
    fn env(&self, header: &Header) -> EvmEnv {
        self.rules.env(header)
    }

    fn precompiles(&mut self, env: &EvmEnv, base_fee: u64) -> Result<PrecompilesMap, ChainError> {
        let number = env.block_env.number;
        if self.meter.0 != number {
            self.meter = (number, Meter::default());
        }
        let execute = self.rules.has_execute(number.saturating_to());
        let meter = execute.then_some(&self.meter.1);
        Ok(evm::precompiles(&self.state, env, base_fee, meter)?)
    }

    fn root(&self) -> Result<B256, ChainError> {
        Ok(self.state.root()?)
    }

    fn failure(error: StateError) -> ChainError {
        error.into()
    }

    fn remember(&mut self, number: u64, hash: B256) {
        self.state.set_block_hash(number, hash);
    }
}

impl DatabaseRef for Scratchpad {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.state.basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.state.code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash_ref(number)
    }
}

impl Database for Scratchpad {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        self.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.block_hash_ref(number)
    }
}

impl DatabaseCommit for Scratchpad {
    fn commit(&mut self, changes: AddressMap<Account>) {
        self.state.commit(changes);
    }
}
