//! `debug_trace*`: mined transactions and calls, run again under geth's tracers.

use alloy::rpc::types::trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_evm::{EvmEnv, FromRecoveredTx as _};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::context::TxEnv;
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError, TransactionContext};

use crate::{
    Call, Chain, ChainError, MinedBlock,
    api::{Api, Args, method},
    bounded::{Bounded, Room},
    methods::{
        blocks::{by_hash, by_number},
        calls::Request,
        transactions::mined,
    },
    resolve,
    scratch::{Moves, Scratch, begin, change, run},
};

pub(crate) fn register<C: Chain>(
    module: &mut RpcModule<Api<C>>,
) -> Result<(), RegisterMethodError> {
    method(module, "debug_traceTransaction", transaction)?;
    method(module, "debug_traceBlockByNumber", |api, args| block(api, by_number(args)?, args))?;
    method(module, "debug_traceBlockByHash", |api, args| block(api, by_hash(args)?, args))?;
    method(module, "debug_traceCall", call)
}

fn transaction<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<GethTrace, ChainError> {
    let hash = args.hash("transaction hash")?;
    let options = args.optional::<GethDebugTracingOptions>("options")?.unwrap_or_default();
    let (block, place) =
        mined(api, hash)?.ok_or_else(|| ChainError::Refused("transaction not found".to_owned()))?;
    let mut replay = Replay::open(api, &block)?;
    for index in 0..place.index {
        replay.skip(index)?;
    }
    replay.trace(place.index, options, &mut Room::default())
}

fn block<C: Chain>(
    api: &Api<C>,
    id: BlockId,
    args: &mut Args<'_>,
) -> Result<Vec<TraceResult<GethTrace, String>>, ChainError> {
    let options = args.optional::<GethDebugTracingOptions>("options")?.unwrap_or_default();
    let block = resolve::block(&*api.chain, id)?
        .ok_or_else(|| ChainError::Refused(format!("block {} not found", told(id))))?;
    let mut replay = Replay::open(api, &block)?;
    let (mut traces, mut room) = (Vec::new(), Room::default());
    for (index, tx) in block.transactions().iter().enumerate() {
        let result = replay.trace(index, options.clone(), &mut room)?;
        traces.push(TraceResult::new_success(result, Some(*tx.tx_hash())));
    }
    Ok(traces)
}

fn call<C: Chain>(api: &Api<C>, args: &mut Args<'_>) -> Result<GethTrace, ChainError> {
    let mut request = Request::read_call(api, args, BlockNumberOrTag::Latest)?;
    let options = args.optional::<GethDebugTracingCallOptions>("options")?.unwrap_or_default();
    request.override_with(options.state_overrides, options.block_overrides)?;
    let mut call = request.call()?;
    let mut state = api.chain.scratch(request.at)?;
    change(&mut state, call.overrides.take().unwrap_or_default())?;
    let (context, options) = (TransactionContext::default(), options.tracing_options);
    let traced = traced(&mut state, call, context, options, &mut Room::default());
    traced.map(|(trace, _)| trace)
}

/// A mined block that runs again.
struct Replay<'a, S> {
    block: &'a MinedBlock,
    state: S,
    env: EvmEnv,
}

impl<'a, S: Scratch> Replay<'a, S> {
    /// Goes to before the block's first transaction.
    fn open<C: Chain<Scratch = S>>(
        api: &Api<C>,
        block: &'a MinedBlock,
    ) -> Result<Self, ChainError> {
        let number = block.number();
        if number > 0 && number <= api.chain.first_block() {
            // Its rules are not known here.
            return Err(ChainError::Unsupported("tracing transactions from before the fork"));
        }
        let parent = number
            .checked_sub(1)
            .ok_or_else(|| ChainError::Refused("genesis is not traceable".to_owned()))?;
        let mut state = api.chain.scratch(crate::BlockPoint::Number(parent))?;
        let mut env = state.env(block.header());
        begin(&mut state, &env, block.header())?;
        // What a dev method sent for somebody else may come from a contract.
        env.cfg_env.disable_eip3607 = true;
        Ok(Self { block, state, env })
    }

    /// Runs the next transaction.
    fn skip(&mut self, index: usize) -> Result<(), ChainError> {
        let call = self.call(index)?;
        let inspector = &mut revm::inspector::NoOpInspector;
        let done = run(&mut self.state, call, inspector, &Moves::default())?;
        self.state.commit(done.state);
        Ok(())
    }

    /// Runs the next transaction under a tracer.
    fn trace(
        &mut self,
        index: usize,
        options: GethDebugTracingOptions,
        room: &mut Room,
    ) -> Result<GethTrace, ChainError> {
        let call = self.call(index)?;
        let context = TransactionContext {
            block_hash: Some(self.block.hash()),
            tx_index: Some(index),
            tx_hash: self.block.transactions().get(index).map(|tx| *tx.tx_hash()),
        };
        let (trace, done) = traced(&mut self.state, call, context, options, room)?;
        self.state.commit(done);
        Ok(trace)
    }

    fn call(&self, index: usize) -> Result<Call, ChainError> {
        let tx = self.block.transactions().get(index).ok_or(ChainError::NotFound("transaction"))?;
        Ok(Call::mined(self.env.clone(), TxEnv::from_recovered_tx(tx.inner(), tx.signer())))
    }
}

fn traced<S: Scratch>(
    state: &mut S,
    call: Call,
    context: TransactionContext,
    options: GethDebugTracingOptions,
    room: &mut Room,
) -> Result<(GethTrace, revm::state::EvmState), ChainError> {
    let mut inspector = DebugInspector::new(options).map_err(unsupported)?;
    let (tx, block) = (call.tx.clone(), call.env.block_env.clone());
    let done = run(state, call, &mut Bounded::new(&mut inspector, room), &Moves::default());
    // A run that was stopped for it has failed, too, with an error that says less.
    room.check()?;
    let done = done?;
    let trace = inspector.get_result(Some(context), &tx, &block, &done, state).map_err(
        |error| match error {
            DebugInspectorError::Database(error) => S::failure(error),
            other => ChainError::InvalidParams(other.to_string()),
        },
    )?;
    Ok((trace, done.state))
}

fn unsupported(error: DebugInspectorError) -> ChainError {
    ChainError::InvalidParams(format!("tracer: {error}"))
}

fn told(id: BlockId) -> String {
    match id {
        BlockId::Hash(hash) => hash.block_hash.to_string(),
        BlockId::Number(number) => number.to_string(),
    }
}
