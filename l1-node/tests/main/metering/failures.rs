//! What fails the call, what is false, and what either costs.

use alloy::{network::TransactionBuilder, providers::Provider};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};
use recourse_protocol::bindings::{BlockContext, Credit, Trace};
use serde_json::json;

use super::{
    callers::{
        Called, ExecuteCaller, Scene, event, nonsense, once, price_and_left, transfer_cost, word,
    },
    model::{self, LIMIT, TARGET},
};
use crate::claim::Claim;

/// More than anything here costs.
const FORWARDED: u64 = 5_000_000;

fn with_gas(gas: u64, input: impl Into<Bytes>) -> ExecuteCaller::withGasCall {
    ExecuteCaller::withGasCall { gasLimit: U256::from(gas), input: input.into() }
}

/// Envelopes that are nearly right.
fn bad_envelopes() -> Vec<(&'static str, Vec<u8>)> {
    let good = Claim::transfer().encode().to_vec();
    let change = |at: usize, byte: u8| {
        let mut bad = good.clone();
        assert_ne!(bad[at], byte);
        bad[at] = byte;
        bad
    };
    let mut padded =
        Claim { trace: Bytes::from_static(&[1]), ..Claim::transfer() }.encode().to_vec();
    *padded.last_mut().unwrap() = 1;
    vec![
        ("one byte", vec![0]),
        ("the last byte is missing", good[..good.len() - 1].to_vec()),
        ("the last word is missing", good[..good.len() - 32].to_vec()),
        ("one more byte", [&good[..], &[0]].concat()),
        ("one more word", [&good[..], &[0; 32]].concat()),
        ("the offset is another one", change(2 * 32 + 31, 0xa0)),
        ("the offset is huge", change(2 * 32, 0xff)),
        ("the length is one more", change(4 * 32 + 31, good[4 * 32 + 31] + 1)),
        ("the length is huge", change(4 * 32, 0xff)),
        ("gas has 65 bits", change(3 * 32 + 23, 1)),
        ("padding is not zero", padded),
    ]
}

#[tokio::test]
async fn a_bad_envelope_fails_the_call_and_takes_all_gas_forwarded() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    for (name, envelope) in bad_envelopes() {
        let told: Called = scene.told(&with_gas(FORWARDED, envelope)).await;
        assert!(!told.success, "{name}");
        assert!(told.answer.is_empty(), "{name}");
        assert_eq!(told.spent.to::<u64>(), FORWARDED + overhead, "{name}");
    }
    assert_eq!(scene.excess().await, 0);
}

#[tokio::test]
async fn one_gas_too_little_fails_the_call_and_counts_nothing() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let claim = Claim::transfer();
    for (input, cost, answer) in [
        (claim.encode(), transfer_cost(&claim, 0), word(true)),
        (nonsense(LIMIT), model::nonsense(0, LIMIT), word(false)),
        (nonsense(0), 30_000, word(false)),
    ] {
        let txs = vec![
            scene.to_caller(&with_gas(cost - 1, input.clone())),
            scene.to_caller(&once(Bytes::new())),
            scene.to_caller(&with_gas(cost, input)),
        ];
        let receipts = scene.mine(txs).await;
        let short: Called = event(&receipts[0]);
        assert!(!short.success);
        assert_eq!(short.spent.to::<u64>(), cost - 1 + overhead);
        assert_eq!(price_and_left(&event::<Called>(&receipts[1]).answer).1, LIMIT);
        let enough: Called = event(&receipts[2]);
        assert!(enough.success);
        assert_eq!(enough.answer, answer);
        assert_eq!(enough.spent.to::<u64>(), cost + overhead);
    }
    assert_eq!(scene.excess().await, LIMIT - 2 * TARGET);
}

#[tokio::test]
async fn a_query_needs_its_hundred_gas() {
    let scene = Scene::new().await;
    let short: Called = scene.told(&with_gas(99, Bytes::new())).await;
    assert!(!short.success);
    let enough: Called = scene.told(&with_gas(100, Bytes::new())).await;
    assert!(enough.success);
    assert_eq!(enough.answer.len(), 64);
    assert_eq!(enough.spent - short.spent, U256::ONE);
}

/// What [`ExecuteCaller::onceCall`] answers when it is called with this much gas.
async fn outcome(scene: &Scene, gas: u64, input: &Bytes) -> Option<(bool, u64)> {
    let tx = scene.to_caller(&once(input.clone())).with_gas_limit(gas);
    let answer = scene.net.provider.call(tx).await.ok()?;
    let told = ExecuteCaller::onceCall::abi_decode_returns(&answer).unwrap();
    Some((told.success, told.spent.to()))
}

