use alloy_consensus::{
    Block, Header, TxEnvelope, TxReceipt,
    proofs::{calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_primitives::{B256, Bloom};

use super::{InvalidBlock, PayloadError, header::first};
use crate::block::{Executed, Invalid, TxRun};

/// The header commits to the body, which has no ommers.
///
/// # Errors
/// When it does not.
pub fn check_body(block: &Block<TxEnvelope>) -> Result<(), InvalidBlock> {
    let (header, body) = (&block.header, &block.body);
    let transactions = calculate_transaction_root(&body.transactions);
    let withdrawals = body.withdrawals.as_deref().map(|list| calculate_withdrawals_root(list));
    let credited = withdrawals.is_some() && header.withdrawals_root == withdrawals;
    first(&[
        (InvalidBlock::Ommers, body.ommers.is_empty()),
        (InvalidBlock::TransactionsRoot, header.transactions_root == transactions),
        (InvalidBlock::WithdrawalsRoot, credited),
    ])
}

/// Every transaction is valid, and the header says what came of them.
///
/// # Errors
/// The first invalid transaction, or what the header says otherwise.
pub fn check_result(
    header: &Header,
    runs: &[TxRun],
    gas_used: u64,
    state_root: B256,
) -> Result<(), PayloadError> {
    let included = included(runs)?;
    let receipts: Vec<_> = included.iter().map(|executed| executed.receipt.clone()).collect();
    let bloom = receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
    let receipts_root = calculate_receipt_root(&receipts);
    Ok(first(&[
        (InvalidBlock::GasUsed(gas_used), header.gas_used == gas_used),
        (InvalidBlock::ReceiptsRoot, header.receipts_root == receipts_root),
        (InvalidBlock::LogsBloom, header.logs_bloom == bloom),
        (InvalidBlock::StateRoot(state_root), header.state_root == state_root),
    ])?)
}

/// The transactions, when all of them are valid.
pub(super) fn included(runs: &[TxRun]) -> Result<Vec<&Executed>, Invalid> {
    let each = runs.iter().map(|run| match run {
        TxRun::NoOp(invalid) => Err(invalid.clone()),
        TxRun::Included(executed) => Ok(executed.as_ref()),
    });
    each.collect()
}
