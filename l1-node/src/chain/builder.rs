//! Executes a block, transaction by transaction.

use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, Sealable, Transaction as _, TxType,
    proofs::{
        calculate_ommers_root, calculate_receipt_root, calculate_transaction_root,
        calculate_withdrawals_root,
    },
};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::{BEACON_ROOTS_ADDRESS, SYSTEM_ADDRESS},
    eip4895::Withdrawals,
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::Requests,
    eip7840::BlobParams,
};
use alloy_evm::{Evm as _, FromRecoveredTx};
use alloy_primitives::{Address, Bloom, Bytes, U256};
use recourse_rpc::{ChainError, MinedBlock, Rejection};
use revm::{
    DatabaseCommit,
    context::{TxEnv, result::ExecutionResult},
    primitives::hardfork::SpecId,
};
use std::sync::Arc;

use super::{
    EXECUTE_ADDRESS, Rules,
    evm::{self, Evm},
    rewards::rewards,
    transaction::{PoolTx, StoredBlob},
};
use crate::{
    execute::{EXCESS_SLOT, Meter, next_excess},
    state::{State, StateError, evm_error},
};

/// A block in the making.
pub(crate) struct Builder {
    evm: Evm,
    spec: SpecId,
    blobs: BlobParams,
    header: Header,
    ommers: Vec<Header>,
    withdrawals: Withdrawals,
    meter: Option<Meter>,
    transactions: Vec<Arc<PoolTx>>,
    receipts: Vec<ReceiptEnvelope>,
    gas_used: u64,
    blob_gas_used: u64,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("header", &self.header).finish_non_exhaustive()
    }
}

/// A finished block and what stays of it.
#[derive(Debug)]
pub(crate) struct Built {
    /// The block.
    pub(crate) block: MinedBlock,
    /// The state after it.
    pub(crate) state: State,
    /// Its blobs in order.
    pub(crate) blobs: Vec<StoredBlob>,
}

/// Why a transaction is not in the block.
#[derive(Debug)]
pub(crate) enum Skip {
    /// It does not fit in what is left of the block.
    Full,
    /// It is invalid now.
    Invalid(Rejection),
    /// The node failed.
    Failed(ChainError),
}

