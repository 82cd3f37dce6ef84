//! What the users do.

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{BlockNumberOrTag, TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, Bytes};
use eyre::{OptionExt, ensure};

use super::{PATIENCE, Stage, derived, teller::Teller};
use crate::{
    Role, Wallet,
    traffic::{create_notebook, delegate, raw_transfer, revert, transfer, write},
    wait_for,
};

/// Transactions of one sender that wait for a block together; a pool takes 256 by default.
const AT_ONCE: usize = 150;

/// Sends everything, and waits until it is on L1. Gives the L2 block that holds the last of it.
pub(super) async fn play(teller: &Teller, stage: &Stage, count: u64) -> eyre::Result<u64> {
    from_l1(teller, stage).await?;
    let user = stage.l2_wallet(Role::User)?;
    let (notebook, created) = create_notebook(&user).await?;
    teller.tell("user", &format!("creates a contract on L2: {notebook}"));
    let mut succeeded = u64::from(created.status());
    for receipt in many(&user, notebook, count).await? {
        succeeded = succeeded.saturating_add(u64::from(receipt.status()));
    }
    let sent = count.saturating_add(1);
    let failed = sent.saturating_sub(succeeded);
    teller.tell(
        "user",
        &format!("sent {sent} L2 transactions: {succeeded} succeeded, {failed} reverted"),
    );
    ensure!(failed > 0 && succeeded > failed, "some of them, but not most, were made to revert");

    let other = stage.l2_wallet(Role::OtherUser)?;
    let set = delegate(&other, &Role::OtherUser.signer()?, notebook).await?;
    let receipt = other.send(set).await?;
    teller.tell("user", "an EIP-7702 transaction delegates an account to the contract");
    on_l1(teller, &user, receipt).await
}

/// What reaches L2 without the proposer's leave.
async fn from_l1(teller: &Teller, stage: &Stage) -> eyre::Result<()> {
    let network = &stage.network;
    network.deposit_gas(Role::User, Role::User.signer()?.address(), 1_000_000_000).await?;
    let what = if stage.upstream.is_some() { "1 token of the forked chain" } else { "1 ether" };
    teller.tell("user", &format!("deposits {what} through the Inbox"));
    let chain_id = network.config().l2.chain_id;
    let to = Address::repeat_byte(0xf0);
    let forced = raw_transfer(&Role::OtherUser.signer()?, chain_id, 0, to, 5)?;
    network.force(Role::User, forced).await?;
    network.force(Role::User, Bytes::from_static(b"no transaction")).await?;
    teller.tell("user", "forces two transactions through the Inbox, one of them invalid");
    let batch = network.append_a_bit_of_everything().await?;
    teller
        .tell("stranger", &format!("appends batch {batch}, with invalid transactions and garbage"));
    // What the proposer made before it saw that batch is made again after it: let users begin on firm ground.
    let proposer = stage.proposer.url();
    wait_for("the proposer to derive the stranger's batch", PATIENCE, || async {
        Ok((derived(&proposer).await?.1 >= batch).then_some(()))
    })
    .await
}

/// Transfers, storage writes and deletions, reverts.
async fn many(
    user: &Wallet,
    notebook: Address,
    count: u64,
) -> eyre::Result<Vec<TransactionReceipt>> {
    let mut receipts = Vec::new();
    let indices: Vec<_> = (0..count).collect();
    for some in indices.chunks(AT_ONCE) {
        receipts.extend(at_once(user, notebook, some).await?);
    }
    Ok(receipts)
}

/// Sends some of them before any is in a block.
async fn at_once(
    user: &Wallet,
    notebook: Address,
    indices: &[u64],
) -> eyre::Result<Vec<TransactionReceipt>> {
    let provider = user.provider();
    let first = provider.get_transaction_count(user.address()).pending().await?;
    let mut pending = Vec::new();
    for (nonce, index) in (first..).zip(indices) {
        let tx = one(notebook, *index);
        let gas = tx.gas.unwrap_or(100_000);
        let tx = tx
            .with_nonce(nonce)
            .with_gas_limit(gas)
            .with_max_fee_per_gas(5_000_000_000)
            .with_max_priority_fee_per_gas(1_000_000);
        pending.push(*provider.send_transaction(tx).await?.tx_hash());
    }
    let mut receipts = Vec::new();
    for transaction in pending {
        receipts.push(user.receipt(transaction).await?);
    }
    Ok(receipts)
}

fn one(notebook: Address, index: u64) -> TransactionRequest {
    let slot = index.checked_div(5).unwrap_or_default();
    match index % 5 {
        0 => {
            transfer(Address::left_padding_from(&index.to_be_bytes()), 1_000).with_gas_limit(21_000)
        }
        1 | 2 => write(notebook, slot, index),
        3 => write(notebook, slot.saturating_sub(1), 0),
        _ => revert(notebook),
    }
}

/// Waits until the block of a receipt is on L1, and the proposer itself has derived it from there.
async fn on_l1(teller: &Teller, user: &Wallet, receipt: TransactionReceipt) -> eyre::Result<u64> {
    let wanted = receipt.block_number.ok_or_eyre("a receipt without block")?;
    teller.wait("until the proposer has posted all of it");
    wait_for("the batch on L1", PATIENCE, || async {
        let safe = user.provider().get_block_by_number(BlockNumberOrTag::Safe).await?;
        Ok(safe.filter(|block| block.header.number >= wanted).map(|_| wanted))
    })
    .await
}
