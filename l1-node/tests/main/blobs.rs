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

use crate::harness::Net;

fn sidecar(bytes: &[u8]) -> BlobTransactionSidecarEip7594 {
    SidecarBuilder::<SimpleCoder>::from_slice(bytes).build_7594().unwrap()
}

fn blob_tx(net: &Net, sidecar: BlobTransactionSidecarEip7594) -> TransactionRequest {
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
    assert_eq!(net.get("/eth/v1/beacon/blobs/999999999").await.0, 404);
    assert_eq!(net.get("/eth/v1/beacon/blobs/nonsense").await.0, 400);
}
