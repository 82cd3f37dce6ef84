//! A mined block with what JSON-RPC tells about it.

use alloy::rpc::types::{Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt};
use alloy_consensus::{
    BlockBody, Header as ConsensusHeader, ReceiptEnvelope, Transaction as _, TxEnvelope, TxReceipt,
    TxType, transaction::Recovered,
};
use alloy_eips::{eip2718::Encodable2718, eip4895::Withdrawals};
use alloy_primitives::{B256, Bloom, Sealed, TxKind, U256};

/// A mined block, its senders and its receipts.
#[derive(Debug, Clone)]
pub struct MinedBlock {
    header: Sealed<ConsensusHeader>,
    transactions: Vec<Recovered<TxEnvelope>>,
    receipts: Vec<ReceiptEnvelope>,
    withdrawals: Withdrawals,
    ommers: Vec<ConsensusHeader>,
    blob_price: Option<u128>,
    bloom: Bloom,
    size: usize,
}

impl MinedBlock {
    /// Puts a block together. `receipts` runs parallel to `transactions`; `blob_price` is the
    /// block's blob base fee in wei, `None` where blobs do not exist.
    ///
    /// The bloom used to skip blocks in log searches is that of the receipts, not the header's,
    /// which EIP-7668 leaves empty on L2.
    #[must_use]
    pub fn new(
        header: Sealed<ConsensusHeader>,
        transactions: Vec<Recovered<TxEnvelope>>,
        receipts: Vec<ReceiptEnvelope>,
        withdrawals: Withdrawals,
        blob_price: Option<u128>,
    ) -> Self {
        let bloom = receipts.iter().fold(Bloom::ZERO, |all, receipt| all | receipt.bloom());
        let ommers = Vec::new();
        let mut block = Self {
            header,
            transactions,
            receipts,
            withdrawals,
            ommers,
            blob_price,
            bloom,
            size: 0,
        };
        block.measure();
        block
    }

    /// The same with these ommers, which blocks before the Merge may have.
    #[must_use]
    pub fn with_ommers(mut self, ommers: Vec<ConsensusHeader>) -> Self {
        self.ommers = ommers;
        self.measure();
        self
    }

    fn measure(&mut self) {
        self.size =
            alloy_consensus::Block::<_, _>::rlp_length_for(self.header.inner(), &self.body());
    }

    /// What is in the block beside its header; before Shanghai there are no withdrawals.
    #[must_use]
    pub fn body(&self) -> BlockBody<TxEnvelope> {
        BlockBody {
            transactions: self.transactions.iter().map(|tx| tx.inner().clone()).collect(),
            ommers: self.ommers.clone(),
            withdrawals: self.header.withdrawals_root.map(|_| self.withdrawals.clone()),
        }
    }

    /// Headers of its ommers.
    #[must_use]
    pub fn ommers(&self) -> &[ConsensusHeader] {
        &self.ommers
    }