#[tokio::test]
async fn sixty_three_of_sixty_four_parts_may_be_just_enough_or_one_gas_short() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let input = nonsense(LIMIT);
    let cost = model::nonsense(0, LIMIT);
    // The least gas of the transaction with which the call succeeds.
    let (mut low, mut high) = (cost, 2 * cost);
    assert_eq!(outcome(&scene, high, &input).await, Some((true, cost + overhead)));
    while low + 1 < high {
        let middle = low.midpoint(high);
        match outcome(&scene, middle, &input).await {
            Some((true, _)) => high = middle,
            _ => low = middle,
        }
    }
    let short = scene.mine(vec![scene.to_caller(&once(input.clone())).with_gas_limit(low)]).await;
    let told: Called = event(&short[0]);
    assert!(!told.success, "the caller goes on with the 64th that stayed behind");
    assert!(told.answer.is_empty(), "which is no answer, least of all false");
    assert_eq!(told.spent.to::<u64>(), cost - 1 + overhead, "one gas short");
    assert_eq!(scene.excess().await, 0);
    let enough = scene.mine(vec![scene.to_caller(&once(input)).with_gas_limit(high)]).await;
    let told: Called = event(&enough[0]);
    assert_eq!((told.success, told.answer), (true, word(false)));
    assert_eq!(scene.excess().await, LIMIT - TARGET);
}

/// A trace with something of everything, and nothing that makes sense.
fn full_trace() -> Trace {
    Trace {
        context: BlockContext { timestamp: 1_800_000_000, ..Default::default() },
        opens: true,
        seals: true,
        credits: vec![Credit::default(); 2],
        transactions: vec![Bytes::from_static(b"no transaction"); 3],
        maxWitnessBytes: 1 << 20,
        witness: Bytes::from_static(&[0xc2, 0xc0, 0xc0]),
        pointers: (1..=4).map(Address::repeat_byte).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_bad_trace_is_false_and_pays_for_what_decodes() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let whole = full_trace().abi_encode();
    // The pointers come last: a word less is a pointer less.
    let cut = whole[..whole.len() - 32].to_vec();
    let mut dirty = whole.clone();
    let second_pointer = whole.len() - 3 * 32;
    dirty[second_pointer] = 1;
    let trailing = [&whole[..], &[0; 32]].concat();
    let tail = (2 + 3) * 6_000 + 60_000;
    let cases = [
        ("nothing is wrong but what it says", whole.clone(), 4 * 2_600 + tail),
        ("cut", cut, 3 * 2_600 + tail),
        ("an address of 21 bytes", dirty, 2_600 + tail),
        ("a word too much", trailing, 4 * 2_600 + tail),
        ("no trace at all", b"no trace at all".to_vec(), 0),
        ("nothing", Vec::new(), 0),
    ];
    for (name, trace, parts) in cases {
        for gas_used in [0, 77_777] {
            let cost = 30_000 + trace.len() as u64 + parts + model::execution(0, gas_used);
            let (pre, post) = (B256::ZERO, B256::ZERO);
            let claim = Claim { pre, post, trace: trace.clone().into(), gas_used };
            let told = scene.once(claim.encode()).await;
            assert_eq!((told.success, told.answer), (true, word(false)), "{name}");
            assert_eq!(told.spent.to::<u64>(), cost + overhead, "{name}");
        }
    }
}

#[tokio::test]
async fn a_pointer_pays_for_its_bytes_each_time_it_is_named() {
    let scene = Scene::new().await;
    let overhead = scene.overhead().await;
    let stored = [&[0][..], &[0xaa; 100]].concat();
    let delegation = [&[0xef, 1, 0][..], &[0xbb; 20]].concat();
    let codes = [stored, vec![0x5f; 50], delegation];
    for (code, byte) in codes.into_iter().zip(0xd1..) {
        let code = Bytes::from(code);
        scene.net.call("anvil_setCode", json!([Address::repeat_byte(byte), code])).await;
    }
    // Bytes behind the first one: 100 twice, 49, 22, and none of an account without code.
    let pointers: Vec<_> = [0xd1, 0xd1, 0xd2, 0xd3, 0xd4].map(Address::repeat_byte).to_vec();
    let bytes = 100 + 100 + 49 + 22;
    let trace = Trace { pointers, ..Trace::default() }.abi_encode();
    let cost = 30_000 + trace.len() as u64 + bytes + 5 * 2_600;
    let claim = Claim { trace: trace.into(), ..Claim::nonsense(0) };
    let told = scene.once(claim.encode()).await;
    assert_eq!((told.success, told.answer), (true, word(false)));
    assert_eq!(told.spent.to::<u64>(), cost + overhead);
    // With enough for the pointers and not for their bytes it can't run.
    let short: Called = scene.told(&with_gas(cost - 1, claim.encode())).await;
    assert!(!short.success);
}

#[tokio::test]
async fn a_false_answer_has_used_the_capacity() {
    let scene = Scene::new().await;
    let claim = Claim::transfer();
    let lie = Claim { post: claim.pre, ..claim.clone() };
    let txs = [claim, lie].map(|claim| scene.to_caller(&once(claim.encode())));
    let query = scene.to_caller(&once(Bytes::new()));
    let receipts = scene.mine([&txs[..], &[query]].concat()).await;
    assert_eq!(event::<Called>(&receipts[0]).answer, word(true));
    assert_eq!(event::<Called>(&receipts[1]).answer, word(false));
    assert_eq!(price_and_left(&event::<Called>(&receipts[2]).answer).1, LIMIT - 42_000);
}
