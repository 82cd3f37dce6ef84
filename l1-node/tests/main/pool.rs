//! What the pool takes and refuses, and in which order it is mined.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    providers::Provider,
    signers::SignerSync,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Value, json};

use crate::harness::Net;

const GWEI: u128 = 1_000_000_000;

/// A transfer of account `from`, signed.
fn transfer(net: &Net, from: usize, nonce: u64, tip: u128) -> Bytes {
    signed(
        net,
        from,
        TxEip1559 {
            chain_id: net.node.chain_id(),
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 10 * GWEI + tip,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(Address::repeat_byte(0xaa)),
            value: U256::ONE,
            ..Default::default()
        },
    )
}

fn signed(net: &Net, from: usize, tx: TxEip1559) -> Bytes {
    let signer = net.node.accounts()[from].signer();
    let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

async fn send(net: &Net, raw: &Bytes) -> Result<Value, (i64, String)> {
    net.try_call("eth_sendRawTransaction", json!([raw])).await
}

#[tokio::test]
async fn better_tips_go_first_and_nonces_in_order() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    let order = [
        (transfer(&net, 0, 1, 9 * GWEI), 2),
        (transfer(&net, 0, 0, GWEI), 1),
        (transfer(&net, 1, 0, 3 * GWEI), 0),
        (transfer(&net, 2, 5, 8 * GWEI), usize::MAX),
    ];
    let mut hashes = Vec::new();
    for (raw, _) in &order {
        hashes.push(send(&net, raw).await.unwrap());
    }
    assert_eq!(
        net.call("txpool_status", json!([])).await,
        json!({ "pending": "0x3", "queued": "0x1" })
    );
    let nonce = net.provider.get_transaction_count(net.account(0)).pending().await.unwrap();
    assert_eq!(nonce, 2);
    net.call("evm_mine", json!([])).await;
    let block = net.provider.get_block_by_number(1.into()).await.unwrap().unwrap();
    let mined: Vec<B256> = block.transactions.hashes().collect();
    assert_eq!(mined.len(), 3);
    for ((_, place), hash) in order.iter().zip(hashes) {
        if let Some(at) = mined.get(*place) {
            assert_eq!(hash, json!(at));
        }
    }
}

#[tokio::test]
async fn a_replacement_pays_a_tenth_more() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    let first = |tip, cap| {
        signed(
            &net,
            0,
            TxEip1559 {
                chain_id: net.node.chain_id(),
                gas_limit: 21_000,
                max_fee_per_gas: cap,
                max_priority_fee_per_gas: tip,
                to: TxKind::Call(Address::ZERO),
                ..Default::default()
            },
        )
    };
    let (old, cheap, good) =
        (first(GWEI, 10 * GWEI), first(GWEI, 20 * GWEI), first(11 * GWEI / 10, 11 * GWEI));
    let old_hash = send(&net, &old).await.unwrap();
    assert!(send(&net, &old).await.unwrap_err().1.contains("already known"));
    assert!(
        send(&net, &cheap).await.unwrap_err().1.contains("replacement transaction underpriced")
    );
    let hash = send(&net, &good).await.unwrap();
    net.call("evm_mine", json!([])).await;
    assert_ne!(net.call("eth_getTransactionReceipt", json!([hash])).await, Value::Null);
    assert_eq!(net.call("eth_getTransactionByHash", json!([old_hash])).await, Value::Null);
}

#[tokio::test]
async fn what_can_never_be_mined_is_refused() {
    let net = Net::start().await;
    let base = || TxEip1559 {
        chain_id: net.node.chain_id(),
        gas_limit: 21_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(Address::ZERO),
        ..Default::default()
    };
    let cases = [
        (TxEip1559 { chain_id: 1, ..base() }, "invalid chain id"),
        (TxEip1559 { gas_limit: 20_999, ..base() }, "intrinsic gas too low"),
        (TxEip1559 { gas_limit: (1 << 24) + 1, ..base() }, "gas limit too high"),
        (TxEip1559 { value: U256::MAX, ..base() }, "insufficient funds"),
        (TxEip1559 { max_priority_fee_per_gas: 11 * GWEI, ..base() }, "priority fee"),
    ];
    for (tx, reason) in cases {
        let (code, message) = send(&net, &signed(&net, 0, tx)).await.unwrap_err();
        assert_eq!(code, -32000);
        assert!(message.contains(reason), "{message}");
    }
    let floor = TxEip1559 { input: vec![1; 1000].into(), gas_limit: 40_000, ..base() };
    let (_, message) = send(&net, &signed(&net, 0, floor)).await.unwrap_err();
    assert!(message.contains("floor data gas"), "{message}");
    send(&net, &transfer(&net, 0, 0, GWEI)).await.unwrap();
    let (_, message) = send(&net, &transfer(&net, 0, 0, 2 * GWEI)).await.unwrap_err();
    assert!(message.contains("nonce too low"), "{message}");
    assert_eq!(send(&net, &Bytes::from_static(b"junk")).await.unwrap_err().0, -32000);
    assert_eq!(net.try_call("eth_sendRawTransaction", json!([7])).await.unwrap_err().0, -32602);
}

#[tokio::test]
async fn a_fee_below_the_base_fee_waits() {
    let net = Net::start().await;
    let tx = TxEip1559 {
        chain_id: net.node.chain_id(),
        gas_limit: 21_000,
        max_fee_per_gas: 600_000_000,
        to: TxKind::Call(Address::ZERO),
        ..Default::default()
    };
    let hash = send(&net, &signed(&net, 0, tx)).await.unwrap();
    assert_eq!(net.provider.get_block_number().await.unwrap(), 0);
    for _ in 0..4 {
        net.call("evm_mine", json!([])).await;
    }
    let receipt = net.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_ne!(receipt, Value::Null, "empty blocks lower the base fee");
}

#[tokio::test]
async fn what_is_dropped_is_never_mined() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    let one = send(&net, &transfer(&net, 0, 0, GWEI)).await.unwrap();
    let other = send(&net, &transfer(&net, 1, 0, GWEI)).await.unwrap();
    assert_eq!(net.call("anvil_dropTransaction", json!([one])).await, one);
    assert_eq!(net.call("eth_getTransactionByHash", json!([one])).await, Value::Null);
    assert_ne!(net.call("eth_getTransactionByHash", json!([other])).await, Value::Null);
    net.call("anvil_dropAllTransactions", json!([])).await;
    let none = json!({ "pending": "0x0", "queued": "0x0" });
    assert_eq!(net.call("txpool_status", json!([])).await, none);
    net.call("evm_mine", json!([])).await;
    let block = net.provider.get_block_by_number(1.into()).await.unwrap().unwrap();
    assert!(block.transactions.is_empty());
    // Their nonces are free again.
    send(&net, &transfer(&net, 0, 0, GWEI)).await.unwrap();
}
