//! `eth_simulateV1`: blocks of calls on top of a block, one after another.

mod call;
mod error;
mod plan;
mod precompiles;
mod transfers;

use alloy::rpc::types::{
    Log, TransactionRequest,
    simulate::{SimCallResult, SimulateError, SimulatePayload, SimulatedBlock},
};
use alloy_consensus::{Header, TxEnvelope, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_evm::{EvmEnv, FromRecoveredTx as _};
use alloy_primitives::{B256, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::{
    context::{
        TxEnv,
        result::{ExecutionResult, ResultAndState},
    },
    context_interface::block::BlobExcessGasAndPrice,
};

use self::{error::Code, plan::Planned, transfers::Transfers};
use crate::{
    BlockPoint, Bodies, Call, Chain, ChainError, MinedBlock,
    api::{Api, Args, method},
    draft::{Draft, shaped},
    limits::CALL_GAS,
    methods::calls::halt,
    resolve,
    scratch::{Moves, Scratch, change, run},
};

/// Blocks that one call may ask for; each may bring gaps, which [`plan`] bounds.
const MAX_BLOCKS: usize = 256;
/// Calls that one call may ask for.
const MAX_CALLS: usize = 5_000;

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "eth_simulateV1", simulate)
}

fn simulate<C: Chain>(
    api: &Api<C>,
    args: &mut Args<'_>,
) -> Result<Vec<SimulatedBlock>, ChainError> {
    let payload = args.required::<SimulatePayload>("payload")?;
    let id = args.optional::<BlockId>("block")?.unwrap_or(BlockNumberOrTag::Latest.into());
    let calls: usize = payload.block_state_calls.iter().map(|block| block.calls.len()).sum();
    if payload.block_state_calls.is_empty() {
        return Err(ChainError::InvalidParams("empty input".to_owned()));
    }
    if payload.block_state_calls.len() > MAX_BLOCKS || calls > MAX_CALLS {
        return Err(Code::ClientLimit.error("too many blocks"));
    }
    let base = resolve::block(&*api.chain, id)?
        .ok_or_else(|| ChainError::Refused("header not found".to_owned()))?;
    let state = api.chain.scratch(match id {
        BlockId::Number(BlockNumberOrTag::Pending) => BlockPoint::Pending,
        _ => BlockPoint::Number(base.number()),
    })?;
    let planned = plan::plan(base.header(), payload.block_state_calls)?;
    let mut simulation = Simulation {
        chain: &*api.chain,
        state,
        validation: payload.validation,
        transfers: payload.trace_transfers,
        bodies: Bodies::from(payload.return_full_transactions),
        gas: CALL_GAS,
    };
    let mut parent = base.header().inner().clone();
    let mut before = parent.clone();
    let mut answer = Vec::new();
    for block in planned {
        let header = plan::header(&before, &block);
        let (mined, calls) = simulation.block(&parent, header, block)?;
        parent = mined.header().inner().clone();
        before = parent.clone();
        answer.push(SimulatedBlock { inner: mined.rpc_block(simulation.bodies), calls });
    }
    Ok(answer)
}

/// A simulation under way.
struct Simulation<'a, C: Chain> {
    chain: &'a C,
    state: C::Scratch,
    validation: bool,
    transfers: bool,
    bodies: Bodies,
    /// Gas that all its calls together may still use.
    gas: u64,
}