    /// The header with its hash.
    #[must_use]
    pub const fn header(&self) -> &Sealed<ConsensusHeader> {
        &self.header
    }

    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.header.seal()
    }

    /// The block's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The transactions with their senders, without blob sidecars.
    #[must_use]
    pub fn transactions(&self) -> &[Recovered<TxEnvelope>] {
        &self.transactions
    }

    /// The receipts in the order of the transactions, with cumulative gas.
    #[must_use]
    pub fn receipts(&self) -> &[ReceiptEnvelope] {
        &self.receipts
    }

    /// EIP-4895 withdrawals (on L2, the deposits).
    #[must_use]
    pub const fn withdrawals(&self) -> &Withdrawals {
        &self.withdrawals
    }

    /// Blob base fee in wei.
    #[must_use]
    pub const fn blob_price(&self) -> Option<u128> {
        self.blob_price
    }

    /// The union of the receipts' blooms.
    #[must_use]
    pub const fn bloom(&self) -> &Bloom {
        &self.bloom
    }

    /// Gas used by the transaction at `index` alone.
    #[must_use]
    pub fn gas_used(&self, index: usize) -> Option<u64> {
        let total = self.receipts.get(index)?.cumulative_gas_used();
        let before = match index.checked_sub(1) {
            Some(previous) => self.receipts.get(previous)?.cumulative_gas_used(),
            None => 0,
        };
        Some(total.saturating_sub(before))
    }

    /// Priority fee per gas that the transaction at `index` paid, in wei.
    #[must_use]
    pub fn tip(&self, index: usize) -> Option<u128> {
        let base_fee = self.header.base_fee_per_gas.unwrap_or_default();
        self.transactions.get(index)?.effective_tip_per_gas(base_fee)
    }

    /// The header for JSON-RPC.
    #[must_use]
    pub fn rpc_header(&self) -> Header {
        Header::from_consensus(self.header.clone(), None, Some(U256::from(self.size)))
    }

    /// The block for JSON-RPC, with whole transactions or their hashes.
    #[must_use]
    pub fn rpc_block(&self, bodies: Bodies) -> Block {
        let transactions = match bodies {
            Bodies::Full => BlockTransactions::Full(
                (0..self.transactions.len()).filter_map(|i| self.rpc_transaction(i)).collect(),
            ),
            Bodies::Hashes => BlockTransactions::Hashes(
                self.transactions.iter().map(|tx| *tx.tx_hash()).collect(),
            ),
        };
        let ommers = self.ommers.iter().map(ConsensusHeader::hash_slow).collect();
        let withdrawals = self.header.withdrawals_root.map(|_| self.withdrawals.clone());
        Block { uncles: ommers, ..Block::new(self.rpc_header(), transactions) }
            .with_withdrawals(withdrawals)
    }

    /// A transaction for JSON-RPC.
    #[must_use]
    pub fn rpc_transaction(&self, index: usize) -> Option<Transaction> {
        let inner = self.transactions.get(index)?.clone();
        let price = inner.effective_gas_price(self.header.base_fee_per_gas);
        Some(Transaction {
            inner,
            block_hash: Some(self.hash()),
            block_number: Some(self.number()),
            transaction_index: u64::try_from(index).ok(),
            effective_gas_price: Some(price),
            block_timestamp: Some(self.header.timestamp),
        })
    }

    /// A receipt for JSON-RPC.
    #[must_use]
    pub fn rpc_receipt(&self, index: usize) -> Option<TransactionReceipt> {
        let tx = self.transactions.get(index)?;
        let receipt = self.receipts.get(index)?;
        let logs = self.rpc_logs_of(index, false);
        let created = tx.kind().is_create().then(|| tx.signer().create(tx.nonce()));
        let blob_gas_used = tx.blob_gas_used();
        Some(TransactionReceipt {
            inner: envelope(receipt, logs),
            transaction_hash: *tx.tx_hash(),
            transaction_index: u64::try_from(index).ok(),
            block_hash: Some(self.hash()),
            block_number: Some(self.number()),
            gas_used: self.gas_used(index)?,
            effective_gas_price: tx.effective_gas_price(self.header.base_fee_per_gas),
            blob_gas_used,
            blob_gas_price: blob_gas_used.and(self.blob_price),
            from: tx.signer(),
            to: match tx.kind() {
                TxKind::Call(to) => Some(to),
                TxKind::Create => None,
            },
            contract_address: created,
        })
    }

    /// All logs of the block for JSON-RPC, `removed` when the block is not canonical any more.
    #[must_use]
    pub fn rpc_logs(&self, removed: bool) -> Vec<Log> {
        (0..self.receipts.len()).flat_map(|index| self.rpc_logs_of(index, removed)).collect()
    }

    fn rpc_logs_of(&self, index: usize, removed: bool) -> Vec<Log> {
        let Some((receipt, tx)) = self.receipts.get(index).zip(self.transactions.get(index)) else {
            return Vec::new();
        };
        let before: usize = self.receipts.iter().take(index).map(|r| r.logs().len()).sum();
        let log = |(offset, log): (usize, &alloy_primitives::Log)| Log {
            inner: log.clone(),
            block_hash: Some(self.hash()),
            block_number: Some(self.number()),
            block_timestamp: Some(self.header.timestamp),
            transaction_hash: Some(*tx.tx_hash()),
            transaction_index: u64::try_from(index).ok(),
            log_index: u64::try_from(before.saturating_add(offset)).ok(),
            removed,
        };
        receipt.logs().iter().enumerate().map(log).collect()
    }

    /// EIP-2718 bytes of a transaction.
    #[must_use]
    pub fn raw_transaction(&self, index: usize) -> Option<Vec<u8>> {
        self.transactions.get(index).map(|tx| tx.inner().encoded_2718())
    }
}

/// Whether a block is told with its whole transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// Whole transactions.
    Full,
    /// Hashes only.
    Hashes,
}

impl From<bool> for Bodies {
    fn from(full: bool) -> Self {
        if full { Self::Full } else { Self::Hashes }
    }
}

/// The receipt's envelope with located logs in place of bare ones.
fn envelope(receipt: &ReceiptEnvelope, logs: Vec<Log>) -> ReceiptEnvelope<Log> {
    let inner = alloy_consensus::Receipt {
        status: receipt.status_or_post_state(),
        cumulative_gas_used: receipt.cumulative_gas_used(),
        logs,
    }
    .into_with_bloom_unchecked(receipt.bloom());
    match receipt.tx_type() {
        TxType::Legacy => ReceiptEnvelope::Legacy(inner),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(inner),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(inner),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(inner),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(inner),
    }
}
