use std::marker::PhantomData;

use alloy_primitives::{Address, Bytes, TxKind};
use revm::{
    ExecuteEvm,
    context::{
        BlockEnv, CfgEnv, Context as RevmContext, ContextSetters, ContextTr, Journal, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason},
    },
    context_interface::Block,
    handler::{Handler, MainnetHandler, SYSTEM_ADDRESS, pre_execution},
    inspector::InspectorHandler,
    interpreter::{InitialAndFloorGas, interpreter::EthInterpreter},
    state::EvmState,
};

use super::{TxDb, machine::L2Evm};
use crate::error::StateError;

/// Gas of a system call (EIP-2935, EIP-4788).
const SYSTEM_CALL_GAS: u64 = 30_000_000;

pub(super) type Context<'a> = RevmContext<BlockEnv, TxEnv, CfgEnv, TxDb<'a>, Journal<TxDb<'a>>, ()>;

type Error = EVMError<StateError>;

/// What a run left: the database, and revm's result with the state that it touched.
pub(crate) struct Ran<'a> {
    pub(crate) db: TxDb<'a>,
    pub(crate) result: Result<(ExecutionResult, EvmState), Error>,
}

/// Runs a transaction. The sender is read first, then, if the transaction is valid, the coinbase; from then on no more
/// than `max_witness_bytes` may be used.
pub(crate) fn transact<'a>(
    db: TxDb<'a>,
    cfg: CfgEnv,
    block: BlockEnv,
    tx: TxEnv,
    max_witness_bytes: u64,
) -> Ran<'a> {
    let mut db = db;
    let bounded = db.bound_mut().is_some();
    let mut evm = build(db, cfg, block);
    evm.0.ctx.set_tx(tx);
    let mut handler = L2Handler { max_witness_bytes, evm: PhantomData };
    let result = if bounded { handler.inspect_run(&mut evm) } else { handler.run(&mut evm) };
    finish(evm, result)
}

/// Runs a system call: no sender, no fees; a target without code does nothing.
pub(crate) fn system_call<'a>(
    db: TxDb<'a>,
    cfg: CfgEnv,
    block: BlockEnv,
    target: Address,
    data: Bytes,
) -> Ran<'a> {
    let mut evm = build(db, cfg, block);
    evm.0.ctx.set_tx(TxEnv {
        caller: SYSTEM_ADDRESS,
        kind: TxKind::Call(target),
        data,
        gas_limit: SYSTEM_CALL_GAS,
        ..TxEnv::default()
    });
    let result = MainnetHandler::default().run_system_call(&mut evm);
    finish(evm, result)
}

fn build(db: TxDb<'_>, cfg: CfgEnv, block: BlockEnv) -> L2Evm<'_> {
    let spec = cfg.spec;
    L2Evm::new(Context::new(db, spec).with_cfg(cfg).with_block(block))
}

fn finish<'a>(mut evm: L2Evm<'a>, result: Result<ExecutionResult, Error>) -> Ran<'a> {
    let state = evm.0.finalize();
    Ran { db: evm.0.ctx.journaled_state.database, result: result.map(|result| (result, state)) }
}

/// Ethereum's handler, which also reads the coinbase before anything else runs and starts the limits.
struct L2Handler<'a> {
    max_witness_bytes: u64,
    evm: PhantomData<L2Evm<'a>>,
}

impl<'a> Handler for L2Handler<'a> {
    type Evm = L2Evm<'a>;
    type Error = Error;
    type HaltReason = HaltReason;

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        gas: &mut InitialAndFloorGas,
    ) -> Result<(), Error> {
        pre_execution::validate_against_state_and_deduct_caller::<_, Error>(&mut evm.0.ctx)?;
        let coinbase = evm.0.ctx.block().beneficiary();
        let db = evm.0.ctx.db_mut();
        // Only now: an invalid transaction uses no gas, however much it would need.
        if let Some(bound) = db.bound_mut() {
            bound.admit_intrinsic(gas.initial_total_gas())?;
        }
        db.account(coinbase)?;
        db.meter_mut().enforce(self.max_witness_bytes).map_err(StateError::from)?;
        Ok(())
    }
}

impl InspectorHandler for L2Handler<'_> {
    type IT = EthInterpreter;
}
