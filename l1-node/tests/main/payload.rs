//! EXECUTE of whole blocks, at 0x0102.

use alloy::{
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, Bytes, U256, address};
use recourse_execution::payload::{Beside, ProtocolFork, StatelessInput, stateless_input};
use serde_json::json;

use crate::{
    code::deploy,
    harness::Net,
    l2_block::{Built, CHAIN, Scene, transfer},
};

const PAYLOAD: Address = address!("0x0000000000000000000000000000000000000102");
const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");
const GAS: u64 = 3_000_000;

/// Calls 0x0102 with its calldata; stores whether that succeeded in slot 0, the length of the result in slot 1, its first
/// word (the root) in slot 2 and its other bytes in slot 3.
const RELAY: &[u8] = &[
    0x36, 0x5f, 0x5f, 0x37, // calldatacopy(0, 0, calldatasize)
    0x5f, 0x5f, 0x36, 0x5f, 0x61, 0x01, 0x02, 0x5a, 0xfa, // staticcall(gas, 0x0102, ..)
    0x5f, 0x55, // sstore(0, success)
    0x3d, 0x60, 0x01, 0x55, // sstore(1, returndatasize)
    0x5f, 0x5f, 0x52, 0x5f, 0x60, 0x20, 0x52, // mstore(0, 0); mstore(32, 0)
    0x3d, 0x5f, 0x5f, 0x3e, // returndatacopy(0, 0, returndatasize)
    0x5f, 0x51, 0x60, 0x02, 0x55, // sstore(2, mload(0))
    0x60, 0x20, 0x51, 0x60, 0x03, 0x55, // sstore(3, mload(32))
    0x00,
];

fn request(net: &Net, to: Address, input: Bytes) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(net.account(0))
        .with_to(to)
        .with_input(input)
        .with_gas_limit(GAS)
}

async fn send(net: &Net, to: Address, input: Bytes) -> TransactionReceipt {
    let pending = net.provider.send_transaction(request(net, to, input)).await.unwrap();
    pending.get_receipt().await.unwrap()
}

async fn slot(net: &Net, contract: Address, slot: u64) -> U256 {
    net.provider.get_storage_at(contract, U256::from(slot)).await.unwrap()
}

fn encode(input: &StatelessInput) -> Bytes {
    ProtocolFork::Osaka.encode_input(input).into()
}

fn transfers() -> Built {
    Scene::new(&Bytes::new()).block(vec![transfer(0), transfer(1)])
}

/// The block with another gas in its header, and the hash of that.
fn claiming(built: &Built, gas_used: u64, gas_limit: u64) -> Bytes {
    let mut block = built.block.clone();
    block.header.gas_used = gas_used;
    block.header.gas_limit = gas_limit;
    let witness = built.input.witness.clone();
    let beside = Beside { chain_id: CHAIN, witness, ..Beside::default() };
    encode(&stateless_input(&block, beside).unwrap())
}

/// What the precompile costs: base, bytes, opening, closing, transactions, L2 gas at a sixty-fourth.
fn cost(data: &[u8], transactions: u64, gas_used: u64) -> u64 {
    30_000 + data.len() as u64 + 60_000 + 60_000 + 6_000 * transactions + gas_used.div_ceil(64)
}

/// L1 gas of a plain transaction with this calldata, before execution.
fn intrinsic(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    21_000 + 4 * zeros + 16 * (data.len() as u64 - zeros)
}

#[tokio::test]
async fn a_contract_tells_valid_blocks_from_invalid_ones() {
    let net = Net::start().await;
    let (relay, _) = deploy(&net, RELAY).await;
    let built = transfers();
    let root = ProtocolFork::Osaka.request_root(&built.input.new_payload_request);
    assert!(send(&net, relay, encode(&built.input)).await.status());
    assert_eq!(slot(&net, relay, 0).await, U256::ONE);
    assert_eq!(slot(&net, relay, 1).await, U256::from(43));
    assert_eq!(slot(&net, relay, 2).await, U256::from_be_bytes(root));
    let rest = slot(&net, relay, 3).await.to_be_bytes::<32>();
    // Valid, chain 77, schema 0x1201; integers of SSZ are little-endian.
    assert_eq!(rest[..11], [1, 77, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x12]);

    let mut lies = vec![claiming(&built, 42_001, 30_000_000)];
    for index in [0, built.input.witness.state.len() - 1] {
        let mut cut = built.input.clone();
        cut.witness.state.remove(index);
        lies.push(encode(&cut));
    }
    for lie in lies {
        assert!(send(&net, relay, lie).await.status());
        assert_eq!(slot(&net, relay, 0).await, U256::ONE, "a lie is an answer");
        assert_eq!(slot(&net, relay, 1).await, U256::from(43));
        let rest = slot(&net, relay, 3).await.to_be_bytes::<32>();
        assert_eq!(rest[..2], [0, 77]);
    }
}

#[tokio::test]
async fn the_price_is_drawn_exactly_whatever_the_answer() {
    let net = Net::start().await;
    let built = transfers();
    for (data, gas_used) in [
        (encode(&built.input), 42_000),
        (claiming(&built, 1_000_000, 30_000_000), 1_000_000),
        (claiming(&built, 0, 30_000_000), 0),
    ] {
        let receipt = send(&net, PAYLOAD, data.clone()).await;
        assert!(receipt.status());
        assert_eq!(receipt.gas_used, intrinsic(&data) + cost(&data, 2, gas_used));
    }
}

#[tokio::test]
async fn what_cannot_run_fails_and_takes_all_gas() {
    let net = Net::start().await;
    let built = transfers();
    let good = encode(&built.input);
    let trailing = [&good[..], &[0]].concat().into();
    let mut schema = good.to_vec();
    schema[0] = 0x15;
    let over = claiming(&built, (1 << 25) + 1, 1 << 26);
    for data in [trailing, good.slice(..good.len() - 1), schema.into(), over, Bytes::new()] {
        let receipt = send(&net, PAYLOAD, data).await;
        assert!(!receipt.status());
        assert_eq!(receipt.gas_used, GAS);
    }
    let gas = cost(&good, 2, 42_000);
    for (gas, enough) in [(gas - 1, false), (gas, true)] {
        let tx = request(&net, PAYLOAD, good.clone()).with_gas_limit(intrinsic(&good) + gas);
        let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
        assert_eq!(receipt.status(), enough, "gas {gas}");
    }
}

/// 0x0101 and 0x0102 draw on the same gas of a block.
#[tokio::test]
async fn the_meter_is_that_of_0x0101() {
    let net = Net::start().await;
    let built = transfers();
    net.call("evm_setAutomine", json!([false])).await;
    let most = claiming(&built, 1 << 25, 1 << 26);
    let mut pending = Vec::new();
    for data in [most, encode(&built.input)] {
        pending.push(net.provider.send_transaction(request(&net, PAYLOAD, data)).await.unwrap());
    }
    net.call("evm_mine", json!([])).await;
    for (pending, status) in pending.into_iter().zip([true, false]) {
        assert_eq!(pending.get_receipt().await.unwrap().status(), status);
    }
    let excess = slot(&net, EXECUTE, 0).await;
    assert_eq!(excess, U256::from((1 << 25) - (1 << 23)));
}
