//! A representative part of EEST's blocks as payloads: the first block of one test of each file, and of each test that begins
//! with an invalid block. All of them: `cargo xtask vectors`.

use std::{collections::BTreeMap, fs};

use alloy::consensus::{Block, Header, TxEnvelope};
use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use recourse_execution::{
    State,
    payload::{
        Beside, BlockRules, BlockSchedule, ChainKind, ExecutionWitness,
        MAX_WITHDRAWALS_PER_PAYLOAD, NotOnL2, PayloadError, ProtocolFork, stateless_input,
        validate, witness_of,
    },
};
use serde_json::Value;

use super::OSAKA;
use crate::{
    blocks_official::{accounts, json_files, number},
    vectors,
};

#[derive(Debug, Default)]
struct Count {
    valid: usize,
    of_l2: usize,
    refused: usize,
    no_place: usize,
}

#[test]
fn official_blocks_as_payloads() {
    let Some(folder) = vectors::find("eest-osaka") else {
        return;
    };
    let mut count = Count::default();
    for file in json_files(&folder) {
        let text = fs::read_to_string(&file).unwrap();
        let tests: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        let mut valid_one = true;
        for (name, test) in &tests {
            let first = &test["blocks"][0];
            let invalid = first.get("expectException").is_some();
            let other = test["network"] != "Osaka";
            if !other && (invalid || std::mem::take(&mut valid_one)) {
                run(name, test, &first["rlp"], invalid, &mut count);
            }
        }
    }
    println!("{count:?}");
    assert!(count.valid > 200 && count.of_l2 > 180 && count.refused > 800, "{count:?}");
    assert!(count.no_place < 3, "{count:?}");
}

fn run(name: &str, test: &Value, rlp: &Value, invalid: bool, count: &mut Count) {
    let bytes = |value: &Value| -> Bytes { value.as_str().unwrap().parse().unwrap() };
    let Ok(block) = Block::<TxEnvelope>::decode(&mut &bytes(rlp)[..]) else {
        assert!(invalid, "{name}");
        return;
    };
    let withdrawals = block.body.withdrawals.iter().flatten().count();
    if withdrawals > MAX_WITHDRAWALS_PER_PAYLOAD {
        count.no_place += 1;
        return;
    }
    let parent = Block::<TxEnvelope>::decode(&mut &bytes(&test["genesisRLP"])[..]).unwrap().header;
    let state = State::of(&accounts(&test["pre"])).unwrap();
    let chain_id = number(&test["config"]["chainid"]);
    let ask = |kind| ask(&state, &parent, &block, chain_id, kind);
    let (l1, l2) = (ask(ChainKind::L1), ask(ChainKind::L2));
    if invalid {
        assert!(l1.is_err() && l2.is_err(), "{name} is valid");
        count.refused += 1;
        return;
    }
    assert_eq!(l1, Ok(()), "{name}");
    count.valid += 1;
    match l2 {
        Ok(()) => count.of_l2 += 1,
        Err(why) => {
            let blobs =
                block.header.excess_blob_gas != Some(0) || block.header.blob_gas_used != Some(0);
            let expected = if blobs { NotOnL2::Blobs } else { NotOnL2::Withdrawals };
            assert_eq!(why, expected.into(), "{name}");
        }
    }
}

fn ask(
    state: &State,
    parent: &Header,
    block: &Block<TxEnvelope>,
    chain_id: u64,
    kind: ChainKind,
) -> Result<(), PayloadError> {
    let rules = BlockRules::of(ProtocolFork::Osaka);
    // An invalid block may lie about its gas; its witness is that of any amount.
    let mut longer = block.clone();
    longer.header.gas_used = longer.header.gas_limit;
    let headers = std::slice::from_ref(parent);
    let witness = witness_of(state, headers, &longer, &rules, (ChainKind::L1, chain_id));
    let witness = witness.unwrap_or_else(|_| ExecutionWitness {
        headers: vec![alloy_rlp::encode(parent).try_into().unwrap()].try_into().unwrap(),
        ..ExecutionWitness::default()
    });
    let beside = Beside { chain_id, witness, ..Beside::default() };
    let input = stateless_input(block, beside).unwrap();
    validate(OSAKA, &input, &BlockSchedule::osaka(), kind)
}
