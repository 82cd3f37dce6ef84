//! The vectors for EXECUTE that this repository publishes, as anybody else would run them: from the files alone.

use std::{collections::BTreeMap, fs};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{SolType, SolValue, sol_data};
use recourse_execution::{
    Claim, GenesisAccount, Recorded, Recorder, Schedule, State, TxRun,
    block::{BlockBody, Opening},
    execute, replay,
};
use recourse_protocol::{TxPosition, bindings::Trace};
use recourse_tests::published::{
    AccountFields, CALLS, CallVector, Court, Reason, STATES, StateVector, TRACES, TraceFields,
    TraceVector, Verdict, folder,
};
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

type Envelope =
    (sol_data::FixedBytes<32>, sol_data::FixedBytes<32>, sol_data::Bytes, sol_data::Uint<64>);

type Accounts = BTreeMap<Address, GenesisAccount>;

fn state(accounts: &BTreeMap<Address, AccountFields>) -> Accounts {
    accounts.iter().map(|(address, account)| (*address, account.into())).collect()
}

#[tokio::test]
async fn the_precompile_answers_every_published_call() {
    let court = Court::open().await.unwrap();
    let calls: Vec<CallVector> = read(CALLS);
    for call in &calls {
        let answer = court.ask(&call.l1, &call.input).await.unwrap();
        let name = &call.name;
        assert_eq!(answer.verdict, call.result, "{name}");
        assert_eq!(answer.output, call.output, "{name}");
        assert_eq!(answer.gas, call.gas, "{name}");
        assert_eq!(answer.gas_left_after, call.gas_left_after, "{name}");
    }
    for verdict in [Verdict::True, Verdict::False, Verdict::Fails, Verdict::Query] {
        assert!(calls.iter().any(|call| call.result == verdict), "{verdict:?}");
    }
}

#[test]
fn execute_agrees_with_every_published_call_that_runs() {
    let runs = |call: &CallVector| matches!(call.result, Verdict::True | Verdict::False);
    for call in read::<Vec<CallVector>>(CALLS).into_iter().filter(runs) {
        let (pre, post, trace, gas_used) = Envelope::abi_decode_params(&call.input).unwrap();
        let claim = Claim { pre, post, trace: &trace, gas_used };
        let codes = |address: Address| call.l1.codes.get(&address).cloned();
        let answer = replay(&claim, &Schedule::osaka(), &codes);
        assert_eq!(answer.as_ref().err().map(Reason::from), call.reason, "{}", call.name);
        let yes = execute(&claim, &Schedule::osaka(), &codes);
        assert_eq!(yes, call.result == Verdict::True, "{}", call.name);
    }
}

#[test]
fn every_reason_has_a_published_call() {
    let calls: Vec<CallVector> = read(CALLS);
    let all = serde_json::from_str::<Vec<Reason>>(
        r#"["OUT_OF_GAS","ENVELOPE_ENCODING","BLOCK_LIMIT","TRACE_ENCODING","CREDITS_WITHOUT_SEAL",
        "POINTER_CODE","WITNESS_ENCODING","BASE_FEE_RANGE","PREDEPLOY_CODE","MISSING_NODE",
        "MISSING_CODE","MALFORMED_NODE","CREDIT_OVERFLOW","GAS_BOUND","GAS_USED","RECEIPT_DIGEST",
        "STATE_ROOT"]"#,
    );
    for reason in all.unwrap() {
        assert!(calls.iter().any(|call| call.reason == Some(reason)), "{reason:?}");
    }
}

#[test]
fn every_published_piece_comes_to_what_it_says() {
    let states: BTreeMap<String, StateVector> = read(STATES);
    let calls: Vec<CallVector> = read(CALLS);
    let calls: BTreeMap<_, _> = calls.iter().map(|call| (call.name.as_str(), call)).collect();
    let pieces: Vec<TraceVector> = read(TRACES);
    assert!(pieces.len() > 50);
    for piece in &pieces {
        let accounts = state(&states[&piece.state].accounts);
        let pre = State::of(&accounts).unwrap();
        assert_eq!(pre.root(), piece.pre_state_root, "{}", piece.name);
        assert_eq!(pre.root(), states[&piece.state].root, "{}", piece.state);
        let recorded = record(&pre, &piece.trace.trace());
        comes_to(piece, &recorded);
        let (pre, post, trace, gas_used) =
            Envelope::abi_decode_params(&calls[piece.name.as_str()].input).unwrap();
        assert_eq!(
            (pre, post, gas_used),
            (piece.pre_state_root, piece.post_state_root, piece.gas_used)
        );
        assert_eq!(trace, Bytes::from(recorded.trace.abi_encode()), "{}", piece.name);
        assert_eq!(State::of(&after(accounts, piece)).unwrap().root(), post, "{}", piece.name);
    }
}

fn record(pre: &State, trace: &Trace) -> Recorded {
    let body = BlockBody {
        opening: trace
            .opens
            .then_some(Opening { parent_hash: trace.parentHash, anchor: trace.anchor }),
        transactions: trace.transactions.clone(),
        credits: trace.seals.then(|| trace.credits.clone()),
    };
    let start = TxPosition {
        gas_used_before: trace.gasUsedBefore,
        receipt_digest_before: trace.receiptDigestBefore,
    };
    let schedule = Schedule::osaka();
    Recorder::new(&schedule, trace.maxWitnessBytes)
        .piece(pre, &trace.context, start, &body)
        .unwrap()
}

fn comes_to(piece: &TraceVector, recorded: &Recorded) {
    let name = &piece.name;
    assert_eq!(recorded.state_root, piece.post_state_root, "{name}");
    assert_eq!(recorded.gas_used, piece.gas_used, "{name}");
    assert_eq!(TraceFields::from(&recorded.trace), piece.trace, "{name}");
    assert_eq!(recorded.witness.nodes.len(), piece.witness.nodes, "{name}");
    assert_eq!(recorded.witness.codes.len(), piece.witness.codes, "{name}");
    assert_eq!(recorded.runs.len(), piece.runs.len(), "{name}");
    for (got, told) in recorded.runs.iter().zip(&piece.runs) {
        assert_eq!(got.gas_used(), told.gas_used, "{name}");
        match got {
            TxRun::NoOp(why) => assert_eq!(Some(why.to_string()), told.invalid, "{name}"),
            TxRun::Included(run) => {
                assert!(told.included && told.exhausted == run.exhausted, "{name}");
                assert_eq!(Bytes::from(run.receipt.encoded_2718()), told.receipt, "{name}");
            }
        }
    }
}

fn after(mut accounts: Accounts, piece: &TraceVector) -> Accounts {
    for (address, account) in &piece.post {
        match account {
            Some(account) => accounts.insert(*address, account.into()),
            None => accounts.remove(address),
        };
    }
    accounts
}
