use alloy_consensus::{
    Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction, TxEnvelope,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bloom, BloomInput, Bytes, Log, map::HashSet};
use recourse_protocol::{TxPosition, fold_digest};

use super::{Invalid, decode::Decoded};
use crate::keccak::keccak256_all;

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum TxRun {
    /// It was invalid: nothing happened, no gas, no receipt.
    NoOp(Invalid),
    /// It is part of the block.
    Included(Box<Executed>),
}

impl TxRun {
    /// Gas used; 0 if and only if it was a no-op.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        match self {
            Self::NoOp(_) => 0,
            Self::Included(executed) => executed.gas_used,
        }
    }

    /// What ran, unless it was a no-op.
    #[must_use]
    pub fn included(self) -> Option<Executed> {
        match self {
            Self::NoOp(_) => None,
            Self::Included(executed) => Some(*executed),
        }
    }

    /// Where the next transaction stands.
    #[must_use]
    pub fn after(&self, before: TxPosition) -> TxPosition {
        Self::after_all(std::slice::from_ref(self), before)
    }

    /// Where the next transaction stands after all of these. Their receipts are hashed side by side.
    #[must_use]
    pub fn after_all(runs: &[Self], before: TxPosition) -> TxPosition {
        let receipts: Vec<_> = runs.iter().filter_map(Self::receipt).collect();
        let encoded: Vec<_> = receipts.iter().map(|receipt| receipt.encoded_2718()).collect();
        let encoded: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        let last = receipts.last().map(|receipt| receipt.cumulative_gas_used());
        TxPosition {
            gas_used_before: last.unwrap_or(before.gas_used_before),
            receipt_digest_before: keccak256_all(&encoded)
                .into_iter()
                .fold(before.receipt_digest_before, fold_digest),
        }
    }

    fn receipt(&self) -> Option<&ReceiptEnvelope> {
        match self {
            Self::NoOp(_) => None,
            Self::Included(executed) => Some(&executed.receipt),
        }
    }
}

/// A transaction that is part of a block.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The transaction.
    pub transaction: TxEnvelope,
    /// Who sent it.
    pub sender: Address,
    /// Its receipt, with the logs, their bloom, and the gas of the block up to it.
    pub receipt: ReceiptEnvelope,
    /// Gas that it used.
    pub gas_used: u64,
    /// Wei paid for a unit of gas.
    pub effective_gas_price: u128,
    /// The contract that it creates, if that was its purpose (whether or not it succeeded).
    pub contract_address: Option<Address>,
    /// What the call returned, or why it reverted.
    pub output: Bytes,
    /// Whether it used more bytes of state than can be proven, and failed for that.
    pub exhausted: bool,
}

/// How a run ended.
pub(crate) struct Ending {
    pub(super) success: bool,
    pub(super) gas_used: u64,
    pub(super) logs: Vec<Log>,
    pub(super) output: Bytes,
    pub(super) exhausted: bool,
}

impl Executed {
    pub(crate) fn new(
        decoded: Decoded,
        ending: Ending,
        cumulative_gas_used: u64,
        base_fee: u64,
    ) -> Self {
        let Decoded { transaction, sender, .. } = decoded;
        let receipt = Receipt {
            status: Eip658Value::Eip658(ending.success),
            cumulative_gas_used,
            logs: ending.logs,
        };
        let logs_bloom = bloom(&receipt.logs);
        let receipt = envelope(&transaction, ReceiptWithBloom { receipt, logs_bloom });
        let contract_address = transaction.is_create().then(|| sender.create(transaction.nonce()));
        Self {
            effective_gas_price: transaction.effective_gas_price(Some(base_fee)),
            transaction,
            sender,
            receipt,
            gas_used: ending.gas_used,
            contract_address,
            output: ending.output,
            exhausted: ending.exhausted,
        }
    }
}

/// The bloom of logs (Yellow Paper, 4.3.1): their addresses and topics.
fn bloom(logs: &[Log]) -> Bloom {
    // Logs of a contract have its address, and often a topic, in common.
    let mut words: HashSet<&[u8]> = HashSet::default();
    for log in logs {
        words.insert(log.address.as_slice());
        words.extend(log.topics().iter().map(|topic| topic.as_slice()));
    }
    let words: Vec<&[u8]> = words.into_iter().collect();
    let mut bloom = Bloom::ZERO;
    for hash in keccak256_all(&words) {
        bloom.accrue(BloomInput::Hash(hash));
    }
    bloom
}

fn envelope(transaction: &TxEnvelope, receipt: ReceiptWithBloom<Receipt>) -> ReceiptEnvelope {
    match transaction {
        TxEnvelope::Legacy(_) => ReceiptEnvelope::Legacy(receipt),
        TxEnvelope::Eip2930(_) => ReceiptEnvelope::Eip2930(receipt),
        TxEnvelope::Eip1559(_) => ReceiptEnvelope::Eip1559(receipt),
        TxEnvelope::Eip4844(_) => ReceiptEnvelope::Eip4844(receipt),
        TxEnvelope::Eip7702(_) => ReceiptEnvelope::Eip7702(receipt),
    }
}
