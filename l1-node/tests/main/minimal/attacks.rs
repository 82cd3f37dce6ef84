//! What a proposer or a stranger may try.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    providers::Provider,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolError;
use recourse_protocol::bindings::IStepVerifier::{ExecuteCouldNotRun, ExecuteIsFalse};

use super::proposer::{
    AnchorOutOfRange, AnotherBlock, NotSequencer, Proposed, Rollup, TimestampOutOfRange, request,
    settle, why,
};
use crate::{
    harness::Net,
    l2_block::{CHAIN, sender, transfer},
};

/// What somebody changes, in words.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Proposed));

fn plain(nonce: u64) -> Bytes {
    transfer(nonce).encoded_2718().into()
}

/// A based rollup after one block, and the next block.
async fn scene() -> (Net, Rollup, Proposed, Proposed) {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, Address::ZERO).await;
    let first = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    settle(&net, &mut rollup, 0, &first).await;
    let next = rollup.propose(&net, Address::ZERO, vec![plain(1)]).await;
    (net, rollup, first, next)
}

/// A block that claims something else, under the hash that it then has.
async fn lie(
    net: &Net,
    rollup: &Rollup,
    truth: &Proposed,
    change: impl Fn(&mut Proposed),
) -> Bytes {
    let mut lie = truth.clone();
    change(&mut lie);
    lie.hash = lie.hash_after(&rollup.head(net).await);
    why(net, rollup, 1, &lie).await
}

#[tokio::test]
async fn a_false_outcome_is_refused() {
    let (net, mut rollup, _, next) = scene().await;
    let refused = Bytes::from(ExecuteIsFalse {}.abi_encode());
    let pre = rollup.state.root();
    let lies: [Change<'_>; 7] = [
        ("another root", &|p| p.block.execution.postStateRoot = B256::repeat_byte(1)),
        ("nothing happened", &|p| p.block.execution.postStateRoot = pre),
        ("more gas", &|p| p.block.execution.gasUsed += 1),
        ("less gas", &|p| p.block.execution.gasUsed -= 1),
        ("no gas", &|p| p.block.execution.gasUsed = 0),
        ("other receipts", &|p| p.block.execution.receiptDigestAfter = B256::ZERO),
        ("no witness", &|p| p.block.execution.witness = Bytes::new()),
    ];
    for (what, change) in lies {
        assert_eq!(lie(&net, &rollup, &next, change).await, refused, "{what}");
    }
    let other = |transactions: Vec<Bytes>| {
        move |p: &mut Proposed| p.block.transactions.clone_from(&transactions)
    };
    for (what, transactions) in [("left out", vec![]), ("replayed", vec![plain(0)])] {
        assert_eq!(lie(&net, &rollup, &next, other(transactions)).await, refused, "{what}");
    }
    // Nothing of this moved the head, and the truth is taken.
    settle(&net, &mut rollup, 1, &next).await;
}

#[tokio::test]
async fn transactions_in_another_order_are_another_block() {
    let (net, mut rollup, ..) = scene().await;
    let next = rollup.propose(&net, Address::ZERO, vec![plain(1), plain(2)]).await;
    let swapped = |p: &mut Proposed| p.block.transactions.reverse();
    let refused = lie(&net, &rollup, &next, swapped).await;
    assert_eq!(refused, Bytes::from(ExecuteIsFalse {}.abi_encode()));
    let mut under_the_same_name = next.clone();
    swapped(&mut under_the_same_name);
    let error = another_block(&net, &rollup, &under_the_same_name).await;
    assert_eq!(error.meant, next.hash);
    settle(&net, &mut rollup, 0, &next).await;
}

#[tokio::test]
async fn a_settled_block_is_not_settled_again() {
    let (net, rollup, first, _) = scene().await;
    let error = why(&net, &rollup, 1, &first).await;
    let error = TimestampOutOfRange::abi_decode(&error).unwrap();
    assert_eq!(error.atLeast, first.block.timestamp + 1, "L2's clock has passed it");
    let mut later = first.clone();
    later.block.timestamp += 1;
    net.call("evm_mine", serde_json::json!([])).await;
    let error = another_block(&net, &rollup, &later).await;
    assert_eq!(error.meant, first.hash);
}

#[tokio::test]
async fn a_block_on_another_parent_is_refused() {
    let (net, rollup, _, next) = scene().await;
    let mut head = rollup.head(&net).await;
    head.blockHash = B256::repeat_byte(7);
    let anchor = (next.block.anchorNumber, next.context.prevRandao);
    let orphan =
        rollup.propose_on(&head, next.block.timestamp, anchor, Address::ZERO, vec![plain(1)]);
    another_block(&net, &rollup, &orphan).await;
}

