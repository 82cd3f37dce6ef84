//! Two proposers of a based rollup, L1 blocks that have no room for EXECUTE, and an L1 that goes back.

use alloy::{
    eips::eip2718::Encodable2718,
    network::TransactionBuilder,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, Bytes, address};
use alloy_sol_types::SolError;
use serde_json::json;

use super::proposer::{AnotherBlock, MOST_GAS, Rollup, TimestampOutOfRange, request, settle, why};
use crate::{claim::Claim, harness::Net, l2_block::transfer};

const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");

fn plain(nonce: u64) -> Bytes {
    transfer(nonce).encoded_2718().into()
}

async fn based() -> (Net, Rollup) {
    let net = Net::start().await;
    let rollup = Rollup::deploy(&net, Address::ZERO).await;
    net.call("evm_setAutomine", json!([false])).await;
    (net, rollup)
}

async fn mine_one(net: &Net, tx: TransactionRequest) -> TransactionReceipt {
    net.mine(vec![tx]).await.remove(0)
}

#[tokio::test]
async fn of_two_proposers_the_one_that_l1_takes_first_wins_and_the_other_builds_on_it() {
    let (net, mut rollup) = based().await;
    let one = rollup.propose(&net, net.account(1), vec![plain(0)]).await;
    let other = rollup.propose(&net, net.account(2), vec![plain(0), plain(1)]).await;
    assert_ne!(one.hash, other.hash);
    // The second one pays the higher tip: the L1 block's order is the L2's.
    let txs = vec![
        request(&net, &rollup, 1, &one),
        request(&net, &rollup, 2, &other).with_max_priority_fee_per_gas(2_000_000_000),
    ];
    let receipts = net.mine(txs).await;
    let statuses: Vec<_> = receipts.iter().map(TransactionReceipt::status).collect();
    assert_eq!(statuses, [false, true]);
    println!("won: {} L1 gas, lost: {}", receipts[1].gas_used, receipts[0].gas_used);
    assert!(receipts[0].gas_used < receipts[1].gas_used, "the loser's EXECUTE never ran");
    assert_eq!(rollup.head(&net).await.blockHash, other.hash);

    // Its time is the head's already. Had it a later one, its hash would not be what L1 computes.
    let error = TimestampOutOfRange::abi_decode(&why(&net, &rollup, 1, &one).await).unwrap();
    assert_eq!(error.timestamp, one.block.timestamp);
    let mut later = one.clone();
    later.block.timestamp += 1;
    net.call("evm_mine", json!([])).await;
    let error = AnotherBlock::abi_decode(&why(&net, &rollup, 1, &later).await).unwrap();
    assert_eq!(error.meant, one.hash);
    rollup.state = other.recorded.state.clone();
    // The loser's transaction is in already: it does nothing a second time.
    let again = rollup.propose(&net, net.account(1), vec![plain(0), plain(2)]).await;
    assert!(mine_one(&net, request(&net, &rollup, 1, &again)).await.status());
    assert_eq!(again.recorded.gas_used, 21_000);
}

#[tokio::test]
async fn a_block_that_finds_no_room_in_an_l1_block_goes_into_the_next() {
    let (net, rollup) = based().await;
    let block = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    // Somebody burns L1 gas for all that EXECUTE may do in this block.
    let flood = TransactionRequest::default()
        .with_from(net.account(9))
        .with_to(EXECUTE)
        .with_input(Claim::nonsense(1 << 25).encode())
        .with_gas_limit(MOST_GAS)
        .with_max_priority_fee_per_gas(9_000_000_000)
        .with_max_fee_per_gas(200_000_000_000);
    let receipts = net.mine(vec![flood, request(&net, &rollup, 1, &block)]).await;
    assert!(receipts[0].status());
    assert!(!receipts[1].status(), "there was no capacity left");
    assert!(receipts[1].gas_used < 200_000, "it asked before it spent: {}", receipts[1].gas_used);
    assert_eq!(rollup.head(&net).await.number, 0);
    // The very same call: nothing that it depends on has changed.
    assert!(mine_one(&net, request(&net, &rollup, 1, &block)).await.status());
    assert_eq!(rollup.head(&net).await.blockHash, block.hash);
}

#[tokio::test]
async fn too_little_gas_is_no_answer() {
    let (net, rollup) = based().await;
    let block = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    let enough = mine_one(&net, request(&net, &rollup, 1, &block)).await;
    assert!(enough.status());
    let block = rollup.propose_after(&net, &block, vec![plain(1)]).await;
    let less = request(&net, &rollup, 1, &block).with_gas_limit(enough.gas_used * 3 / 4);
    assert!(!mine_one(&net, less).await.status());
    assert!(mine_one(&net, request(&net, &rollup, 1, &block)).await.status());
}

#[tokio::test]
async fn a_block_whose_anchor_l1_took_back_is_refused_before_execute() {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, Address::ZERO).await;
    net.call("evm_mine", json!([])).await;
    let block = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    net.call("anvil_rollback", json!([1])).await;
    let coinbase = json!([net.account(7), "0x1"]);
    net.call("anvil_setBalance", coinbase).await;
    net.call("evm_increaseTime", json!([5])).await;
    net.call("evm_mine", json!([])).await;
    let error = AnotherBlock::abi_decode(&why(&net, &rollup, 1, &block).await).unwrap();
    assert_eq!(error.meant, block.hash);
    let anew = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    settle(&net, &mut rollup, 1, &anew).await;
}
