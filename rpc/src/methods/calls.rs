//! Execution without mining: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use alloy::rpc::types::{BlockOverrides, TransactionRequest, state::StateOverride};
use alloy_eips::{
    BlockId, BlockNumberOrTag,
    eip2930::{AccessList, AccessListItem, AccessListResult},
};
use alloy_evm::{EvmEnv, overrides::apply_block_overrides, rpc::TryIntoTxEnv};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::{
    context::{
        Cfg, TxEnv,
        result::{ExecutionResult, HaltReason, OutOfGasError, ResultAndState},
    },
    database::{CacheDB, EmptyDB},
};

use crate::{
    BlockPoint, Call, Chain, ChainError,
    api::{Api, Args, method},
    estimate,
    limits::CALL_GAS,
    methods::simulate::free,
    resolve,
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_call", |api, args| -> Result<Bytes, _> {
        let request = Request::read(api, args, BlockNumberOrTag::Latest)?;
        output(api.chain.execute(request.at, request.call()?)?.result)
    })?;
    method(module, "eth_estimateGas", |api, args| -> Result<U64, _> {
        // The next block is where the transaction will run.
        let request = Request::read(api, args, BlockNumberOrTag::Pending)?;
        estimate::gas(&*api.chain, &request).map(U64::from)
    })?;
    method(module, "eth_createAccessList", |api, args| {
        let request = Request::read(api, args, BlockNumberOrTag::Pending)?;
        access_list(api, &request)
    })
}

/// The least gas limit with which a transaction succeeds in the next block, as
/// `eth_estimateGas` finds it.
///
/// # Errors
/// The transaction's own failure when it fails with all the gas it can have.
pub fn estimate_gas(chain: &impl Chain, fields: &TransactionRequest) -> Result<u64, ChainError> {
    let at = BlockPoint::Pending;
    estimate::gas(chain, &Request::new(chain, at, fields.clone())?)
}

/// A call as the client asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The state to run on.
    pub(crate) at: BlockPoint,
    /// The transaction's fields.
    pub(crate) fields: TransactionRequest,
    /// The environment with block overrides applied and account checks off.
    pub(crate) env: EvmEnv,
    overrides: Option<StateOverride>,
    /// The gas limit of the block itself: an override is told to contracts, and buys no gas.
    block_gas: u64,
}

impl Request {
    fn read<C: Chain>(
        api: &Api<C>,
        args: &mut Args<'_>,
        default: BlockNumberOrTag,
    ) -> Result<Self, ChainError> {
        let mut request = Self::read_call(api, args, default)?;
        let overrides = args.optional::<StateOverride>("state overrides")?;
        let block = args.optional::<BlockOverrides>("block overrides")?;
        request.override_with(overrides, block)?;
        Ok(request)
    }

    /// The call and its block alone.
    pub(crate) fn read_call<C: Chain>(
        api: &Api<C>,
        args: &mut Args<'_>,
        default: BlockNumberOrTag,
    ) -> Result<Self, ChainError> {
        let fields = args.required::<TransactionRequest>("transaction")?;
        let id = args.optional::<BlockId>("block")?.unwrap_or(BlockId::Number(default));
        let at = resolve::point(&*api.chain, Some(id))?;
        Self::new(&*api.chain, at, fields)
    }

    fn new(
        chain: &impl Chain,
        at: BlockPoint,
        fields: TransactionRequest,
    ) -> Result<Self, ChainError> {
        let mut env = chain.env(at)?;
        relax(&mut env);
        let block_gas = env.block_env.gas_limit;
        Ok(Self { at, fields, env, overrides: None, block_gas })
    }

