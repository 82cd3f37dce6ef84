//! JSON-RPC.

use std::sync::{Arc, Mutex};

use alloy::{
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent, SolValue},
};
use alloy_consensus::{Receipt, ReceiptEnvelope, proofs::calculate_receipt_root};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U64, hex};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use recourse_protocol::{
    EXECUTE_ADDRESS,
    bindings::{IBridge, IInbox, IRollup, IStepVerifier},
    genesis_content,
};
use serde_json::{Value, json};

use super::chain::{Block, Chain, FakeLog, Receipts};

type Answer = Result<Value, (i64, &'static str, Option<Bytes>)>;

pub(crate) async fn answer(
    State(chain): State<Arc<Mutex<Chain>>>,
    Json(request): Json<Value>,
) -> Response {
    let mut chain = chain.lock().unwrap();
    let method = request["method"].as_str().unwrap().to_owned();
    chain.seen.push(method.clone());
    if let Some(status) = chain.faults.pop_front() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let id = &request["id"];
    let body = match dispatch(&mut chain, &method, &request["params"]) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message, data)) => {
            let error = json!({ "code": code, "message": message, "data": data });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    };
    Json(body).into_response()
}

fn dispatch(chain: &mut Chain, method: &str, params: &Value) -> Answer {
    match method {
        "eth_chainId" => Ok(json!(U64::from(chain.rollup.l1_chain_id))),
        "eth_getBlockByNumber" => block_by_number(chain, params[0].as_str().unwrap()),
        "eth_getBlockByHash" => {
            let hash: B256 = parse(&params[0]);
            let found = chain.blocks.iter().find(|b| b.at.hash == hash);
            Ok(found.map_or(Value::Null, |found| block(chain, found)))
        }
        "eth_getBlockReceipts" => block_receipts(chain, parse(&params[0])),
        "eth_getCode" => Ok(json!("0x00")),
        "eth_getBalance" => Ok(json!(chain.balance)),
        "eth_getLogs" => logs(chain, &params[0]),
        "eth_call" => call(chain, params),
        "eth_getTransactionCount" => {
            let account: Address = parse(&params[0]);
            let pending = params[1] == "pending";
            let nonce = if pending { chain.pending_nonce(account) } else { chain.nonce(account) };
            Ok(json!(U64::from(nonce)))
        }
        "eth_feeHistory" => Ok(json!({
            "oldestBlock": "0x1",
            "baseFeePerGas": ["0x3b9aca00", "0x3b9aca00"],
            "gasUsedRatio": [0.5],
            "baseFeePerBlobGas": [U64::from(chain.blob_base_fee), U64::from(chain.blob_base_fee)],
            "blobGasUsedRatio": [0.0],
            "reward": [["0x3b9aca00"]],
        })),
        "eth_estimateGas" => match &chain.reverts {
            Some(data) => Err((3, "execution reverted", Some(data.clone()))),
            None => Ok(json!("0x186a0")),
        },
        "eth_sendRawTransaction" => {
            let raw: Bytes = parse(&params[0]);
            chain.submit(&raw).map(|hash| json!(hash)).map_err(|(code, text)| (code, text, None))
        }
        "eth_getTransactionByHash" => {
            let hash: B256 = parse(&params[0]);
            let pending = !chain.hides && chain.mempool.iter().any(|sent| sent.hash == hash);
            let known = pending || chain.mined.contains_key(&hash);
            found(chain, if known { json!({ "hash": hash }) } else { Value::Null })
        }
        "eth_getTransactionReceipt" => found(chain, receipt(chain, parse(&params[0]))),
        _ => Err((-32601, "no such method", None)),
    }
}

/// A transaction or its receipt, or what is said where there is none.
fn found(chain: &Chain, answer: Value) -> Answer {
    match chain.indexing && answer.is_null() {
        true => Err((-32000, "transaction indexing is in progress", None)),
        false => Ok(answer),
    }
}

fn block_by_number(chain: &Chain, tag: &str) -> Answer {
    let number = match tag {
        "latest" => chain.head().number,
        "finalized" => return Err((-32000, "no finality here", None)),
        number => u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap(),
    };
    let found = chain.blocks.get(number as usize);
    Ok(found.map_or(Value::Null, |found| block(chain, found)))
}

fn block(chain: &Chain, block: &Block) -> Value {
    let receipts = envelopes(block);
    let bloom: Bloom = match chain.busy {
        true => Bloom::repeat_byte(0xff),
        false => receipts.iter().fold(Bloom::ZERO, |all, one| all | *one.logs_bloom()),
    };
    json!({
        "number": U64::from(block.at.number),
        "hash": block.at.hash,
        "parentHash": block.at.parent_hash,
        "timestamp": U64::from(block.at.timestamp),
        "logsBloom": bloom,
        "receiptsRoot": calculate_receipt_root(&receipts),
        "transactions": [],
    })
}

