//! EXECUTE as contracts and transactions meet it.

use alloy::{
    network::TransactionBuilder,
    primitives::U256,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use alloy_primitives::{Address, Bytes, address};
use serde_json::json;

use crate::{claim::Claim, code::deploy, harness::Net};

const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");
/// Plenty for anything here.
const GAS: u64 = 8_000_000;

/// Calls 0x0101 with its calldata; stores whether that succeeded in slot 0, the first word of
/// the answer in slot 1 and the second in slot 2; ends with `end`.
fn relay(end: &[u8]) -> Vec<u8> {
    let mut code = vec![
        0x36, 0x5f, 0x5f, 0x37, // calldatacopy(0, 0, calldatasize)
        0x5f, 0x5f, 0x36, 0x5f, 0x61, 0x01, 0x01, 0x5a, 0xfa, // staticcall(gas, 0x0101, ..)
        0x5f, 0x5f, 0x52, 0x5f, 0x60, 0x20, 0x52, // mstore(0, 0), mstore(32, 0)
        0x3d, 0x5f, 0x5f, 0x3e, // returndatacopy(0, 0, returndatasize)
        0x5f, 0x55, // sstore(0, success)
        0x5f, 0x51, 0x60, 0x01, 0x55, // sstore(1, mload(0))
        0x60, 0x20, 0x51, 0x60, 0x02, 0x55, // sstore(2, mload(32))
    ];
    code.extend_from_slice(end);
    code
}

const STOP: &[u8] = &[0x00];
const REVERT: &[u8] = &[0x5f, 0x5f, 0xfd];

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

/// What a relay stored of the last call: whether it succeeded, and the first word.
async fn outcome(net: &Net, contract: Address) -> (bool, U256) {
    (slot(net, contract, 0).await == U256::ONE, slot(net, contract, 1).await)
}

/// L1 gas of a plain transaction with this calldata, before execution.
fn intrinsic(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    21_000 + 4 * zeros + 16 * (data.len() as u64 - zeros)
}

#[tokio::test]
async fn true_and_false_claims_are_told_apart() {
    let net = Net::start().await;
    let (relay, _) = deploy(&net, &relay(STOP)).await;
    let claim = Claim::transfer();
    send(&net, relay, claim.encode()).await;
    assert_eq!(outcome(&net, relay).await, (true, U256::ONE));
    let lies = [
        Claim { gas_used: claim.gas_used + 1, ..claim.clone() },
        Claim { post: claim.pre, ..claim.clone() },
        Claim { pre: claim.post, ..claim.clone() },
        Claim { trace: claim.trace.slice(..claim.trace.len() - 32), ..claim.clone() },
        Claim::nonsense(0),
    ];
    for lie in lies {
        send(&net, relay, lie.encode()).await;
        assert_eq!(outcome(&net, relay).await, (true, U256::ZERO));
    }
}

#[tokio::test]
async fn the_price_is_drawn_exactly_and_for_false_claims_too() {
    let net = Net::start().await;
    let claim = Claim::transfer();
    let lie = Claim { post: claim.pre, ..claim.clone() };
    for claim in [claim, lie] {
        let data = claim.encode();
        let receipt = send(&net, EXECUTE, data.clone()).await;
        assert!(receipt.status());
        // 21,000 L2 gas at a sixty-fourth, rounded up; one transaction, no opening.
        let cost = 30_000 + claim.trace.len() as u64 + 6_000 + 21_000_u64.div_ceil(64);
        assert_eq!(receipt.gas_used, intrinsic(&data) + cost);
    }
}

#[tokio::test]
async fn what_cannot_run_fails_and_takes_all_gas() {
    let net = Net::start().await;
    let good = Claim::transfer().encode();
    let mut trailing = good.to_vec();
    trailing.extend_from_slice(&[0; 32]);
    let too_much = Claim::nonsense((1 << 25) + 1).encode();
    for data in [trailing.into(), good.slice(..good.len() - 1), too_much] {
        let receipt = send(&net, EXECUTE, data).await;
        assert!(!receipt.status());
        assert_eq!(receipt.gas_used, GAS);
    }
    let cost = 30_000 + 1_000_000_u64.div_ceil(64);
    let data = Claim::nonsense(1_000_000).encode();
    for (gas, enough) in [(cost - 1, false), (cost, true)] {
        let tx = request(&net, EXECUTE, data.clone()).with_gas_limit(intrinsic(&data) + gas);
        let receipt = net.provider.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
        assert_eq!(receipt.status(), enough, "gas {gas}");
    }
}

#[tokio::test]
async fn a_witness_may_lie_in_code() {
    let net = Net::start().await;
    let (claim, pointed) = Claim::pointing(|part| {
        let mut code = vec![0];
        code.extend_from_slice(&part);
        place(&net, code)
    })
    .await;
    let data = claim.encode();
    let receipt = send(&net, EXECUTE, data.clone()).await;
    let cost = 30_000
        + claim.trace.len() as u64
        + pointed as u64
        + 2_600
        + 6_000
        + 21_000_u64.div_ceil(64);
    assert_eq!(receipt.gas_used, intrinsic(&data) + cost);
    let answer = net.provider.call(request(&net, EXECUTE, data)).await.unwrap();
    assert_eq!(U256::from_be_slice(&answer), U256::ONE);

    let (astray, _) = Claim::pointing(|_| async { Address::repeat_byte(0xee) }).await;
    let answer = net.provider.call(request(&net, EXECUTE, astray.encode())).await.unwrap();
    assert_eq!(U256::from_be_slice(&answer), U256::ZERO);
}

/// Code that first deploys `data` as code, then is a [`relay`].
fn deploying_relay(data: &[u8]) -> Vec<u8> {
    let push2 = |value: usize| [&[0x61][..], &u16::try_from(value).unwrap().to_be_bytes()].concat();
    // return(data)
    let mut init = push2(data.len());
    init.extend_from_slice(&[0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3]);
    init.extend_from_slice(data);
    // codecopy(0, start, length); pop(create(0, 0, length))
    let program = |start: usize| {
        let mut code = [push2(init.len()), push2(start), vec![0x5f, 0x39]].concat();
        code.extend_from_slice(&[push2(init.len()), vec![0x5f, 0x5f, 0xf0, 0x50]].concat());
        code.extend_from_slice(&relay(STOP));
        code
    };
    [program(program(0).len()), init.clone()].concat()
}

#[tokio::test]
async fn code_deployed_in_the_same_transaction_counts() {
    let net = Net::start().await;
    let deploying = Address::repeat_byte(0xce);
    let pointer = deploying.create(1);
    let mut stored = vec![0];
    let (claim, _) = Claim::pointing(|part| {
        stored.extend_from_slice(&part);
        std::future::ready(pointer)
    })
    .await;
    net.call("anvil_setCode", json!([deploying, Bytes::from(deploying_relay(&stored))])).await;
    net.call("anvil_setNonce", json!([deploying, 1])).await;
    let before = net.provider.call(request(&net, EXECUTE, claim.encode())).await.unwrap();
    assert_eq!(U256::from_be_slice(&before), U256::ZERO, "nothing is there yet");
    send(&net, deploying, claim.encode()).await;
    assert_eq!(outcome(&net, deploying).await, (true, U256::ONE));
    assert_eq!(net.provider.get_code_at(pointer).await.unwrap(), stored[..]);
}

/// Puts code at an address of its own, past the limit of what `deployer` assembles.
async fn place(net: &Net, code: Vec<u8>) -> Address {
    let address = Address::repeat_byte(0xc0);
    net.call("anvil_setCode", json!([address, Bytes::from(code)])).await;
    address
}

#[tokio::test]
async fn a_query_tells_the_price_and_what_is_left() {
    let net = Net::start().await;
    let query = request(&net, EXECUTE, Bytes::new());
    let answer = net.provider.call(query).latest().await.unwrap();
    let head = net.provider.get_block_by_number(0.into()).await.unwrap().unwrap();
    let base_fee = head.header.base_fee_per_gas.unwrap();
    assert_eq!(U256::from_be_slice(&answer[..32]), U256::from(base_fee.div_ceil(64)));
    assert_eq!(U256::from_be_slice(&answer[32..]), U256::from(1 << 25));
    // So do a trace, and a simulated block with that base fee, also to calls that offer none.
    let free = json!({ "to": EXECUTE, "input": "0x" });
    let tracer = json!({ "tracer": "callTracer" });
    let trace = net.call("debug_traceCall", json!([free, "latest", tracer])).await;
    assert_eq!(trace["output"], answer.to_string());
    let fee = json!({ "baseFeePerGas": U256::from(base_fee) });
    let block = json!({ "blockOverrides": fee, "calls": [free] });
    let blocks =
        net.call("eth_simulateV1", json!([{ "blockStateCalls": [block] }, "latest"])).await;
    assert_eq!(blocks[0]["calls"][0]["returnData"], answer.to_string());
}

#[tokio::test]
async fn the_meter_of_a_block_goes_one_way() {
    let net = Net::start().await;
    let (reverting, _) = deploy(&net, &relay(REVERT)).await;
    let (relay, _) = deploy(&net, &relay(STOP)).await;
    net.call("evm_setAutomine", json!([false])).await;
    let half = Claim::nonsense(1 << 24).encode();
    let calls =
        [(reverting, half.clone()), (relay, half.clone()), (relay, Claim::nonsense(1).encode())];
    let mut pending = Vec::new();
    for (to, data) in calls {
        pending.push(net.provider.send_transaction(request(&net, to, data)).await.unwrap());
    }
    // Calls and estimates in between count on meters of their own.
    for _ in 0..3 {
        let call = net.provider.call(request(&net, EXECUTE, half.clone())).await.unwrap();
        assert_eq!(U256::from_be_slice(&call), U256::ZERO);
        net.provider.estimate_gas(request(&net, EXECUTE, half.clone())).await.unwrap();
    }
    net.call("evm_mine", json!([])).await;
    let statuses = [false, true, true];
    for (pending, status) in pending.into_iter().zip(statuses) {
        let receipt = pending.get_receipt().await.unwrap();
        assert_eq!(receipt.block_number, Some(3));
        assert_eq!(receipt.status(), status);
    }
    assert_eq!(outcome(&net, relay).await, (false, U256::ZERO), "the third call was over");
    let excess = slot(&net, EXECUTE, 0).await;
    assert_eq!(excess, U256::from((1 << 25) - (1 << 23)));
    assert_eq!(net.provider.get_transaction_count(EXECUTE).await.unwrap(), 1);

    net.call("evm_setAutomine", json!([true])).await;
    send(&net, relay, Bytes::new()).await;
    assert_eq!(slot(&net, relay, 2).await, U256::from(1 << 25), "a new block, a new meter");
    assert_eq!(slot(&net, EXECUTE, 0).await, excess - U256::from(1 << 23));
}

#[tokio::test]
async fn a_pointer_stays_cold() {
    let net = Net::start().await;
    let (claim, _) = Claim::pointing(|part| {
        let mut code = vec![0];
        code.extend_from_slice(&part);
        place(&net, code)
    })
    .await;
    // calldatacopy; pop(staticcall(gas, 0x0101, ..)); g = gas; pop(extcodesize(0xc0..)); return g - gas
    let mut code = vec![0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x61, 0x01, 0x01, 0x5a];
    code.extend_from_slice(&[0xfa, 0x50, 0x5a, 0x73]);
    code.extend_from_slice(&[0xc0; 20]);
    code.extend_from_slice(&[0x3b, 0x50, 0x5a, 0x90, 0x03, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    let (probe, _) = deploy(&net, &code).await;
    let answer = net.provider.call(request(&net, probe, claim.encode())).await.unwrap();
    // PUSH20, EXTCODESIZE cold, POP, GAS.
    assert_eq!(U256::from_be_slice(&answer), U256::from(3 + 2_600 + 2 + 2));
}
