//! Blocks that the Python execution specs made (EEST), filled for Osaka, against the block executor: state root, gas and
//! bloom of each. Blobs, which L2 does not have, are a part of the rule set; no block here has requests. More is checked by
//! `cargo xtask vectors` (docs/vectors.md).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::consensus::{Block, TxEnvelope};
use alloy_eips::{eip2718::Encodable2718, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams};
use alloy_primitives::{Address, Bloom, Bytes, U256};
use alloy_rlp::Decodable;
use recourse_execution::{
    BlobRules, GenesisAccount, Recorder, RuleSet, Schedule, State, TxRun,
    block::{BlockBody, BlockExecutor, BlockOutcome, Opening, Sequential},
    parallel::{Parallel, Workers},
};
use recourse_protocol::{
    TxPosition,
    bindings::{BlockContext, Credit},
};
use serde_json::Value;

use crate::vectors;

#[test]
fn official_blocks() {
    let Some(folder) = vectors::find("eest-osaka") else {
        return;
    };
    // Each block by one of these: all numbers of threads come to all kinds of blocks.
    let workers = [2, 1, 4, 8]
        .map(|threads| Arc::new(Workers::new(threads).with_pauses(threads as u64)))
        .to_vec();
    let mut count = Count { workers, ..Count::default() };
    for file in json_files(&folder) {
        let text = fs::read_to_string(&file).unwrap();
        let tests: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        for (name, test) in &tests {
            run(name, test, &mut count);
        }
    }
    println!("{} blocks checked", count.blocks);
    assert!(count.failures.is_empty(), "{} failures: {:#?}", count.failures.len(), count.failures);
    assert!(count.blocks > 6_600);
    let failures: u64 = count.workers.iter().map(|workers| workers.failures()).sum();
    assert!(failures < 100, "{failures} blocks could not be run by many threads");
}

#[derive(Default)]
struct Count {
    workers: Vec<Arc<Workers>>,
    blocks: usize,
    failures: Vec<String>,
}

pub fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(json_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files
}

fn run(name: &str, test: &Value, count: &mut Count) {
    let mut state = State::of(&accounts(&test["pre"])).unwrap();
    let chain = number(&test["config"]["chainid"]);
    for block in test["blocks"].as_array().unwrap() {
        if block.get("expectException").is_some() {
            // An invalid block leaves the state alone; which ones are invalid is a stricter caller's question.
            continue;
        }
        let rlp: Bytes = block["rlp"].as_str().unwrap().parse().unwrap();
        let block = Block::<TxEnvelope>::decode(&mut &rlp[..]).unwrap();
        assert_eq!(block.header.requests_hash, Some(EMPTY_REQUESTS_HASH), "{name}");
        let workers = Arc::clone(&count.workers[count.blocks % count.workers.len()]);
        match check(chain, &state, &block, workers) {
            Ok(after) => state = after,
            Err(why) => {
                count.failures.push(format!("{name}: {why}"));
                return;
            }
        }
        count.blocks += 1;
    }
}

/// Osaka, with blob transactions at this block's price.
fn rules(excess_blob_gas: u64) -> Schedule {
    let params = BlobParams::osaka();
    let blobs = BlobRules {
        base_fee: params.calc_blob_fee(excess_blob_gas),
        max_per_transaction: params.max_blobs_per_tx,
    };
    Schedule::new(RuleSet::OSAKA.with_blobs(blobs), Vec::new())
}

fn check(
    chain: u64,
    state: &State,
    block: &Block<TxEnvelope>,
    workers: Arc<Workers>,
) -> Result<State, String> {
    let header = &block.header;
    let schedule = rules(header.excess_blob_gas.unwrap());
    let executor = Sequential::new(schedule.clone(), u32::MAX);
    let context = BlockContext {
        chainId: chain,
        number: header.number,
        timestamp: header.timestamp,
        gasLimit: header.gas_limit,
        baseFee: U256::from(header.base_fee_per_gas.unwrap()),
        prevRandao: header.mix_hash,
        coinbase: header.beneficiary,
    };
    let withdrawals = block.body.withdrawals.clone().unwrap_or_default();
    let body = BlockBody {
        opening: Some(Opening {
            parent_hash: header.parent_hash,
            anchor: header.parent_beacon_block_root.unwrap(),
        }),
        transactions: block.body.transactions.iter().map(|tx| tx.encoded_2718().into()).collect(),
        credits: Some(
            withdrawals
                .iter()
                .map(|credit| Credit { to: credit.address, amountGwei: credit.amount })
                .collect(),
        ),
    };
    let outcome = executor
        .execute(state, &context, TxPosition::default(), &body)
        .map_err(|error| error.to_string())?;
    let mut bloom = Bloom::ZERO;
    for run in &outcome.runs {
        match run {
            TxRun::NoOp(why) => return Err(format!("invalid: {why}")),
            TxRun::Included(executed) => bloom |= *executed.receipt.logs_bloom(),
        }
    }
    let got = (outcome.position.gas_used_before, bloom, outcome.state.root());
    let expected = (header.gas_used, header.logs_bloom, header.state_root);
    if got != expected {
        return Err(format!(
            "gas {} root {}, expected {} {}",
            got.0, got.2, expected.0, expected.2
        ));
    }
    by_many(&schedule, workers, (state, &context, &body), &outcome)?;
    // The same without the state: EXECUTE needs no more than its witness, and its bound on gas is not noticed.
    let recorded = Recorder::new(&schedule, u32::MAX)
        .piece(state, &context, TxPosition::default(), &body)
        .map_err(|error| error.to_string())?;
    if recorded.state_root != header.state_root {
        return Err(format!("stateless root {}", recorded.state_root));
    }
    Ok(outcome.state)
}

/// Many threads have the result of one.
fn by_many(
    schedule: &Schedule,
    workers: Arc<Workers>,
    (state, context, body): (&State, &BlockContext, &BlockBody),
    expected: &BlockOutcome,
) -> Result<(), String> {
    // With the limit on bytes of state, as nodes run, and without.
    for parallel in [
        Parallel::new(schedule.clone(), u32::MAX, Arc::clone(&workers)),
        Parallel::without_limit(schedule.clone(), workers),
    ] {
        let got = parallel
            .execute(state, context, TxPosition::default(), body)
            .map_err(|error| error.to_string())?;
        if (got.position, got.state.root()) != (expected.position, expected.state.root()) {
            return Err(format!("by many threads: {:?}", got.position));
        }
    }
    Ok(())
}

pub fn accounts(pre: &Value) -> BTreeMap<Address, GenesisAccount> {
    pre.as_object()
        .unwrap()
        .iter()
        .map(|(address, account)| {
            let storage = account["storage"].as_object().unwrap();
            let account = GenesisAccount {
                balance: word(account["balance"].as_str().unwrap()),
                nonce: number(&account["nonce"]),
                code: account["code"].as_str().unwrap().parse().unwrap(),
                storage: storage
                    .iter()
                    .map(|(slot, value)| (word(slot), word(value.as_str().unwrap())))
                    .collect(),
            };
            (address.parse().unwrap(), account)
        })
        .collect()
}

fn word(text: &str) -> U256 {
    text.parse().unwrap()
}

pub fn number(value: &Value) -> u64 {
    word(value.as_str().unwrap()).to()
}