    /// Applies what the caller wants otherwise.
    pub(crate) fn override_with(
        &mut self,
        state: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<(), ChainError> {
        self.overrides = state;
        override_block(&mut self.env, block)
    }

    /// The transaction to run, with as much gas as the sender can pay for when none is given.
    pub(crate) fn call(&self) -> Result<Call, ChainError> {
        let mut env = self.env.clone();
        // The cap of EIP-7825 is for mined transactions; reading may take the whole block's gas.
        env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        let cap = CALL_GAS.max(self.block_gas());
        self.with_env(env, Some(self.fields.gas.unwrap_or(cap).min(cap)))
    }

    /// The gas of the block: an override may lower it, never raise it.
    fn block_gas(&self) -> u64 {
        self.block_gas.min(self.env.block_env.gas_limit)
    }

    /// The most gas that the transaction may have when it is mined.
    pub(crate) fn gas_cap(&self) -> u64 {
        self.env.cfg_env.tx_gas_limit_cap().min(self.block_gas())
    }

    /// What an account has, overridden or not.
    pub(crate) fn balance(&self, chain: &impl Chain, address: Address) -> Result<U256, ChainError> {
        let overrides = self.overrides.as_ref();
        let overridden = overrides.and_then(|all| all.get(&address)?.balance);
        overridden.map_or_else(|| Ok(chain.account(self.at, address)?.balance), Ok)
    }

    /// The transaction to run with exactly this much gas.
    pub(crate) fn with_gas(&self, gas: u64) -> Result<Call, ChainError> {
        self.with_env(self.env.clone(), Some(gas))
    }

    fn with_env(&self, mut env: EvmEnv, gas: Option<u64>) -> Result<Call, ChainError> {
        let fields = TransactionRequest { gas, ..self.fields.clone() };
        let tx: TxEnv = fields
            .try_into_tx_env(&env)
            .map_err(|error| ChainError::InvalidParams(error.to_string()))?;
        // A call without fees is free, whatever the base fee.
        let base_fee = env.block_env.basefee;
        free(&mut env, &tx);
        Ok(Call { env, base_fee, tx, overrides: self.overrides.clone() })
    }
}

/// Turns off the checks that bind a signed transaction to its account.
fn relax(env: &mut EvmEnv) {
    env.cfg_env.disable_nonce_check = true;
    env.cfg_env.disable_eip3607 = true;
    env.cfg_env.disable_block_gas_limit = true;
}

fn override_block(env: &mut EvmEnv, overrides: Option<BlockOverrides>) -> Result<(), ChainError> {
    let Some(overrides) = overrides else { return Ok(()) };
    if overrides.block_hash.is_some() {
        return Err(ChainError::InvalidParams("blockHash overrides are not supported".to_owned()));
    }
    // Only block hashes would go to the database.
    apply_block_overrides(overrides, &mut CacheDB::new(EmptyDB::default()), &mut env.block_env);
    Ok(())
}

/// The output of a successful run, or the error that tells why there is none.
pub(crate) fn output(result: ExecutionResult) -> Result<Bytes, ChainError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(ChainError::Halted(halt(&reason))),
    }
}

/// The reason of a halt in geth's words where clients look for them.
pub(crate) fn halt(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(OutOfGasError::Basic | OutOfGasError::Precompile) => {
            "out of gas".to_owned()
        }
        HaltReason::OpcodeNotFound => "invalid opcode".to_owned(),
        other => format!("{other:?}"),
    }
}

fn access_list<C: Chain>(api: &Api<C>, request: &Request) -> Result<AccessListResult, ChainError> {
    let mut request = request.clone();
    let call = request.call()?;
    let skip = [call.tx.caller, call.env.block_env.beneficiary];
    let to = call.tx.kind.to().copied();
    let first = api.chain.execute(request.at, call)?;
    let list = accessed(&first, &skip, to);
    request.fields.access_list = Some(list.clone());
    let second = api.chain.execute(request.at, request.call()?)?;
    let gas_used = U256::from(second.result.tx_gas_used());
    let error = output(second.result).err().map(|error| error.to_string());
    Ok(AccessListResult { access_list: list, gas_used, error })
}

/// What a run loaded, without what is warm anyway.
fn accessed(run: &ResultAndState, skip: &[Address], to: Option<Address>) -> AccessList {
    let mut items: Vec<AccessListItem> = run
        .state
        .iter()
        .filter(|(address, _)| !skip.contains(address) && !precompile(address))
        .map(|(address, account)| {
            let mut storage_keys: Vec<B256> =
                account.storage.keys().map(|slot| B256::from(*slot)).collect();
            storage_keys.sort_unstable();
            AccessListItem { address: *address, storage_keys }
        })
        .filter(|item| Some(item.address) != to || !item.storage_keys.is_empty())
        .collect();
    items.sort_unstable_by_key(|item| item.address);
    AccessList(items)
}

/// Addresses up to 0x01ff are kept for precompiles, which are always warm.
fn precompile(address: &Address) -> bool {
    U256::from_be_slice(address.as_slice()) < U256::from(0x200)
}
