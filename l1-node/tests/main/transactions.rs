//! Transactions of every type, receipts, logs, calls.

use alloy::{
    eips::eip7702::Authorization,
    network::{TransactionBuilder, TransactionBuilder7702},
    primitives::U256,
    providers::Provider,
    rpc::types::{AccessList, AccessListItem, Filter, TransactionRequest},
    signers::SignerSync,
};
use alloy_primitives::{Address, B256, Bytes, TxKind};

use crate::{
    code::{REVERT, STORE, deploy},
    harness::Net,
};

fn word(value: u64) -> Bytes {
    B256::from(U256::from(value)).into()
}

#[tokio::test]
async fn a_contract_lives() {
    let net = Net::start().await;
    let (contract, receipt) = deploy(&net, STORE).await;
    assert_eq!(receipt.block_number, Some(1));
    assert_eq!(net.provider.get_code_at(contract).await.unwrap().as_ref(), STORE);

    let call = TransactionRequest::default()
        .with_from(net.account(1))
        .with_to(contract)
        .with_input(word(5));
    let receipt =
        net.provider.send_transaction(call.clone()).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(receipt.inner.logs().len(), 1);
    let stored = net.provider.get_storage_at(contract, U256::ZERO).await.unwrap();
    assert_eq!(stored, U256::from(5));
    let old = net.provider.call(call.with_input(word(6))).await.unwrap();
    assert_eq!(old, word(5));

    let logs = net
        .provider
        .get_logs(
            &Filter::new().address(contract).from_block(0).event_signature(B256::with_last_byte(7)),
        )
        .await
        .unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].data().data, word(5));
    assert_eq!(logs[0].block_number, Some(2));
    net.node.shutdown().await;
}

#[tokio::test]
async fn every_type_is_mined() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    let base = || {
        TransactionRequest::default()
            .with_from(net.account(2))
            .with_to(contract)
            .with_input(word(1))
    };
    let list =
        AccessList(vec![AccessListItem { address: contract, storage_keys: vec![B256::ZERO] }]);
    let authorization =
        Authorization { chain_id: U256::from(net.node.chain_id()), address: contract, nonce: 0 };
    let signature =
        net.node.accounts()[3].signer().sign_hash_sync(&authorization.signature_hash()).unwrap();
    let kinds = [
        (0, base().with_gas_price(3_000_000_000)),
        (1, base().with_gas_price(3_000_000_000).access_list(list)),
        (2, base()),
        (4, base().with_authorization_list(vec![authorization.into_signed(signature)])),
    ];
    for (kind, tx) in kinds {
        let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status());
        assert_eq!(receipt.transaction_type() as u8, kind);
        let hash = receipt.transaction_hash;
        let tx = net.provider.get_transaction_by_hash(hash).await.unwrap().unwrap();
        assert_eq!(tx.inner.signer(), net.account(2));
        assert_eq!(*tx.inner.tx_hash(), hash);
    }
    let delegated = net.provider.get_code_at(net.account(3)).await.unwrap();
    assert_eq!(delegated[..3], [0xef, 0x01, 0x00]);
    assert_eq!(&delegated[3..], contract.as_slice());
}

#[tokio::test]
async fn a_revert_has_its_code_and_data() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, REVERT).await;
    let call = TransactionRequest::default().with_to(contract).with_input(vec![1, 2, 3]);
    let error = net.provider.call(call.clone()).await.unwrap_err();
    let error = error.as_error_resp().unwrap();
    assert_eq!(error.code, 3);
    assert_eq!(error.data.as_ref().unwrap().get(), "\"0x010203\"");
    let error = net.provider.estimate_gas(call.clone()).await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().code, 3);

    let sent = call.with_from(net.account(0)).with_gas_limit(100_000);
    let receipt = net.provider.send_transaction(sent).await.unwrap().get_receipt().await.unwrap();
    assert!(!receipt.status());
}

#[tokio::test]
async fn an_estimate_is_enough_and_not_much_more() {
    let net = Net::start().await;
    let (contract, _) = deploy(&net, STORE).await;
    let call = TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(contract)
        .with_input(word(9));
    let estimate = net.provider.estimate_gas(call.clone()).await.unwrap();
    let sent = call.with_gas_limit(estimate);
    let receipt = net.provider.send_transaction(sent).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    assert!(estimate <= receipt.gas_used + receipt.gas_used / 16);
    let transfer = TransactionRequest {
        from: Some(net.account(0)),
        to: Some(TxKind::Call(Address::with_last_byte(0xaa))),
        value: Some(U256::ONE),
        ..TransactionRequest::default()
    };
    let estimate = net.provider.estimate_gas(transfer).await.unwrap();
    assert_eq!(estimate, 21_000);
}