#[tokio::test]
async fn the_clock_is_neither_ahead_of_l1_nor_behind_the_parent() {
    let (net, rollup, first, next) = scene().await;
    let head = rollup.head(&net).await;
    assert_eq!(head.timestamp, first.block.timestamp);
    let anchor = (next.block.anchorNumber, next.context.prevRandao);
    for timestamp in [head.timestamp, 0, next.block.timestamp + 3_600, u64::MAX] {
        let block = rollup.propose_on(&head, timestamp, anchor, Address::ZERO, vec![]);
        let error = why(&net, &rollup, 0, &block).await;
        let error = TimestampOutOfRange::abi_decode(&error).unwrap();
        assert_eq!((error.timestamp, error.atLeast), (timestamp, head.timestamp + 1));
    }
    // However long nobody advances, the next block's clock is at most an hour behind.
    net.call("evm_increaseTime", serde_json::json!([10_000])).await;
    net.call("evm_mine", serde_json::json!([])).await;
    let error = why(&net, &rollup, 0, &next).await;
    let error = TimestampOutOfRange::abi_decode(&error).unwrap();
    assert_eq!(error.atMost - error.atLeast, 3_600);
    let block = rollup.propose(&net, Address::ZERO, vec![plain(1)]).await;
    net.provider.call(request(&net, &rollup, 0, &block)).await.unwrap();
}

#[tokio::test]
async fn the_anchor_is_a_known_block_of_l1_and_not_older_than_the_last() {
    let (net, rollup, first, next) = scene().await;
    let head = rollup.head(&net).await;
    assert_eq!(head.anchorNumber, first.block.anchorNumber);
    let now = next.block.timestamp;
    for number in [0, head.anchorNumber - 1, next.block.anchorNumber + 1, u64::MAX] {
        let anchor = (number, B256::repeat_byte(3));
        let block = rollup.propose_on(&head, now, anchor, Address::ZERO, vec![]);
        let error = why(&net, &rollup, 0, &block).await;
        let error = AnchorOutOfRange::abi_decode(&error).unwrap();
        assert_eq!((error.number, error.atLeast), (number, head.anchorNumber));
    }
    // A hash of one's own is never asked for: the contract takes L1's.
    let anchor = (next.block.anchorNumber, B256::repeat_byte(3));
    let block = rollup.propose_on(&head, now, anchor, Address::ZERO, vec![]);
    another_block(&net, &rollup, &block).await;
}

#[tokio::test]
async fn base_fee_chain_and_coinbase_are_not_the_provers_to_choose() {
    let (net, rollup, _, next) = scene().await;
    // Of these the call carries nothing, or the hash shows it: a block under other rules is another block.
    let changes: [Change<'_>; 4] = [
        ("base fee", &|p| p.context.baseFee -= U256::ONE),
        ("gas limit", &|p| p.context.gasLimit *= 2),
        ("number", &|p| p.context.number += 1),
        ("coinbase", &|p| p.context.coinbase = Address::repeat_byte(0xbb)),
    ];
    for (what, change) in changes {
        let mut other = next.clone();
        change(&mut other);
        other.hash = other.hash_after(&rollup.head(&net).await);
        let error = another_block(&net, &rollup, &other).await;
        assert_eq!(error.got, next.hash, "{what}");
    }
    // The chain id is in no header; a transaction for another chain does nothing here.
    let elsewhere = elsewhere(1);
    let block = rollup.propose(&net, Address::ZERO, vec![elsewhere]).await;
    assert_eq!(block.recorded.gas_used, 0);
    net.provider.call(request(&net, &rollup, 0, &block)).await.unwrap();
}

#[tokio::test]
async fn who_copies_a_block_settles_it_for_its_proposer() {
    let (net, rollup, _, _) = scene().await;
    let tips = Address::repeat_byte(0xfe);
    let block = rollup.propose(&net, tips, vec![plain(1)]).await;
    let mut stolen = block.clone();
    stolen.block.feeRecipient = net.account(5);
    another_block(&net, &rollup, &stolen).await;
    let mut copied = rollup.clone();
    settle(&net, &mut copied, 5, &block).await;
    assert!(!copied.state.account(tips).unwrap().unwrap().balance.is_zero());
}

#[tokio::test]
async fn strangers_cannot_advance_a_rollup_with_a_sequencer() {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, net.account(3)).await;
    let block = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    let error = NotSequencer::abi_decode(&why(&net, &rollup, 4, &block).await).unwrap();
    assert_eq!((error.caller, error.sequencer), (net.account(4), net.account(3)));
    settle(&net, &mut rollup, 3, &block).await;
}

#[tokio::test]
async fn an_l1_without_execute_settles_nothing() {
    let (net, rollup, _, next) = scene().await;
    // The contract's own code, calling an empty account instead.
    let mut code = net.provider.get_code_at(rollup.contract).await.unwrap().to_vec();
    let call = [0x61, 0x01, 0x01];
    let at: Vec<_> = (0..code.len() - 3).filter(|at| code[*at..at + 3] == call).collect();
    assert!(!at.is_empty(), "EXECUTE's address stands in the code");
    for at in at {
        code[at + 1] = 0x77;
    }
    net.call("anvil_setCode", serde_json::json!([rollup.contract, Bytes::from(code)])).await;
    let error = why(&net, &rollup, 0, &next).await;
    assert_eq!(error, Bytes::from(ExecuteCouldNotRun {}.abi_encode()));
}

async fn another_block(net: &Net, rollup: &Rollup, block: &Proposed) -> AnotherBlock {
    AnotherBlock::abi_decode(&why(net, rollup, 1, block).await).unwrap()
}

/// A transfer that is signed for another chain.
fn elsewhere(nonce: u64) -> Bytes {
    let mut tx = TxEip1559 {
        chain_id: CHAIN + 1,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 2_000_000_000,
        to: Address::repeat_byte(0xaa).into(),
        ..TxEip1559::default()
    };
    let signature = sender().sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
