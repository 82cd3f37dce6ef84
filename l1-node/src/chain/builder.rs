//! Executes a block, transaction by transaction.

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, Receipt, ReceiptEnvelope, Sealable, Transaction as _, TxType,
    constants::EMPTY_WITHDRAWALS,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::{BEACON_ROOTS_ADDRESS, SYSTEM_ADDRESS},
    eip4895::Withdrawals,
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::Requests,
};
use alloy_evm::{Evm as _, FromRecoveredTx};
use alloy_primitives::{Address, Bloom, Bytes, U256};
use recourse_rpc::{ChainError, MinedBlock, Rejection};
use revm::{
    DatabaseCommit,
    context::{TxEnv, result::ExecutionResult},
};
use std::sync::Arc;

use super::{
    EXECUTE_ADDRESS,
    evm::{self, Evm},
    rules,
    transaction::{PoolTx, StoredBlob},
};
use crate::{
    execute::{EXCESS_SLOT, Meter, next_excess},
    state::{State, evm_error},
};

/// A block in the making.
pub(crate) struct Builder {
    evm: Evm,
    header: Header,
    meter: Meter,
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
    pub(crate) fn open(state: State, header: Header, chain_id: u64) -> Result<Self, ChainError> {
        let meter = Meter::default();
        let env = rules::env(&header, chain_id);
        let evm = evm::evm(state, env, &meter)?;
        let mut builder = Self {
            evm,
            header,
            meter,
            transactions: Vec::new(),
            receipts: Vec::new(),
            gas_used: 0,
            blob_gas_used: 0,
        };
        let parent = builder.header.parent_hash;
        builder.system_call(HISTORY_STORAGE_ADDRESS, parent.0.into())?;
        let beacon_root = builder.header.parent_beacon_block_root.unwrap_or_default();
        builder.system_call(BEACON_ROOTS_ADDRESS, beacon_root.0.into())?;
        Ok(builder)
    }

    /// Executes a transaction at the end of the block, or leaves the block as it was.
    pub(crate) fn add(&mut self, tx: &Arc<PoolTx>) -> Result<(), Skip> {
        let blob_gas = tx.tx.blob_gas_used().unwrap_or_default();
        let gas_left = self.header.gas_limit.saturating_sub(self.gas_used);
        let blob_gas_left =
            rules::blob_params().max_blob_gas_per_block().saturating_sub(self.blob_gas_used);
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
        self.receipts.push(receipt(tx.tx.tx_type(), run.result, self.gas_used));
        self.transactions.push(Arc::clone(tx));
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

    /// The state so far and the meter, for running one more transaction elsewhere.
    pub(crate) fn into_parts(self) -> (State, Meter) {
        (self.evm.into_db(), self.meter)
    }

    /// Ends the block: EIP-7002 and EIP-7251 system calls, EXECUTE's excess, roots.
    pub(crate) fn seal(mut self) -> Result<Built, ChainError> {
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
        let used = self.meter.used();
        let mut state = self.evm.into_db();
        let excess = next_excess(evm::excess(&state)?, used);
        state.set_storage(EXECUTE_ADDRESS, U256::from(EXCESS_SLOT), U256::from(excess))?;
        let txs: Vec<_> = self.transactions.iter().map(|tx| tx.tx.clone()).collect();
        let bare: Vec<_> = txs.iter().map(|tx| tx.inner()).collect();
        let header = Header {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            state_root: state.root()?,
            transactions_root: calculate_transaction_root(&bare),
            receipts_root: calculate_receipt_root(&self.receipts),
            logs_bloom: self.receipts.iter().fold(Bloom::ZERO, |all, one| all | *one.logs_bloom()),
            gas_used: self.gas_used,
            blob_gas_used: Some(self.blob_gas_used),
            requests_hash: Some(requests.requests_hash()),
            ..self.header
        };
        let blob_price = header.blob_fee(rules::blob_params());
        let header = header.seal_slow();
        state.set_block_hash(header.number, header.seal());
        let blobs = self.transactions.iter().flat_map(|tx| tx.blobs.clone()).collect();
        let block = MinedBlock::new(header, txs, self.receipts, Withdrawals::default(), blob_price);
        Ok(Built { block, state, blobs })
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

fn receipt(kind: TxType, result: ExecutionResult, cumulative: u64) -> ReceiptEnvelope {
    let receipt = Receipt {
        status: result.is_success().into(),
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
