//! What no question buys: more gas than a block's, more memory than a trace may take.

use alloy_primitives::{Address, Bytes, U256};
use serde_json::{Value, json};

use crate::harness::Net;

/// GAS PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
const GAS: &[u8] = &[0x5a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
/// GASLIMIT PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
const GAS_LIMIT: &[u8] = &[0x45, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
/// Goes round until it has no more gas.
const LOOP: &[u8] = &[0x5b, 0x5f, 0x56];
/// Calls 0x99, where nothing is, with a mebibyte of memory, over and over.
const CALLS: &[u8] = &[
    0x5b, 0x5f, 0x5f, 0x62, 0x10, 0x00, 0x00, 0x5f, 0x5f, 0x60, 0x99, 0x5a, 0xf1, 0x50, 0x5f, 0x56,
];
/// Reads slot after slot.
const READS: &[u8] = &[0x5f, 0x5b, 0x80, 0x54, 0x50, 0x60, 0x01, 0x01, 0x60, 0x01, 0x56];
/// Goes round with 64 KiB of memory.
const MEMORY: &[u8] = &[0x5f, 0x62, 0x00, 0xff, 0xff, 0x53, 0x5b, 0x60, 0x06, 0x56];

fn contract() -> Address {
    Address::repeat_byte(0x55)
}

fn coded(code: &'static [u8]) -> Value {
    json!({ contract().to_string(): { "code": Bytes::from_static(code) } })
}

#[tokio::test]
async fn an_overridden_gas_limit_is_seen_and_buys_no_gas() {
    let net = Net::start().await;
    let most = net.call("eth_getBlockByNumber", json!(["latest", false])).await;
    let most = U256::from_str_radix(&most["gasLimit"].as_str().unwrap()[2..], 16).unwrap();
    assert!(most > U256::from(50_000_000), "a block has more than a call by default");
    let block = json!({ "gasLimit": "0xffffffffffffffff" });
    let word = |value: Value| -> U256 { value.as_str().unwrap().parse().unwrap() };
    for gas in [json!(null), json!("0xffffffffffffffff")] {
        let call = json!({ "to": contract(), "gas": gas });
        let params = |code| json!([call, "latest", coded(code), block]);
        assert_eq!(word(net.call("eth_call", params(GAS_LIMIT)).await), U256::from(u64::MAX));
        let left = word(net.call("eth_call", params(GAS)).await);
        assert!(left < most, "{gas}: {left}");
        let options = json!({ "stateOverrides": coded(GAS), "blockOverrides": block, "limit": 1 });
        let trace = net.call("debug_traceCall", json!([call, "latest", options])).await;
        assert_eq!(word(trace["returnValue"].clone()), left, "{gas}");
    }
    // One that lowers it counts, down to what a call has anyway.
    let params = json!([{ "to": contract() }, "latest", coded(GAS), { "gasLimit": "0x1" }]);
    let left = word(net.call("eth_call", params).await);
    assert!(left < U256::from(50_000_000) && left > U256::from(49_900_000), "{left}");
}

#[tokio::test]
async fn a_trace_that_takes_too_much_is_refused() {
    let net = Net::start().await;
    let trace = async |code: &'static [u8], gas: Option<u64>, options: Value| {
        let mut options = options;
        options["stateOverrides"] = coded(code);
        let call = json!({ "to": contract(), "gas": gas.map(|gas| format!("{gas:#x}")) });
        net.try_call("debug_traceCall", json!([call, "latest", options])).await
    };
    let refused = |answer: Result<Value, (i64, String)>| {
        let (code, message) = answer.unwrap_err();
        assert_eq!(code, -32000, "{message}");
        assert!(message.starts_with("the trace takes more than 512 MiB"), "{message}");
    };
    // Steps: all of them are too many, a few are told, and a tracer of calls records none.
    refused(trace(LOOP, None, json!({})).await);
    refused(trace(LOOP, None, json!({ "tracer": "erc7562Tracer" })).await);
    let few = trace(LOOP, None, json!({ "limit": 7 })).await.unwrap();
    assert_eq!(few["structLogs"].as_array().unwrap().len(), 7);
    let short = trace(LOOP, Some(100_000), json!({})).await.unwrap();
    assert!(short["structLogs"].as_array().unwrap().len() > 7);
    let frame = trace(LOOP, None, json!({ "tracer": "callTracer" })).await.unwrap();
    assert_eq!(frame["error"], "out of gas");
    // What calls are given, each a copy.
    refused(trace(CALLS, None, json!({ "tracer": "callTracer" })).await);
    refused(trace(CALLS, None, json!({ "tracer": "flatCallTracer" })).await);
    let both = json!({ "callTracer": {}, "flatCallTracer": {} });
    refused(trace(CALLS, None, json!({ "tracer": "muxTracer", "tracerConfig": both })).await);
    // The storage so far, with each read.
    refused(trace(READS, Some(10_000_000), json!({})).await);
    trace(READS, Some(10_000_000), json!({ "disableStorage": true })).await.unwrap();
    // Memory, with each step.
    refused(trace(MEMORY, Some(200_000), json!({ "enableMemory": true })).await);
    trace(MEMORY, Some(200_000), json!({})).await.unwrap();
}

/// The traces of all transactions of a block are one answer.
#[tokio::test]
async fn a_block_whose_traces_take_too_much_together_is_refused() {
    let net = Net::start().await;
    net.call("evm_setAutomine", json!([false])).await;
    net.call("anvil_setCode", json!([contract(), Bytes::from_static(LOOP)])).await;
    let mut hashes = Vec::new();
    for index in 0..3 {
        let tx = json!({ "from": net.account(index), "to": contract(), "gas": "0x16e360" });
        hashes.push(net.call("eth_sendTransaction", json!([tx])).await);
    }
    net.call("evm_mine", json!([])).await;
    let mined = net.call("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(mined["transactions"].as_array().unwrap().len(), 3);
    // Each takes more than a third of what all may take.
    let one = net.call("debug_traceTransaction", json!([hashes[0]])).await;
    assert!(one["structLogs"].is_array());
    let refused = net.try_call("debug_traceBlockByNumber", json!(["latest", {}])).await;
    let (code, message) = refused.unwrap_err();
    assert_eq!(code, -32000, "{message}");
    assert!(message.starts_with("the trace takes more than 512 MiB"), "{message}");
    net.call("debug_traceBlockByNumber", json!(["latest", { "limit": 9 }])).await;
}
