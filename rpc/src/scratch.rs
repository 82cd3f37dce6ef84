//! Execution that leaves nothing behind: blocks tried on a state, and mined ones run again.

use alloy::rpc::types::state::StateOverride;
use alloy_consensus::Header;
use alloy_eips::{
    eip1559::BaseFeeParams,
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::{BEACON_ROOTS_ADDRESS, SYSTEM_ADDRESS},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::Requests,
};
use alloy_evm::{
    Evm as _, EvmEnv,
    eth::{EthEvmBuilder, EthEvmContext},
    overrides::{StateOverrideError, apply_state_overrides},
    precompiles::PrecompilesMap,
};
use alloy_primitives::{Address, B256, Bytes};
use revm::{
    Database, DatabaseCommit, DatabaseRef, Inspector,
    context::result::{EVMError, InvalidTransaction, ResultAndState},
    primitives::hardfork::SpecId,
};

use crate::{Call, ChainError};

/// The error of a scratch state's reads.
pub(crate) type ReadError<S> = <S as Database>::Error;

/// A state of its own, on which blocks are tried and which is forgotten with them.
pub trait Scratch:
    Database<Error: std::error::Error + Send + Sync + 'static>
    + DatabaseRef<Error = <Self as Database>::Error>
    + DatabaseCommit
    + std::fmt::Debug
    + 'static
{
    /// The environment in which the block of this header runs.
    fn env(&self, header: &Header) -> EvmEnv;

    /// The precompiles in that environment. `base_fee` is the block's, also where `env` has none because a call offers no fee.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn precompiles(&mut self, env: &EvmEnv, base_fee: u64) -> Result<PrecompilesMap, ChainError>;

    /// Whether blocks end with the system calls of EIP-7002 and EIP-7251.
    fn has_requests(&self) -> bool {
        true
    }

    /// How the base fee follows the gas used.
    fn base_fee_params(&self) -> BaseFeeParams {
        BaseFeeParams::ethereum()
    }

    /// The root of the state as it is now.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn root(&self) -> Result<B256, ChainError>;

    /// Lets BLOCKHASH know a block.
    fn remember(&mut self, number: u64, hash: B256);

    /// What a failed read means for the caller.
    fn failure(error: ReadError<Self>) -> ChainError
    where
        Self: Sized,
    {
        ChainError::internal(error)
    }
}

/// Precompiles that are not where their environment has them.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// Precompiles no more.
    pub(crate) gone: Vec<Address>,
    /// From where to where.
    pub(crate) moved: Vec<(Address, Address)>,
}

impl Moves {
    fn apply(&self, map: &mut PrecompilesMap) {
        let mut taken = Vec::new();
        for address in &self.gone {
            map.apply_precompile(address, |found| {
                taken.push((*address, found));
                None
            });
        }
        for (from, to) in &self.moved {
            let found = taken.iter_mut().find(|(address, _)| address == from);
            if let Some(precompile) = found.and_then(|(_, precompile)| precompile.take()) {
                map.apply_precompile(to, |_| Some(precompile));
            }
        }
    }
}

/// Changes accounts, but moves no precompiles.
pub(crate) fn change<S: Scratch>(state: &mut S, changes: StateOverride) -> Result<(), ChainError> {
    apply_state_overrides(changes, state).map_err(|error| match error {
        StateOverrideError::Database(error) => S::failure(error),
        other => ChainError::InvalidParams(other.to_string()),
    })
}

/// Runs a transaction under an inspector and commits nothing. Its overrides have been applied before.
pub(crate) fn run<S: Scratch, I>(
    state: &mut S,
    call: Call,
    inspector: &mut I,
    moves: &Moves,
) -> Result<ResultAndState, RunError<S>>
where
    I: for<'a> Inspector<EthEvmContext<&'a mut S>>,
{
    let Call { env, base_fee, tx, .. } = call;
    let mut precompiles = state.precompiles(&env, base_fee).map_err(RunError::Chain)?;
    moves.apply(&mut precompiles);
    let mut evm = EthEvmBuilder::new(&mut *state, env)
        .activate_inspector(inspector)
        .precompiles(precompiles)
        .build();
    evm.transact(tx).map_err(RunError::Evm)
}

/// Why a run has no result.
#[derive(Debug)]
pub(crate) enum RunError<S: Scratch> {
    /// The transaction is invalid, or the state cannot be read.
    Evm(EVMError<ReadError<S>, InvalidTransaction>),
    /// The chain's own.
    Chain(ChainError),
}

impl<S: Scratch> From<RunError<S>> for ChainError {
    fn from(error: RunError<S>) -> Self {
        match error {
            RunError::Evm(EVMError::Transaction(invalid)) => Self::Rejected(invalid.into()),
            RunError::Evm(EVMError::Database(error)) => S::failure(error),
            RunError::Evm(other) => Self::Internal(other.to_string().into()),
            RunError::Chain(error) => error,
        }
    }
}

/// What a block does before its first transaction (EIP-2935, EIP-4788).
pub(crate) fn begin<S: Scratch>(
    state: &mut S,
    env: &EvmEnv,
    header: &Header,
) -> Result<(), ChainError> {
    if env.cfg_env.spec.is_enabled_in(SpecId::PRAGUE) {
        system_call(state, env, HISTORY_STORAGE_ADDRESS, header.parent_hash.0.into())?;
    }
    if let Some(root) = header.parent_beacon_block_root {
        system_call(state, env, BEACON_ROOTS_ADDRESS, root.0.into())?;
    }
    Ok(())
}

/// What a block does after its last transaction (EIP-7002, EIP-7251); `None` before there was such a thing.
pub(crate) fn end<S: Scratch>(state: &mut S, env: &EvmEnv) -> Result<Option<Requests>, ChainError> {
    if !env.cfg_env.spec.is_enabled_in(SpecId::PRAGUE) {
        return Ok(None);
    }
    let mut requests = Requests::default();
    if !state.has_requests() {
        return Ok(Some(requests));
    }
    for (kind, contract) in [
        (WITHDRAWAL_REQUEST_TYPE, WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
        (CONSOLIDATION_REQUEST_TYPE, CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
    ] {
        let output = system_call(state, env, contract, Bytes::new())?;
        if !output.is_empty() {
            requests.push_request_with_type(kind, output);
        }
    }
    Ok(Some(requests))
}

fn system_call<S: Scratch>(
    state: &mut S,
    env: &EvmEnv,
    contract: Address,
    data: Bytes,
) -> Result<Bytes, ChainError> {
    let precompiles = state.precompiles(env, env.block_env.basefee)?;
    let mut evm = EthEvmBuilder::new(&mut *state, env.clone()).precompiles(precompiles).build();
    let run = evm
        .transact_system_call(SYSTEM_ADDRESS, contract, data)
        .map_err(|error| ChainError::from(RunError::<S>::Evm(error)))?;
    drop(evm);
    state.commit(run.state);
    Ok(run.result.into_output().unwrap_or_default())
}
