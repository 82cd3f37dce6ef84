//! Blob transactions and the beacon API.

use alloy::{
    consensus::{SidecarBuilder, SimpleCoder},
    eips::{eip4844::env_settings::EnvKzgSettings, eip7594::BlobTransactionSidecarVariant},
    network::{TransactionBuilder, TransactionBuilder4844},
    primitives::{Address, B256, hex},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use alloy_eips::eip7594::BlobTransactionSidecarEip7594;
use serde_json::json;

use crate::harness::Net;

pub(crate) fn sidecar(bytes: &[u8]) -> BlobTransactionSidecarEip7594 {
    SidecarBuilder::<SimpleCoder>::from_slice(bytes).build_7594().unwrap()
}

pub(crate) fn blob_tx(net: &Net, sidecar: BlobTransactionSidecarEip7594) -> TransactionRequest {
    let tx = TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(Address::ZERO)
        .with_max_fee_per_blob_gas(1_000_000_000);
    tx.with_blob_sidecar(BlobTransactionSidecarVariant::Eip7594(sidecar))
}

#[tokio::test]
async fn a_blob_comes_back_through_the_beacon_api() {
    let net = Net::start().await;
    let sidecar = sidecar(b"what the rollup says");
    let hash = sidecar.versioned_hashes().next().unwrap();
    let blob = sidecar.blobs[0];
    let pending = net.provider.send_transaction(blob_tx(&net, sidecar)).await.unwrap();
    let receipt = pending.get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(receipt.blob_gas_used, Some(131_072));
    let block = net.provider.get_block_by_number(1.into()).await.unwrap().unwrap();
    let (_, genesis) = net.get("/eth/v1/beacon/genesis").await;
    let genesis: u64 = genesis["data"]["genesis_time"].as_str().unwrap().parse().unwrap();
    let (_, spec) = net.get("/eth/v1/config/spec").await;
    assert_eq!(spec["data"]["SECONDS_PER_SLOT"], "1");
    let slot = block.header.timestamp - genesis;
    for id in ["head".to_owned(), slot.to_string()] {
        let (status, body) = net.get(&format!("/eth/v1/beacon/blobs/{id}")).await;
        assert_eq!(status, 200);
        let data = body["data"].as_array().unwrap();
        assert_eq!(data.len(), 1);
        let bytes = hex::decode(data[0].as_str().unwrap()).unwrap();
        assert_eq!(bytes, blob.as_slice());
        let kzg = EnvKzgSettings::Default.get();
        let commitment =
            kzg.blob_to_kzg_commitment(&c_kzg::Blob::from_bytes(&bytes).unwrap()).unwrap();
        let versioned =
            alloy_eips::eip4844::kzg_to_versioned_hash(commitment.to_bytes().as_slice());
        assert_eq!(versioned, hash);
    }
    let (_, other) =
        net.get(&format!("/eth/v1/beacon/blobs/head?versioned_hashes={}", B256::ZERO)).await;
    assert_eq!(other["data"].as_array().unwrap().len(), 0);
    let (_, this) = net.get(&format!("/eth/v1/beacon/blobs/head?versioned_hashes={hash}")).await;
    assert_eq!(this["data"].as_array().unwrap().len(), 1);
    // Commas as clients write them, which some escape in small letters.
    for comma in [",", "%2C", "%2c"] {
        let both = format!("{hash}{comma}{}", B256::ZERO);
        let path = format!("/eth/v1/beacon/blobs/head?versioned_hashes={both}");
        let (status, these) = net.get(&path).await;
        assert_eq!((status, these["data"].as_array().unwrap().len()), (200, 1), "{comma}");
    }
    assert_eq!(net.get("/eth/v1/beacon/blobs/999999999").await.0, 404);
    assert_eq!(net.get("/eth/v1/beacon/blobs/nonsense").await.0, 400);
}

#[tokio::test]
async fn a_wrong_sidecar_is_refused() {
    let net = Net::start().await;
    let good = sidecar(b"one");
    let mut proof = good.clone();
    proof.cell_proofs.swap(0, 1);
    let mut blob = good.clone();
    blob.blobs[0][40] ^= 1;
    let mut short = good.clone();
    short.cell_proofs.pop();
    for bad in [proof, blob, short] {
        let mut tx = blob_tx(&net, bad);
        tx.blob_versioned_hashes = Some(good.versioned_hashes().collect());
        let error = net.provider.send_transaction(tx).await.unwrap_err();
        let error = error.as_error_resp().unwrap();
        assert_eq!(error.code, -32000);
        assert!(error.message.contains("sidecar"), "{}", error.message);
    }
    assert_eq!(net.provider.get_block_number().await.unwrap(), 0);
}

#[tokio::test]
async fn an_old_sidecar_is_told_what_is_wanted() {
    let net = Net::start().await;
    let old = SidecarBuilder::<SimpleCoder>::from_slice(b"old").build_4844().unwrap();
    let mut tx = blob_tx(&net, sidecar(b"old"));
    tx.sidecar = Some(BlobTransactionSidecarVariant::Eip4844(old));
    let error = net.provider.send_transaction(tx).await.unwrap_err();
    let message = &error.as_error_resp().unwrap().message;
    assert!(message.contains("want: 1 (EIP-7594"), "{message}");
}

#[tokio::test]
async fn six_blobs_a_transaction_and_nine_a_block() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    // A blob holds a little more than 126,000 bytes.
    let six = || sidecar(&vec![7; 6 * 126_000]);
    assert_eq!(six().blobs.len(), 6);
    for _ in 0..2 {
        let _ = net.provider.send_transaction(blob_tx(&net, six())).await.unwrap();
    }
    let three = blob_tx(&net, sidecar(&vec![7; 3 * 126_000])).with_from(net.account(1));
    let _ = net.provider.send_transaction(three).await.unwrap();
    net.call("evm_mine", json!([])).await;
    net.call("evm_mine", json!([])).await;
    for (number, blobs) in [(1, 9), (2, 6)] {
        let block = net.provider.get_block_by_number(number.into()).await.unwrap().unwrap();
        assert_eq!(block.header.blob_gas_used, Some(blobs * 131_072));
    }
    let seven = sidecar(&vec![7; 7 * 126_000]);
    assert_eq!(seven.blobs.len(), 7);
    let error = net.provider.send_transaction(blob_tx(&net, seven)).await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().code, -32000);
}

