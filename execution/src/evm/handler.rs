use std::{marker::PhantomData, mem};

use alloy_primitives::{Address, Bytes, TxKind};
use revm::{
    ExecuteEvm,
    context::{
        BlockEnv, CfgEnv, Context as RevmContext, ContextSetters, ContextTr, Journal, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason},
    },
    context_interface::Block,
    handler::{Handler, MainnetHandler, SYSTEM_ADDRESS, pre_execution},
    interpreter::InitialAndFloorGas,
    primitives::hardfork::SpecId,
    state::EvmState,
};

use super::{
    TxDb, bound,
    machine::{Instructions, L2Evm},
};
use crate::{error::StateError, state::World};

/// Gas of a system call (EIP-2935, EIP-4788).
const SYSTEM_CALL_GAS: u64 = 30_000_000;

pub(super) type Context<'a> = RevmContext<BlockEnv, TxEnv, CfgEnv, TxDb<'a>, Journal<TxDb<'a>>, ()>;

type Error = EVMError<StateError>;

/// revm's result, and the state that it touched.
pub(crate) type Ran = Result<(ExecutionResult, EvmState), Error>;

/// revm on top of a [`TxDb`], for all transactions of a piece.
pub(crate) struct Engine<'a> {
    evm: L2Evm<'a>,
    spec: SpecId,
    /// Whether the instructions in use are those that look at the bound.
    watching: bool,
    /// The others.
    spare: Option<Instructions<'a>>,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl<'a> Engine<'a> {
    pub(crate) fn new(db: TxDb<'a>, cfg: CfgEnv, block: BlockEnv) -> Self {
        let spec = cfg.spec;
        let context = Context::new(db, spec).with_cfg(cfg).with_block(block);
        Self { evm: L2Evm::new(context), spec, watching: false, spare: None }
    }

    pub(crate) fn spec(&self) -> SpecId {
        self.spec
    }

    pub(crate) fn db_mut(&mut self) -> &mut TxDb<'a> {
        &mut self.evm.0.ctx.journaled_state.database
    }

    /// The database, beside what the EVM sees of the block.
    pub(crate) fn parts(&mut self) -> (&mut TxDb<'a>, &BlockEnv) {
        let context = &mut self.evm.0.ctx;
        (&mut context.journaled_state.database, &context.block)
    }

    /// The state, and what the EVM sees of the chain and of the block.
    pub(crate) fn scene(&self) -> (&World, &CfgEnv, &BlockEnv) {
        let context = &self.evm.0.ctx;
        (context.journaled_state.database.world(), &context.cfg, &context.block)
    }

    pub(crate) fn into_db(self) -> TxDb<'a> {
        self.evm.0.ctx.journaled_state.database
    }

    /// Runs a transaction. The sender is read first, then, if the transaction is valid, the coinbase; from then on no more
    /// than `max_witness_bytes` may be used, if there is a limit.
    pub(crate) fn transact(&mut self, tx: TxEnv, max_witness_bytes: Option<u64>) -> Ran {
        let bounded = self.db_mut().bound_mut().is_some();
        self.watch(bounded);
        self.evm.0.ctx.set_tx(tx);
        let mut handler = L2Handler { max_witness_bytes, evm: PhantomData };
        let result = handler.run(&mut self.evm);
        self.finish(result)
    }

    /// Runs a system call: no sender, no fees; a target without code does nothing.
    pub(crate) fn system_call(&mut self, target: Address, data: Bytes) -> Ran {
        self.watch(false);
        self.evm.0.ctx.set_tx(TxEnv {
            caller: SYSTEM_ADDRESS,
            kind: TxKind::Call(target),
            data,
            gas_limit: SYSTEM_CALL_GAS,
            ..TxEnv::default()
        });
        let result = MainnetHandler::default().run_system_call(&mut self.evm);
        self.finish(result)
    }

    fn watch(&mut self, on: bool) {
        if self.watching == on {
            return;
        }
        let spec = self.spec;
        let spare = self.spare.get_or_insert_with(|| bound::instructions(spec));
        mem::swap(spare, &mut self.evm.0.instruction);
        self.watching = on;
    }

    /// Leaves nothing behind for the next run, however this one ended.
    fn finish(&mut self, result: Result<ExecutionResult, Error>) -> Ran {
        let state = self.evm.0.finalize();
        *self.evm.0.ctx.error() = Ok(());
        result.map(|result| (result, state))
    }
}

/// Ethereum's handler, which also reads the coinbase before anything else runs and starts the limits.
struct L2Handler<'a> {
    max_witness_bytes: Option<u64>,
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
        if let Some(limit) = self.max_witness_bytes {
            db.meter_mut().enforce(limit).map_err(StateError::from)?;
        }
        Ok(())
    }
}
