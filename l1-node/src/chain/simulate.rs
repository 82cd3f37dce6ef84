//! Execution that leaves nothing behind.

use std::sync::Arc;

use alloy_evm::{
    Evm as _, FromRecoveredTx,
    overrides::{StateOverrideError, apply_state_overrides},
};
use recourse_rpc::{BlockPoint, Call, ChainError, Trace, TxLocation};
use revm::context::{TxEnv, result::ResultAndState};
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};

use super::{
    Core,
    builder::{Builder, Skip},
    evm, rules,
    transaction::PoolTx,
};
use crate::{
    execute::Meter,
    state::{State, StateError, evm_error},
};

/// A state to execute on, taken out of the chain so that the chain can go on meanwhile.
#[derive(Debug)]
pub(crate) struct Simulation {
    state: State,
}

impl Simulation {
    /// On this state.
    pub(crate) const fn on(state: State) -> Self {
        Self { state }
    }

    /// Executes a call. EXECUTE has a whole block's capacity for it.
    pub(crate) fn run(mut self, call: Call) -> Result<ResultAndState, ChainError> {
        if let Some(overrides) = call.overrides {
            apply_state_overrides(overrides, &mut self.state).map_err(override_error)?;
        }
        let mut evm = evm::evm(self.state, call.env, &Meter::default())?;
        evm.transact(call.tx).map_err(evm_error)
    }
}

/// A mined transaction to run again.
#[derive(Debug)]
pub(crate) struct Replay {
    builder: Builder,
    before: Vec<Arc<PoolTx>>,
    target: Arc<PoolTx>,
    env: alloy_evm::EvmEnv,
}

impl Replay {
    /// Takes what is needed out of the chain.
    pub(crate) fn of(core: &Core, at: TxLocation) -> Result<Self, ChainError> {
        let block = core.history.block(at.block).ok_or(ChainError::NotFound("block"))?;
        let parent = at.block.checked_sub(1).ok_or(ChainError::NotFound("parent block"))?;
        let state = core.state(BlockPoint::Number(parent))?.clone();
        let header = block.header().inner().clone();
        let env = rules::env(&header, core.chain_id);
        let mut txs: Vec<Arc<PoolTx>> = block
            .transactions()
            .iter()
            .take(at.index.saturating_add(1))
            .map(|tx| Arc::new(PoolTx { tx: tx.clone(), blobs: Vec::new(), impersonated: true }))
            .collect();
        let target = txs.pop().ok_or(ChainError::NotFound("transaction"))?;
        let builder = Builder::open(state, header, core.chain_id)?;
        Ok(Self { builder, before: txs, target, env })
    }

    /// Runs the block up to the transaction, and that under the inspector.
    pub(crate) fn run(mut self, config: TracingInspectorConfig) -> Result<Trace, ChainError> {
        for tx in &self.before {
            self.builder.add(tx).map_err(|skip| match skip {
                Skip::Failed(error) => error,
                other => ChainError::internal(format!("a mined transaction failed: {other:?}")),
            })?;
        }
        let (state, meter) = self.builder.into_parts();
        self.env.cfg_env.disable_eip3607 = true;
        let mut evm = evm::inspected(state, self.env, &meter, TracingInspector::new(config))?;
        let tx = TxEnv::from_recovered_tx(self.target.tx.inner(), self.target.sender());
        let result = evm.transact(tx).map_err(evm_error)?;
        let (_, inspector, _) = evm.components();
        Ok(Trace { inspector: inspector.clone(), result })
    }
}

fn override_error(error: StateOverrideError<StateError>) -> ChainError {
    match error {
        StateOverrideError::Database(error) => error.into(),
        other => ChainError::InvalidParams(other.to_string()),
    }
}