#[tokio::test]
async fn headers_lead_from_block_to_beacon_block() {
    let net = Net::start().await;
    for _ in 0..3 {
        net.call("evm_mine", json!([])).await;
    }
    let child = net.provider.get_block_by_number(3.into()).await.unwrap().unwrap();
    let root = child.header.parent_beacon_block_root.unwrap();
    let (status, body) = net.get(&format!("/eth/v1/beacon/headers/{root}")).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"]["root"], json!(root));
    let message = &body["data"]["header"]["message"];
    let parent = net.provider.get_block_by_number(2.into()).await.unwrap().unwrap();
    let genesis = net.provider.get_block_by_number(0.into()).await.unwrap().unwrap();
    let slot = parent.header.timestamp - genesis.header.timestamp;
    assert_eq!(message["slot"], json!(slot.to_string()));
    assert_eq!(message["body_root"], json!(parent.header.hash));
    // The contract of EIP-4788 tells the same root.
    let at = B256::from(alloy::primitives::U256::from(child.header.timestamp));
    let call = TransactionRequest::default()
        .with_to(alloy_eips::eip4788::BEACON_ROOTS_ADDRESS)
        .with_input(at);
    assert_eq!(B256::from_slice(&net.provider.call(call).latest().await.unwrap()), root);
}

#[tokio::test]
async fn blobs_expire() {
    let net = Net::start().await;
    let pending = net.provider.send_transaction(blob_tx(&net, sidecar(b"old"))).await.unwrap();
    pending.get_receipt().await.unwrap();
    let (_, body) = net.get("/eth/v1/beacon/headers/head").await;
    let slot = body["data"]["header"]["message"]["slot"].as_str().unwrap().to_owned();
    let path = format!("/eth/v1/beacon/blobs/{slot}");
    assert_eq!(net.get(&path).await.1["data"].as_array().unwrap().len(), 1);
    net.call("evm_increaseTime", json!([19 * 86_400])).await;
    net.call("evm_mine", json!([])).await;
    assert_eq!(net.get(&path).await.0, 404);
}

#[tokio::test]
async fn a_blob_fee_below_the_blob_base_fee_waits() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    let price = async || -> u64 {
        let price = net.call("eth_blobBaseFee", json!([])).await;
        u64::from_str_radix(&price.as_str().unwrap()[2..], 16).unwrap()
    };
    // Full blocks, until a blob gas costs two wei.
    let (six, three) = (sidecar(&vec![7; 6 * 126_000]), sidecar(&vec![8; 3 * 126_000]));
    for _ in 0..30 {
        if price().await > 1 {
            break;
        }
        let _ = net.provider.send_transaction(blob_tx(&net, six.clone())).await.unwrap();
        let other = blob_tx(&net, three.clone()).with_from(net.account(1));
        let _ = net.provider.send_transaction(other).await.unwrap();
        net.call("evm_mine", json!([])).await;
    }
    assert_eq!(price().await, 2);

    let poor = blob_tx(&net, sidecar(b"later")).with_from(net.account(2));
    let poor = poor.with_max_fee_per_blob_gas(1).with_gas_limit(21_000);
    let hash = *net.provider.send_transaction(poor).await.unwrap().tx_hash();
    // The sender's next one comes after it, and others are not held up.
    let next = |account| {
        let tx = TransactionRequest::default().with_from(account).with_to(Address::ZERO);
        tx.with_gas_limit(21_000)
    };
    let after =
        *net.provider.send_transaction(next(net.account(2)).with_nonce(1)).await.unwrap().tx_hash();
    let other = *net.provider.send_transaction(next(net.account(3))).await.unwrap().tx_hash();
    let mined =
        async |hash: B256| net.provider.get_transaction_receipt(hash).await.unwrap().is_some();
    net.call("evm_mine", json!([])).await;
    assert_eq!((mined(hash).await, mined(after).await, mined(other).await), (false, false, true));
    let status = net.call("txpool_status", json!([])).await;
    assert_eq!(status["pending"], json!("0x2"), "it waits");

    // Where gas is nearly free, blocks without blobs make blobs cheaper (EIP-7918).
    for _ in 0..2 {
        net.call("anvil_setNextBlockBaseFeePerGas", json!(["0x1"])).await;
        net.call("evm_mine", json!([])).await;
    }
    assert_eq!((price().await, mined(hash).await, mined(after).await), (1, true, true));
}
