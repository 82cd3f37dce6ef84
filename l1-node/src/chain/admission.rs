//! Which transactions the pool takes.

use alloy_consensus::Transaction as _;
use alloy_evm::FromRecoveredTx;
use alloy_primitives::B256;
use recourse_rpc::{BlockPoint, ChainError, ChainEvent, Rejection};
use revm::{
    context::{ContextSetters, TxEnv, result::EVMError},
    context_interface::block::BlobExcessGasAndPrice,
    handler::{Handler, MainnetHandler},
};

use super::{Core, evm, transaction::PoolTx};
use crate::{execute::Meter, state::StateError};

impl Core {
    /// Checks a transaction, puts it into the pool and, in automatic mode, mines it.
    pub(crate) fn submit(&mut self, tx: PoolTx) -> Result<B256, ChainError> {
        let hash = tx.hash();
        if self.history.locate(&hash).is_some() {
            return Err(Rejection::AlreadyKnown.into());
        }
        self.check_account(&tx)?;
        self.check_rules(&tx)?;
        self.pool.insert(tx)?;
        self.tell(ChainEvent::Pooled(hash));
        self.mine_waiting()?;
        Ok(hash)
    }

    fn check_account(&self, tx: &PoolTx) -> Result<(), ChainError> {
        let sender = tx.sender();
        let account = self.state(BlockPoint::Pending)?.account(sender)?.unwrap_or_default();
        if tx.tx.nonce() < account.nonce {
            let (expected, got) = (account.nonce, tx.tx.nonce());
            return Err(Rejection::NonceTooLow { expected, got }.into());
        }
        let cost = tx.max_cost();
        if cost > account.balance {
            return Err(Rejection::InsufficientFunds { balance: account.balance, cost }.into());
        }
        Ok(())
    }

    /// What no state can mend: chain id, gas limits, intrinsic gas, blobs. Fee caps are left
    /// out: a transaction below the base fee waits.
    fn check_rules(&self, tx: &PoolTx) -> Result<(), ChainError> {
        if let Some(got) = tx.tx.chain_id().filter(|id| *id != self.chain_id()) {
            return Err(Rejection::WrongChain { expected: self.chain_id(), got }.into());
        }
        let mut env = self.rules.env(&self.next_header()?);
        env.cfg_env.disable_base_fee = true;
        env.block_env.blob_excess_gas_and_price =
            Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 0 });
        let state = self.state(BlockPoint::Pending)?.clone();
        let mut evm = evm::evm(state, env, Some(&Meter::default()))?.into_inner();
        evm.ctx.set_tx(TxEnv::from_recovered_tx(tx.tx.inner(), tx.sender()));
        let handler = MainnetHandler::<_, EVMError<StateError>, _>::default();
        handler.validate_env(&mut evm)?;
        handler.validate_initial_tx_gas(&mut evm)?;
        Ok(())
    }
}
