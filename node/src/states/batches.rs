//! Batches and their blocks, as bytes.

use alloy::sol_types::SolValue as _;
use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, transaction::Recovered,
};
use alloy_eips::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Address, B256, Log};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use recourse_protocol::{BatchIndex, Checkpoint, bindings};

use super::{StatesError, accounts::put_bytes};
use crate::derivation::{DerivedBatch, DerivedBlock, Included};

const BAD_BATCH: StatesError = StatesError::Damaged("a batch");
const BAD_BLOCK: StatesError = StatesError::Damaged("a block");

/// A batch without its blocks.
#[derive(RlpEncodable, RlpDecodable)]
struct BatchRow {
    index: u64,
    hash: B256,
    pre: alloy_primitives::Bytes,
    post: alloy_primitives::Bytes,
    steps: u64,
    inputs: B256,
}

pub(super) fn encode_batch(batch: &DerivedBatch) -> Vec<u8> {
    let checkpoint = |at: &Checkpoint| bindings::Checkpoint::from(*at).abi_encode().into();
    alloy_rlp::encode(BatchRow {
        index: batch.index.0,
        hash: batch.hash,
        pre: checkpoint(&batch.pre),
        post: checkpoint(&batch.post),
        steps: batch.steps,
        inputs: batch.inputs,
    })
}

pub(super) fn decode_batch(mut bytes: &[u8]) -> Result<DerivedBatch, StatesError> {
    let row = BatchRow::decode(&mut bytes).map_err(|_| BAD_BATCH)?;
    let checkpoint = |bytes: &[u8]| {
        let read = bindings::Checkpoint::abi_decode(bytes).map_err(|_| BAD_BATCH);
        read.map(Checkpoint::from)
    };
    Ok(DerivedBatch {
        index: BatchIndex(row.index),
        hash: row.hash,
        pre: checkpoint(&row.pre)?,
        post: checkpoint(&row.post)?,
        steps: row.steps,
        inputs: row.inputs,
    })
}

/// A credit.
#[derive(RlpEncodable, RlpDecodable)]
struct CreditRow {
    to: Address,
    gwei: u64,
}

/// What a receipt says besides the type, which is the transaction's, and the bloom, which follows from the logs.
#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRow {
    success: bool,
    cumulative_gas: u64,
    logs: Vec<Log>,
}

pub(super) fn encode_block(block: &DerivedBlock) -> Vec<u8> {
    let mut out = Vec::new();
    block.batch.0.encode(&mut out);
    block.first_deposit.encode(&mut out);
    block.header.encode(&mut out);
    let credit = |credit: &bindings::Credit| CreditRow { to: credit.to, gwei: credit.amountGwei };
    block.credits.iter().map(credit).collect::<Vec<_>>().encode(&mut out);
    for included in &block.transactions {
        put_bytes(&included.transaction.inner().encoded_2718(), &mut out);
        included.transaction.signer().encode(&mut out);
        let receipt = &included.receipt;
        ReceiptRow {
            success: receipt.status(),
            cumulative_gas: receipt.cumulative_gas_used(),
            logs: receipt.logs().to_vec(),
        }
        .encode(&mut out);
    }
    out
}

pub(super) fn decode_block(mut bytes: &[u8]) -> Result<DerivedBlock, StatesError> {
    let from = &mut bytes;
    let batch = BatchIndex(read(from)?);
    let first_deposit = read(from)?;
    let header: Header = read(from)?;
    let credits: Vec<CreditRow> = read(from)?;
    let credit = |row: CreditRow| bindings::Credit { to: row.to, amountGwei: row.gwei };
    let mut transactions = Vec::new();
    while !from.is_empty() {
        let mut raw = super::accounts::take_bytes(from).map_err(|_| BAD_BLOCK)?;
        let transaction = TxEnvelope::decode_2718(&mut raw).map_err(|_| BAD_BLOCK)?;
        let sender = read(from)?;
        let receipt = receipt(&transaction, read(from)?);
        let transaction = Recovered::new_unchecked(transaction, sender);
        transactions.push(Included { transaction, receipt });
    }
    let (hash, credits) = (header.hash_slow(), credits.into_iter().map(credit).collect());
    Ok(DerivedBlock { header, hash, transactions, credits, first_deposit, batch })
}

fn read<T: Decodable>(from: &mut &[u8]) -> Result<T, StatesError> {
    T::decode(from).map_err(|_| BAD_BLOCK)
}

fn receipt(transaction: &TxEnvelope, row: ReceiptRow) -> ReceiptEnvelope {
    let receipt = Receipt {
        status: row.success.into(),
        cumulative_gas_used: row.cumulative_gas,
        logs: row.logs,
    };
    let logs_bloom = receipt.bloom_slow();
    ReceiptEnvelope::from_typed(transaction.tx_type(), ReceiptWithBloom { receipt, logs_bloom })
}