impl<C: Chain> Simulation<'_, C> {
    fn block(
        &mut self,
        parent: &Header,
        header: Header,
        planned: Planned,
    ) -> Result<(MinedBlock, Vec<SimCallResult>), ChainError> {
        let (header, env) = self.environment(parent, header, &planned);
        let changes = planned.block.state_overrides.unwrap_or_default();
        let moves = precompiles::moves(&mut self.state, &env, &changes)?;
        change(&mut self.state, changes)?;
        let mut draft = Draft::open(&mut self.state, header, env)?;
        let (mut calls, mut logs) = (Vec::new(), 0);
        for call in planned.block.calls {
            calls.push(self.call(&mut draft, call, &moves, &mut logs)?);
        }
        let (block, _) = draft.seal(&mut self.state)?;
        locate(&mut calls, &block);
        Ok((block, calls))
    }

    /// The header with what follows from its parent, and the environment of its calls.
    fn environment(&self, parent: &Header, header: Header, planned: &Planned) -> (Header, EvmEnv) {
        let merged = parent.difficulty.is_zero();
        let mut header = Header {
            parent_hash: parent.hash_slow(),
            difficulty: if merged { U256::ZERO } else { header.difficulty },
            ..header
        };
        let fees = self.state.base_fee_params();
        let base_fee = header.base_fee_per_gas.or_else(|| {
            // Without validation calls are free, whatever the base fee would be.
            let next = parent.next_block_base_fee(fees).filter(|_| self.validation);
            Some(next.unwrap_or_default())
        });
        header.base_fee_per_gas = base_fee;
        if let Some(params) = self.chain.blob_params(header.timestamp) {
            header.excess_blob_gas =
                Some(parent.next_block_excess_blob_gas(params).unwrap_or_default());
        }
        let header = shaped(header.clone(), &self.state.env(&header));
        let mut env = self.state.env(&header);
        let overrides = planned.block.block_overrides.as_ref();
        if let Some(price) = overrides.and_then(|overrides| overrides.blob_base_fee) {
            env.block_env.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice {
                excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
                blob_gasprice: price.saturating_to(),
            });
        }
        (header, env)
    }

    fn call(
        &mut self,
        draft: &mut Draft,
        call: TransactionRequest,
        moves: &Moves,
        logs: &mut u64,
    ) -> Result<SimCallResult, ChainError> {
        let left = draft.gas_left();
        let gas = call.gas.unwrap_or(left);
        if gas > left {
            let (used, limit) = (draft.header.gas_used, draft.header.gas_limit);
            return Err(Code::BlockGas.error(format!("block gas limit reached: {used} >= {limit}")));
        }
        let sender = call.from.unwrap_or_default();
        let nonce = match call.nonce {
            Some(nonce) => nonce,
            None => nonce_of(&self.state, sender)?,
        };
        let chain_id = draft.env.cfg_env.chain_id;
        let tx = call::transaction(call, chain_id, nonce, gas.min(self.gas))?;
        let call = self.relaxed(&draft.env, &tx);
        if self.validation && nonce == u64::MAX {
            return Err(Code::LastNonce.error(format!("nonce has max value: address {sender}")));
        }
        let mut transfers = Transfers::new(self.transfers, *logs);
        let done = run(&mut self.state, call, &mut transfers, moves).map_err(error::invalid)?;
        self.gas = self.gas.saturating_sub(done.result.tx_gas_used());
        *logs = transfers.count();
        let answer = outcome(&done, transfers, draft.len(), *tx.tx_hash());
        draft.add(&mut self.state, tx, done);
        Ok(answer)
    }

    /// Without validation the sender's nonce is not looked at, and calls that offer nothing pay nothing.
    fn relaxed(&self, env: &EvmEnv, tx: &Recovered<TxEnvelope>) -> Call {
        let mut call = Call::mined(env.clone(), TxEnv::from_recovered_tx(tx.inner(), tx.signer()));
        call.env.cfg_env.disable_eip3607 = true;
        call.env.cfg_env.disable_block_gas_limit = true;
        call.env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        if !self.validation {
            call.env.cfg_env.disable_nonce_check = true;
            free(&mut call.env, &call.tx);
        }
        call
    }
}

/// A call that offers no fee is free, and sees a base fee of zero.
pub(crate) fn free(env: &mut EvmEnv, tx: &TxEnv) {
    if tx.gas_price == 0 && tx.gas_priority_fee.unwrap_or_default() == 0 {
        env.cfg_env.disable_base_fee = true;
        env.block_env.basefee = 0;
    }
    if tx.max_fee_per_blob_gas == 0
        && let Some(blob) = &mut env.block_env.blob_excess_gas_and_price
    {
        blob.blob_gasprice = 0;
    }
}

fn nonce_of<S: Scratch>(state: &S, sender: alloy_primitives::Address) -> Result<u64, ChainError> {
    let account = state.basic_ref(sender).map_err(S::failure)?;
    Ok(account.map_or(0, |info| info.nonce))
}

fn outcome(done: &ResultAndState, logs: Transfers, index: usize, hash: B256) -> SimCallResult {
    let result = &done.result;
    let gas = result.gas();
    let error = match result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { output, .. } => Some(SimulateError {
            code: 3,
            message: ChainError::Reverted(output.clone()).to_string(),
            data: Some(output.clone()),
        }),
        ExecutionResult::Halt { reason, .. } => Some(SimulateError {
            code: SimulateError::VM_EXECUTION_ERROR_CODE,
            message: halt(reason),
            data: None,
        }),
    };
    let logs = if result.is_success() { logs.into_logs() } else { Vec::new() };
    let located = |(number, log)| Log {
        inner: log,
        log_index: Some(number),
        transaction_hash: Some(hash),
        transaction_index: u64::try_from(index).ok(),
        ..Log::default()
    };
    SimCallResult {
        return_data: result.output().filter(|_| result.is_success()).cloned().unwrap_or_default(),
        logs: logs.into_iter().map(located).collect(),
        gas_used: gas.tx_gas_used(),
        max_used_gas: Some(gas.total_gas_spent().max(gas.floor_gas())),
        status: result.is_success(),
        error,
    }
}

/// Tells the logs in which block they are, now that its hash is known.
fn locate(calls: &mut [SimCallResult], block: &MinedBlock) {
    let logs = calls.iter_mut().flat_map(|call| call.logs.iter_mut());
    for log in logs {
        log.block_hash = Some(block.hash());
        log.block_number = Some(block.number());
        log.block_timestamp = Some(block.header().timestamp);
    }
}
