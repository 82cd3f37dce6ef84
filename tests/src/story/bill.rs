//! What each kind of L1 transaction cost.

use std::collections::BTreeMap;

use alloy::{
    providers::Provider,
    rpc::types::{BlockNumberOrTag, Filter},
    sol_types::SolEvent,
};
use alloy_primitives::B256;
use eyre::OptionExt;
use recourse_protocol::bindings::{
    IInbox::BatchAppended,
    IRollup::{Challenged, Confirmed, Died, Proposed, SegmentRevealed, StepProven},
};

use super::teller::Teller;
use crate::{Network, Role};

/// A transaction is named by the first of these that it emits.
const KINDS: [(&str, B256); 7] = [
    ("append", BatchAppended::SIGNATURE_HASH),
    ("propose", Proposed::SIGNATURE_HASH),
    ("challenge", Challenged::SIGNATURE_HASH),
    ("reveal", SegmentRevealed::SIGNATURE_HASH),
    ("proveFraud", StepProven::SIGNATURE_HASH),
    ("kill or timeout", Died::SIGNATURE_HASH),
    ("confirm", Confirmed::SIGNATURE_HASH),
];

#[derive(Default)]
struct Row {
    count: u64,
    gas: u64,
    most: u64,
    blobs: u64,
}

/// Prints the table.
pub(super) async fn print(teller: &Teller, network: &Network) -> eyre::Result<()> {
    let provider = network.l1_wallet(Role::Deployer)?;
    let provider = provider.provider();
    let contracts = network.config().contracts;
    let filter = Filter::new()
        .address(vec![contracts.inbox, contracts.rollup])
        .from_block(BlockNumberOrTag::Earliest);
    let mut kinds = BTreeMap::<B256, usize>::new();
    for log in provider.get_logs(&filter).await? {
        // The deployment confirms the genesis, which nobody attempted.
        if log.topics().get(..2) == Some(&[Confirmed::SIGNATURE_HASH, B256::ZERO]) {
            continue;
        }
        let kind = KINDS.iter().position(|(_, topic)| log.topic0() == Some(topic));
        if let (Some(kind), Some(transaction)) = (kind, log.transaction_hash) {
            let known = kinds.entry(transaction).or_insert(kind);
            *known = kind.min(*known);
        }
    }
    let mut rows = BTreeMap::<usize, Row>::new();
    for (transaction, kind) in kinds {
        let receipt = provider.get_transaction_receipt(transaction).await?;
        let receipt = receipt.ok_or_eyre("an event without receipt")?;
        let row = rows.entry(kind).or_default();
        row.count = row.count.saturating_add(1);
        row.gas = row.gas.saturating_add(receipt.gas_used);
        row.most = row.most.max(receipt.gas_used);
        let blobs = receipt.blob_gas_used.unwrap_or_default().checked_div(131_072);
        row.blobs = row.blobs.saturating_add(blobs.unwrap_or_default());
    }
    teller.tell("bill", "L1 transactions of all parties:");
    teller.more(&format!(
        "{:<16}{:>6}{:>12}{:>12}{:>8}",
        "", "count", "mean gas", "most gas", "blobs"
    ));
    for (kind, row) in rows {
        let name = KINDS.get(kind).map_or("", |(name, _)| name);
        let mean = row.gas.checked_div(row.count).unwrap_or_default();
        let Row { count, most, blobs, .. } = row;
        teller.more(&format!("{name:<16}{count:>6}{mean:>12}{most:>12}{blobs:>8}"));
    }
    Ok(())
}
