//! Blocks in sequence.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::{TransactionBuilder as _, TxSignerSync},
    providers::Provider as _,
    rpc::types::TransactionRequest,
};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use recourse_execution::TxRun;

use super::proposer::{Rollup, Settled, settle};
use crate::{
    code::deployer,
    harness::{Net, event},
    l2_block::{CHAIN, sender, transfer},
};

/// Stores the hash of the block before: `sstore(0, blockhash(number - 1))`.
const HASH_OF_PARENT: &[u8] = &[0x60, 0x01, 0x43, 0x03, 0x40, 0x5f, 0x55];
/// Stores in slot 0, then reverts.
const STORE_AND_REVERT: &[u8] = &[0x60, 0x01, 0x5f, 0x55, 0x5f, 0x5f, 0xfd];

fn transaction(nonce: u64, to: TxKind, input: Bytes) -> Bytes {
    let mut tx = TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 400_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        input,
        ..TxEip1559::default()
    };
    let signature = sender().sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

fn plain(nonce: u64) -> Bytes {
    transfer(nonce).encoded_2718().into()
}

/// Blocks, in words and in transactions.
fn contents(reads: Address, reverts: Address) -> [(&'static str, Vec<Bytes>); 5] {
    [
        ("one transfer", vec![plain(0)]),
        (
            "two creations",
            vec![
                transaction(1, TxKind::Create, deployer(HASH_OF_PARENT)),
                transaction(2, TxKind::Create, deployer(STORE_AND_REVERT)),
            ],
        ),
        (
            "a call, one that reverts, an invalid transaction",
            vec![
                transaction(3, reads.into(), Bytes::new()),
                transaction(4, reverts.into(), Bytes::new()),
                plain(99),
                Bytes::from_static(b"no transaction"),
            ],
        ),
        ("nothing", vec![]),
        ("sixteen transfers", (5..21).map(plain).collect()),
    ]
}

#[tokio::test]
async fn whole_blocks_are_settled_with_one_execute_call_each() {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, Address::ZERO).await;
    let tips = Address::repeat_byte(0xfe);
    let mut before = rollup.head(&net).await;
    let (reads, reverts) = (sender().address().create(1), sender().address().create(2));
    let mut hashes = vec![before.blockHash];
    for (what, transactions) in contents(reads, reverts) {
        let proposed = rollup.propose(&net, tips, transactions).await;
        let receipt = settle(&net, &mut rollup, 1, &proposed).await;
        println!(
            "{what}: {} L2 gas, {} bytes of witness, {} L1 gas",
            proposed.recorded.gas_used,
            proposed.recorded.trace.witness.len(),
            receipt.gas_used
        );
        let after = rollup.head(&net).await;
        assert_eq!(after.blockHash, proposed.hash);
        assert_eq!(after.stateRoot, rollup.state.root());
        assert_eq!(
            (after.number, after.timestamp),
            (before.number + 1, proposed.context.timestamp)
        );
        let settled: Settled = event(&receipt);
        assert_eq!(settled.blockHash, proposed.hash);
        assert_eq!(settled.transactions, proposed.block.transactions);
        hashes.push(proposed.hash);
        before = after;
        if what.starts_with("a call") {
            let statuses: Vec<_> = proposed.recorded.runs.iter().map(status).collect();
            assert_eq!(statuses, [Some(true), Some(false), None, None]);
        }
    }
    let seen = rollup.state.storage(reads, U256::ZERO).unwrap();
    assert_eq!(
        seen,
        U256::from_be_bytes(hashes[2].0),
        "BLOCKHASH on L2 is the hash that L1 computes"
    );
    assert_eq!(rollup.state.storage(reverts, U256::ZERO).unwrap(), U256::ZERO);
    let paid = rollup.state.account(tips).unwrap().unwrap().balance;
    assert!(!paid.is_zero(), "the tips are the proposer's");
}

/// A witness that lies in the code of contracts, as the chunk store leaves it there: behind a byte that stops.
#[tokio::test]
async fn a_block_is_settled_from_bytes_that_were_staged() {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, Address::ZERO).await;
    let mut proposed = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    let witness = std::mem::take(&mut proposed.block.execution.witness);
    assert!(witness.len() > 300);
    for chunk in witness.chunks(300) {
        let pointer = staged(&net, chunk).await;
        proposed.block.execution.pointers.push(pointer);
    }
    settle(&net, &mut rollup, 1, &proposed).await;
    assert_eq!(rollup.head(&net).await.blockHash, proposed.hash);
}

async fn staged(net: &Net, chunk: &[u8]) -> Address {
    let runtime = [&[0], chunk].concat();
    let [high, low] = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // PUSH2 length DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN
    let init = [0x61, high, low, 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    let tx = TransactionRequest::default()
        .with_from(net.account(0))
        .with_deploy_code([&init[..], &runtime].concat());
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    receipt.contract_address.unwrap()
}

/// Whether a transaction succeeded; none for one that was invalid.
fn status(run: &TxRun) -> Option<bool> {
    match run {
        TxRun::Included(executed) => Some(executed.receipt.status()),
        TxRun::NoOp(_) => None,
    }
}

#[tokio::test]
async fn the_base_fee_follows_the_gas_of_the_block_before() {
    let net = Net::start().await;
    let mut rollup = Rollup::deploy(&net, Address::ZERO).await;
    let genesis = rollup.head(&net).await;
    assert_eq!(genesis.nextBaseFee, 875_000_000, "an eighth less after an empty block at 1 gwei");
    let proposed = rollup.propose(&net, Address::ZERO, vec![plain(0)]).await;
    assert_eq!(proposed.context.baseFee, U256::from(875_000_000));
    settle(&net, &mut rollup, 0, &proposed).await;
    let expected = recourse_protocol::base_fee_of_child(U256::from(875_000_000), 21_000, 1 << 24);
    assert_eq!(U256::from(rollup.head(&net).await.nextBaseFee), expected);
}