fn logs(chain: &Chain, filter: &Value) -> Answer {
    let filter: Filter = serde_json::from_value(filter.clone()).unwrap();
    let hash = filter.get_block_hash();
    let from = filter.get_from_block().unwrap_or(0);
    let to = filter.get_to_block().unwrap_or(u64::MAX);
    if hash.is_none() && to - from >= chain.longest_range {
        return Err((-32000, "range too long", None));
    }
    if hash.is_some_and(|hash| chain.blocks.iter().all(|block| block.at.hash != hash)) {
        return Err((-32000, "unknown block", None));
    }
    let mut found = Vec::new();
    for block in &chain.blocks {
        let wanted = hash.map_or((from..=to).contains(&block.at.number), |h| h == block.at.hash);
        let hidden = if hash.is_some() { chain.unindexed } else { chain.forgetful };
        if wanted && !hidden {
            found.extend(block.logs.iter().enumerate().map(|(index, l)| log(block, index, l)));
        }
    }
    Ok(Value::Array(found))
}

fn log(block: &Block, index: usize, log: &FakeLog) -> Value {
    json!({
        "address": log.address,
        "topics": log.data.topics(),
        "data": log.data.data,
        "blockNumber": U64::from(block.at.number),
        "blockHash": block.at.hash,
        "transactionHash": B256::repeat_byte(index as u8 + 1),
        "transactionIndex": "0x0",
        "logIndex": U64::from(index),
        "removed": false,
    })
}

/// One transaction without events, and one that made all there are.
fn envelopes(block: &Block) -> Vec<ReceiptEnvelope> {
    let logs = block.logs.iter().map(|log| Log { address: log.address, data: log.data.clone() });
    let made = |gas: u64, logs: Vec<Log>| {
        let receipt = Receipt { status: true.into(), cumulative_gas_used: gas, logs };
        ReceiptEnvelope::Eip1559(receipt.with_bloom())
    };
    vec![made(21_000, Vec::new()), made(100_000, logs.collect())]
}

fn block_receipts(chain: &Chain, hash: B256) -> Answer {
    let block = chain.blocks.iter().find(|block| block.at.hash == hash);
    let Some(block) = block.filter(|_| chain.receipts != Receipts::Null) else {
        return Ok(Value::Null);
    };
    match chain.receipts {
        Receipts::NotServed => return Err((-32601, "no such method", None)),
        Receipts::Refused => return Err((-32000, "no receipts", None)),
        Receipts::Empty => return Ok(json!([])),
        Receipts::Whole | Receipts::Null => {}
    }
    let receipts = envelopes(block).into_iter().enumerate().map(|(index, receipt)| {
        let events = if index == 1 { &block.logs[..] } else { &[] };
        let logs = events.iter().enumerate().map(|(index, event)| log(block, index, event));
        json!({
            "type": "0x2",
            "status": "0x1",
            "transactionHash": B256::repeat_byte(index as u8 + 1),
            "transactionIndex": U64::from(index),
            "blockHash": block.at.hash,
            "blockNumber": U64::from(block.at.number),
            "from": Address::ZERO,
            "to": Address::ZERO,
            "cumulativeGasUsed": U64::from(receipt.cumulative_gas_used()),
            "gasUsed": "0x5208",
            "effectiveGasPrice": "0x1",
            "contractAddress": null,
            "logs": logs.collect::<Vec<_>>(),
            "logsBloom": receipt.logs_bloom(),
        })
    });
    Ok(Value::Array(receipts.collect()))
}

fn receipt(chain: &Chain, hash: B256) -> Value {
    let (Some(sent), Some(block)) = (chain.mined.get(&hash), chain.block_of_transaction(hash))
    else {
        return Value::Null;
    };
    json!({
        "type": "0x2",
        "status": if sent.succeeds { "0x1" } else { "0x0" },
        "transactionHash": hash,
        "transactionIndex": "0x0",
        "blockHash": block.at.hash,
        "blockNumber": U64::from(block.at.number),
        "from": sent.from,
        "to": Address::ZERO,
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1",
        "contractAddress": null,
        "logs": [],
        "logsBloom": hex::encode_prefixed([0u8; 256]),
    })
}

