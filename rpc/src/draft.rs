//! A block under way that nobody keeps.

use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, Sealable, Transaction as _, TxEnvelope, TxReceipt as _,
    TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root},
    transaction::Recovered,
};
use alloy_eips::{eip4895::Withdrawals, eip7685::Requests};
use alloy_evm::EvmEnv;
use alloy_primitives::{B256, Bloom, Log};
use revm::{context::result::ResultAndState, primitives::hardfork::SpecId};

use crate::{
    ChainError, MinedBlock,
    scratch::{Scratch, begin, end},
};

/// A block under way.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) header: Header,
    pub(crate) env: EvmEnv,
    transactions: Vec<Recovered<TxEnvelope>>,
    receipts: Vec<ReceiptEnvelope>,
    withdrawals: Withdrawals,
}

impl Draft {
    /// Opens a block whose header has everything that execution does not make.
    pub(crate) fn open<S: Scratch>(
        state: &mut S,
        header: Header,
        env: EvmEnv,
    ) -> Result<Self, ChainError> {
        begin(state, &env, &header)?;
        let withdrawals = Withdrawals::default();
        Ok(Self { header, env, transactions: Vec::new(), receipts: Vec::new(), withdrawals })
    }

    /// Adds a transaction that has run, and commits what it did.
    pub(crate) fn add<S: Scratch>(
        &mut self,
        state: &mut S,
        tx: Recovered<TxEnvelope>,
        run: ResultAndState,
    ) {
        let status = run.result.is_success();
        self.header.gas_used = self.header.gas_used.saturating_add(run.result.tx_gas_used());
        if let Some(used) = &mut self.header.blob_gas_used {
            *used = used.saturating_add(tx.blob_gas_used().unwrap_or_default());
        }
        state.commit(run.state);
        let logs = if status { run.result.into_logs() } else { Vec::new() };
        self.receipts.push(receipt(tx.tx_type(), status, self.header.gas_used, logs));
        self.transactions.push(tx);
    }

    /// Gas that is left in the block.
    pub(crate) const fn gas_left(&self) -> u64 {
        self.header.gas_limit.saturating_sub(self.header.gas_used)
    }

    /// How many transactions it has.
    pub(crate) const fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Ends the block.
    pub(crate) fn seal<S: Scratch>(
        mut self,
        state: &mut S,
    ) -> Result<(MinedBlock, Option<Requests>), ChainError> {
        let requests = end(state, &self.env)?;
        let bare: Vec<_> = self.transactions.iter().map(Recovered::inner).collect();
        self.header.transactions_root = calculate_transaction_root(&bare);
        self.header.receipts_root = calculate_receipt_root(&self.receipts);
        self.header.logs_bloom =
            self.receipts.iter().fold(Bloom::ZERO, |all, receipt| all | receipt.bloom());
        self.header.withdrawals_root =
            self.since(SpecId::SHANGHAI).then(|| calculate_withdrawals_root(&self.withdrawals));
        self.header.requests_hash = requests.as_ref().map(Requests::requests_hash);
        self.header.state_root = state.root()?;
        let blob_price =
            self.env.block_env.blob_excess_gas_and_price.map(|blob| blob.blob_gasprice);
        let header = self.header.seal_slow();
        state.remember(header.number, header.seal());
        let block =
            MinedBlock::new(header, self.transactions, self.receipts, self.withdrawals, blob_price);
        Ok((block, requests))
    }

    fn since(&self, fork: SpecId) -> bool {
        self.env.cfg_env.spec.is_enabled_in(fork)
    }
}

/// The fields of a header that only its fork decides.
pub(crate) fn shaped(header: Header, env: &EvmEnv) -> Header {
    let since = |fork| env.cfg_env.spec.is_enabled_in(fork);
    Header {
        blob_gas_used: since(SpecId::CANCUN).then_some(0),
        // Zero on a chain that has no blobs.
        excess_blob_gas: since(SpecId::CANCUN).then(|| header.excess_blob_gas.unwrap_or_default()),
        parent_beacon_block_root: since(SpecId::CANCUN)
            .then(|| header.parent_beacon_block_root.unwrap_or(B256::ZERO)),
        base_fee_per_gas: header.base_fee_per_gas.filter(|_| since(SpecId::LONDON)),
        ..header
    }
}

fn receipt(
    kind: TxType,
    status: bool,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
) -> ReceiptEnvelope {
    let receipt = Receipt { status: status.into(), cumulative_gas_used, logs }.with_bloom();
    match kind {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}
