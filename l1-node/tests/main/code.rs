//! Contracts assembled by hand.

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, Bytes};

use crate::harness::Net;

/// Init code that deploys `runtime` (at most 255 bytes).
pub(crate) fn deployer(runtime: &[u8]) -> Bytes {
    let len = u8::try_from(runtime.len()).unwrap();
    // PUSH1 len, DUP1, PUSH1 11, PUSH1 0, CODECOPY, PUSH1 0, RETURN
    let mut code = vec![0x60, len, 0x80, 0x60, 0x0b, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3];
    code.extend_from_slice(runtime);
    code.into()
}

/// Stores the first calldata word in slot 0, logs it with topic 7 and returns the old value.
pub(crate) const STORE: &[u8] = &[
    0x5f, 0x54, // old = sload(0)
    0x5f, 0x35, 0x5f, 0x55, // sstore(0, calldata[0])
    0x5f, 0x35, 0x60, 0x20, 0x52, // mstore(32, calldata[0])
    0x60, 0x07, 0x60, 0x20, 0x60, 0x20, 0xa1, // log1(32, 32, 7)
    0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3, // return old
];

/// Reverts with its calldata.
pub(crate) const REVERT: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd];

pub(crate) async fn deploy(net: &Net, runtime: &[u8]) -> (Address, TransactionReceipt) {
    let tx =
        TransactionRequest::default().with_from(net.account(0)).with_deploy_code(deployer(runtime));
    let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    (receipt.contract_address.unwrap(), receipt)
}
