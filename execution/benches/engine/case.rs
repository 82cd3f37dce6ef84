//! A block made ready. What comes of it is checked before anything is timed.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{
    Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, TxType,
    proofs::calculate_receipt_root, transaction::SignerRecoverable,
};
use alloy_eips::eip2718::Decodable2718;
use alloy_evm::FromRecoveredTx;
use alloy_primitives::B256;
use eyre::ensure;
use recourse_execution::parallel::{FlatBlock, FlatOutcome, FlatTx, TxEnd, Workers};
use revm::context::{BlockEnv, CfgEnv, TxEnv, result::ExecutionResult};

use crate::{block::Block, flat::Flat, known::Accounts, plain};

/// A block, ready.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) cfg: CfgEnv,
    pub(crate) env: BlockEnv,
    pub(crate) state: Flat,
    pub(crate) envs: Vec<TxEnv>,
    pub(crate) txs: Vec<FlatTx>,
    pub(crate) gas_used: u64,
    /// Bytes of state that a transaction may use, as L2 has it: none of these comes near. What a node does to know that costs time.
    pub(crate) max_witness_bytes: Option<u64>,
    ancestors: Option<Arc<BTreeMap<u64, B256>>>,
    /// How receipts are encoded, and their root.
    receipts: Option<(Vec<TxType>, B256)>,
}

impl Case {
    pub(crate) fn mainnet(block: &Block, accounts: &Accounts) -> eyre::Result<Self> {
        let mut state = Flat::new(accounts);
        state.hashes = block.ancestors.clone().into_iter().collect();
        let mut types = Vec::new();
        let mut envs = Vec::new();
        for raw in &block.body.transactions {
            let transaction = TxEnvelope::decode_2718_exact(raw)?;
            let sender = transaction.recover_signer()?;
            types.push(transaction.tx_type());
            envs.push(TxEnv::from_recovered_tx(&transaction, sender));
        }
        let case = Self {
            name: block.name.clone(),
            cfg: block.cfg(),
            env: block.env()?,
            state,
            txs: envs.iter().cloned().map(FlatTx::Ready).collect(),
            envs,
            gas_used: block.gas_used,
            max_witness_bytes: None,
            ancestors: Some(Arc::new(block.ancestors.clone())),
            receipts: Some((types, block.receipts_root)),
        };
        case.check(&plain::run(&case)?.0)?;
        Ok(case)
    }

    /// A block that never was: plain revm says what its gas is.
    pub(crate) fn synthetic(
        name: &str,
        cfg: CfgEnv,
        env: BlockEnv,
        state: Flat,
        envs: Vec<TxEnv>,
    ) -> eyre::Result<Self> {
        let mut case = Self {
            name: name.to_owned(),
            cfg,
            env,
            state,
            txs: envs.iter().cloned().map(FlatTx::Ready).collect(),
            envs,
            gas_used: 0,
            max_witness_bytes: None,
            ancestors: None,
            receipts: None,
        };
        let (results, _) = plain::run(&case)?;
        ensure!(results.iter().all(ExecutionResult::is_success), "{name}: a transaction fails");
        case.gas_used = results.iter().map(|result| result.tx_gas_used()).sum();
        Ok(case)
    }

    fn flat_block(&self) -> FlatBlock<'_> {
        FlatBlock {
            state: &self.state,
            cfg: &self.cfg,
            block: &self.env,
            number: self.env.number.to(),
            ancestors: self.ancestors.as_ref(),
            available: u64::MAX,
            max_witness_bytes: self.max_witness_bytes,
            transactions: &self.txs,
        }
    }

    /// Runs the block by our threads.
    pub(crate) fn run(&self, workers: &Workers) -> eyre::Result<FlatOutcome> {
        Ok(workers.run(&self.flat_block())?)
    }

    /// Checks what our threads made of it: every receipt and every change are those of plain revm.
    pub(crate) fn check_ours(&self, outcome: &FlatOutcome) -> eyre::Result<()> {
        let results: Vec<_> = outcome
            .ends
            .iter()
            .filter_map(|end| match end {
                TxEnd::Ran(result) => Some(result.clone()),
                TxEnd::NoOp(_) => None,
            })
            .collect();
        ensure!(results.len() == self.txs.len(), "{}: a transaction is missing", self.name);
        self.check(&results)?;
        let (expected, state) = plain::run(self)?;
        ensure!(results == expected, "{}: a result differs", self.name);
        plain::same_changes(self, &state, &outcome.changes)
    }

    fn check(&self, results: &[ExecutionResult]) -> eyre::Result<()> {
        let gas: u64 = results.iter().map(|result| result.tx_gas_used()).sum();
        ensure!(gas == self.gas_used, "{}: gas used is {gas}", self.name);
        let Some((types, expected)) = &self.receipts else {
            return Ok(());
        };
        let mut cumulative = 0;
        let receipts: Vec<_> = types
            .iter()
            .zip(results)
            .map(|(kind, result)| {
                cumulative += result.tx_gas_used();
                receipt(*kind, result, cumulative)
            })
            .collect();
        let root = calculate_receipt_root(&receipts);
        ensure!(root == *expected, "{}: receipts root is {root}", self.name);
        Ok(())
    }
}

fn receipt(kind: TxType, result: &ExecutionResult, cumulative_gas_used: u64) -> ReceiptEnvelope {
    let logs = if result.is_success() { result.logs().to_vec() } else { Vec::new() };
    let status = Eip658Value::Eip658(result.is_success());
    let receipt: ReceiptWithBloom<Receipt> = Receipt { status, cumulative_gas_used, logs }.into();
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}