fn call(chain: &Chain, params: &Value) -> Answer {
    // A query of EXECUTE: its price, and what is left.
    if parse::<Address>(&params[0]["to"]) == EXECUTE_ADDRESS {
        return Ok(json!(Bytes::from(vec![0; 64])));
    }
    let to: Address = parse(&params[0]["to"]);
    let input: Bytes = parse(&params[0]["input"]);
    let last = match params[1].get("blockHash") {
        Some(hash) => {
            let hash: B256 = parse(hash);
            let at = chain.blocks.iter().find(|block| block.at.hash == hash);
            at.ok_or((-32000, "unknown block", None))?.at.number
        }
        None => chain.head().number,
    };
    let selector: [u8; 4] = input[..4].try_into().unwrap();
    let contracts = &chain.rollup.contracts;
    let answer = if to == contracts.inbox {
        inbox(chain, last, selector, &input)
    } else if to == contracts.verifier {
        verifier(chain)
    } else if to == contracts.bridge {
        bridge(chain)
    } else {
        rollup(chain, last, selector, &input)
    };
    Ok(json!(Bytes::from(answer)))
}

fn inbox(chain: &Chain, last: u64, selector: [u8; 4], input: &[u8]) -> Vec<u8> {
    let count = |topic: B256| events(chain, last, topic).len() as u64;
    match selector {
        IInbox::batchCountCall::SELECTOR => {
            count(IInbox::BatchAppended::SIGNATURE_HASH).abi_encode()
        }
        IInbox::viewCountCall::SELECTOR => count(IInbox::ViewRecorded::SIGNATURE_HASH).abi_encode(),
        IInbox::forcedCountCall::SELECTOR => count(IInbox::Forced::SIGNATURE_HASH).abi_encode(),
        IInbox::depositCountCall::SELECTOR => count(IInbox::Deposited::SIGNATURE_HASH).abi_encode(),
        IInbox::batchHashCall::SELECTOR => {
            let index = IInbox::batchHashCall::abi_decode(input).unwrap().index;
            let batches = events(chain, last, IInbox::BatchAppended::SIGNATURE_HASH);
            let log = index.checked_sub(1).and_then(|index| batches.get(index as usize));
            log.map_or(B256::ZERO, |log| log.data.topics()[2]).abi_encode()
        }
        IInbox::configCall::SELECTOR => IInbox::Config {
            sequencer: Address::ZERO,
            forceDelay: chain.rollup.periods.force_delay,
            forceFee: chain.rollup.limits.force_fee,
            minDepositGwei: chain.rollup.limits.min_deposit_gwei,
            gasToken: Address::ZERO,
            bridge: chain.rollup.contracts.bridge,
        }
        .abi_encode(),
        _ => Vec::new(),
    }
}

fn events(chain: &Chain, last: u64, topic: B256) -> Vec<&FakeLog> {
    let blocks = chain.blocks.iter().filter(|block| block.at.number <= last);
    blocks.flat_map(|block| &block.logs).filter(|log| log.data.topics()[0] == topic).collect()
}

fn verifier(chain: &Chain) -> Vec<u8> {
    IStepVerifier::Config {
        inbox: chain.rollup.contracts.inbox,
        chainId: chain.rollup.l2.chain_id,
        gasLimit: chain.rollup.l2.gas_limit,
        blockTime: chain.rollup.l2.block_time,
        maxWitnessBytes: chain.rollup.l2.max_witness_bytes,
    }
    .abi_encode()
}

fn bridge(chain: &Chain) -> Vec<u8> {
    IBridge::Config {
        rollup: chain.rollup.contracts.rollup,
        withdrawalDelay: chain.rollup.periods.withdrawal_delay,
    }
    .abi_encode()
}

fn rollup(chain: &Chain, last: u64, selector: [u8; 4], input: &[u8]) -> Vec<u8> {
    let genesis = genesis_content(chain.rollup.genesis.checkpoint.h248()).0;
    let limits = &chain.rollup.limits;
    match selector {
        IRollup::configCall::SELECTOR => IRollup::Config {
            inbox: chain.rollup.contracts.inbox,
            verifier: chain.rollup.contracts.verifier,
            chunkStore: chain.rollup.contracts.chunk_store,
            arity: limits.arity,
            levels: limits.levels,
            challengeWindow: chain.rollup.periods.challenge_window,
            responsePeriod: chain.rollup.periods.response_period,
            claimBond: limits.claim_bond.to(),
            challengeBond: limits.challenge_bond.to(),
            chunkReward: limits.chunk_reward.to(),
        }
        .abi_encode(),
        IRollup::contentOfCall::SELECTOR => {
            let content = IRollup::contentOfCall::abi_decode(input).unwrap().content;
            IRollup::Content { confirmed: content == genesis, ..Default::default() }.abi_encode()
        }
        IRollup::tipCall::SELECTOR => {
            let confirmed = events(chain, last, IRollup::Confirmed::SIGNATURE_HASH);
            confirmed.last().map_or(genesis, |log| log.data.topics()[2]).abi_encode()
        }
        _ => Vec::new(),
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}