impl Builder {
    /// Opens a block with this header, whose roots are not set yet, on its parent's state:
    /// EIP-2935 and EIP-4788 system calls.
    pub(crate) fn open(
        mut state: State,
        header: Header,
        rules: &Rules,
    ) -> Result<Self, ChainError> {
        let meter = rules.has_execute(header.number).then(Meter::default);
        let env = rules.env(&header);
        state.keep_empty(!env.cfg_env.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON));
        let evm = evm::evm(state, env, meter.as_ref())?;
        let mut builder = Self {
            evm,
            spec: rules.spec(&header),
            blobs: rules.blob_params(header.timestamp),
            header,
            ommers: Vec::new(),
            withdrawals: Withdrawals::default(),
            meter,
            transactions: Vec::new(),
            receipts: Vec::new(),
            gas_used: 0,
            blob_gas_used: 0,
        };
        if builder.since(SpecId::PRAGUE) {
            let parent = builder.header.parent_hash;
            builder.system_call(HISTORY_STORAGE_ADDRESS, parent.0.into())?;
        }
        if builder.since(SpecId::CANCUN) {
            let beacon_root = builder.header.parent_beacon_block_root.unwrap_or_default();
            builder.system_call(BEACON_ROOTS_ADDRESS, beacon_root.0.into())?;
        }
        Ok(builder)
    }

    /// Executes a transaction at the end of the block, or leaves the block as it was.
    pub(crate) fn add(&mut self, tx: &Arc<PoolTx>) -> Result<(), Skip> {
        let blob_gas = tx.tx.blob_gas_used().unwrap_or_default();
        let gas_left = self.header.gas_limit.saturating_sub(self.gas_used);
        let blob_gas_left = self.blobs.max_blob_gas_per_block().saturating_sub(self.blob_gas_used);
        if tx.tx.gas_limit() > gas_left || blob_gas > blob_gas_left {
            return Err(Skip::Full);
        }
        self.evm.ctx_mut().cfg.disable_eip3607 = tx.impersonated;
        let env = TxEnv::from_recovered_tx(tx.tx.inner(), tx.sender());
        let run = self.evm.transact(env).map_err(|error| match evm_error(error) {
            ChainError::Rejected(reason) => Skip::Invalid(reason),
            other => Skip::Failed(other),
        })?;
        self.evm.db_mut().commit(run.state);
        self.gas_used = self.gas_used.saturating_add(run.result.tx_gas_used());
        self.blob_gas_used = self.blob_gas_used.saturating_add(blob_gas);
        let outcome = self.outcome(&run.result)?;
        self.receipts.push(receipt(tx.tx.tx_type(), outcome, run.result, self.gas_used));
        self.transactions.push(Arc::clone(tx));
        Ok(())
    }

    /// What comes after the transactions: rewards of proof of work, for the block and its ommers, and withdrawals.
    pub(crate) fn add_body(
        &mut self,
        ommers: Vec<Header>,
        withdrawals: Option<Withdrawals>,
    ) -> Result<(), ChainError> {
        self.ommers = ommers;
        self.withdrawals = withdrawals.unwrap_or_default();
        let mut credits = rewards(self.spec, &self.header, &self.ommers);
        credits.extend(self.withdrawals.iter().map(|one| (one.address, one.amount_wei())));
        for (address, wei) in credits.into_iter().filter(|(_, wei)| !wei.is_zero()) {
            let state = self.evm.db_mut();
            let account = state.account(address).map_err(ChainError::internal)?;
            let balance = account.unwrap_or_default().balance.saturating_add(wei);
            state.set_balance(address, balance).map_err(ChainError::internal)?;
        }
        Ok(())
    }

    /// How many transactions are in the block.
    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }

    /// The block's base fee in wei per gas.
    pub(crate) fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// Ends the block: EIP-7002 and EIP-7251 system calls, EXECUTE's excess, roots.
    pub(crate) fn seal(mut self) -> Result<Built, ChainError> {
        let requests = self.requests()?;
        let (shanghai, cancun) = (self.since(SpecId::SHANGHAI), self.since(SpecId::CANCUN));
        let blob_price = cancun.then(|| self.header.blob_fee(self.blobs)).flatten();
        let used = self.meter.as_ref().map(Meter::used);
        let mut state = self.evm.into_db();
        if let Some(used) = used {
            charge(&mut state, used).map_err(ChainError::internal)?;
        }
        let txs: Vec<_> = self.transactions.iter().map(|tx| tx.tx.clone()).collect();
        let bare: Vec<_> = txs.iter().map(|tx| tx.inner()).collect();
        let header = Header {
            ommers_hash: calculate_ommers_root(&self.ommers),
            withdrawals_root: shanghai.then(|| calculate_withdrawals_root(&self.withdrawals)),
            state_root: state.root().map_err(ChainError::internal)?,
            transactions_root: calculate_transaction_root(&bare),
            receipts_root: calculate_receipt_root(&self.receipts),
            logs_bloom: self.receipts.iter().fold(Bloom::ZERO, |all, one| all | *one.logs_bloom()),
            gas_used: self.gas_used,
            blob_gas_used: cancun.then_some(self.blob_gas_used),
            requests_hash: requests.map(|requests| requests.requests_hash()),
            ..self.header
        };
        let header = header.seal_slow();
        state.set_block_hash(header.number, header.seal());
        let blobs = self.transactions.iter().flat_map(|tx| tx.blobs.clone()).collect();
        let block = MinedBlock::new(header, txs, self.receipts, self.withdrawals, blob_price)
            .with_ommers(self.ommers);
        Ok(Built { block, state, blobs })
    }

    /// What a receipt says of the outcome: since Byzantium (EIP-658) a status, before it the state's root.
    fn outcome(&self, result: &ExecutionResult) -> Result<Eip658Value, Skip> {
        if self.since(SpecId::BYZANTIUM) {
            return Ok(result.is_success().into());
        }
        let root = self.evm.db().root();
        root.map(Eip658Value::PostState).map_err(|error| Skip::Failed(ChainError::internal(error)))
    }

    fn requests(&mut self) -> Result<Option<Requests>, ChainError> {
        if !self.since(SpecId::PRAGUE) {
            return Ok(None);
        }
        let mut requests = Requests::default();
        for (kind, contract) in [
            (WITHDRAWAL_REQUEST_TYPE, WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
            (CONSOLIDATION_REQUEST_TYPE, CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
        ] {
            let output = self.system_call(contract, Bytes::new())?;
            if !output.is_empty() {
                requests.push_request_with_type(kind, output);
            }
        }
        Ok(Some(requests))
    }

    fn since(&self, fork: SpecId) -> bool {
        self.spec.is_enabled_in(fork)
    }

    fn system_call(&mut self, contract: Address, data: Bytes) -> Result<Bytes, ChainError> {
        let run =
            self.evm.transact_system_call(SYSTEM_ADDRESS, contract, data).map_err(evm_error)?;
        self.evm.db_mut().commit(run.state);
        match run.result {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            failed => Err(ChainError::internal(format!("system call failed: {failed:?}"))),
        }
    }
}

/// Writes EXECUTE's excess after a block in which it used so much.
fn charge(state: &mut State, used: u64) -> Result<(), StateError> {
    let excess = next_excess(evm::excess(state)?, used);
    let account = state.account(EXECUTE_ADDRESS)?.unwrap_or_default();
    if excess > 0 && account.nonce == 0 {
        // A nonce keeps the account from being empty, and so from being cleared: own chains have it from genesis on.
        state.set_nonce(EXECUTE_ADDRESS, 1)?;
    }
    state.set_storage(EXECUTE_ADDRESS, U256::from(EXCESS_SLOT), U256::from(excess))
}

fn receipt(
    kind: TxType,
    status: Eip658Value,
    result: ExecutionResult,
    cumulative: u64,
) -> ReceiptEnvelope {
    let receipt = Receipt {
        status,
        cumulative_gas_used: cumulative,
        logs: if result.is_success() { result.into_logs() } else { Vec::new() },
    }
    .with_bloom();
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}
