//! `eth_estimateGas` of transactions that call EXECUTE.

use alloy::{network::TransactionBuilder, providers::Provider, rpc::types::TransactionRequest};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolError};
use recourse_protocol::bindings::{IStepVerifier, Trace};

use super::{
    callers::{Called, EXECUTE, MOST_GAS, Scene, StrictCaller, create, event, nonsense, once},
    model::{self, LIMIT},
};
use crate::{claim::Claim, harness::Net};

/// A scene, and a caller that takes nothing but "true".
async fn strict() -> (Scene, Address) {
    let net = Net::start().await;
    let strict = create(&net, StrictCaller::BYTECODE.clone()).await;
    (Scene::on(net).await, strict)
}

fn run(claim: &Claim) -> Bytes {
    let trace = <Trace as alloy_sol_types::SolValue>::abi_decode(&claim.trace).unwrap();
    // The bindings' `Trace` and the artifact's are one tuple.
    let fields = (claim.pre, claim.post, trace, claim.gas_used);
    let mut data = StrictCaller::runCall::SELECTOR.to_vec();
    data.extend(alloy_sol_types::SolValue::abi_encode_params(&fields));
    data.into()
}

fn without_gas(mut tx: TransactionRequest) -> TransactionRequest {
    tx.gas = None;
    tx
}

/// Revert data of a call with this much gas; `None` when it succeeds.
async fn refusal(scene: &Scene, tx: TransactionRequest, gas: u64) -> Option<Bytes> {
    let answer = scene.net.provider.call(tx.with_gas_limit(gas)).await;
    let error = answer.err()?;
    Some(error.as_error_resp().unwrap().as_revert_data().unwrap_or_default())
}

#[tokio::test]
async fn an_estimate_of_a_direct_call_is_exact() {
    let scene = Scene::new().await;
    let claim = Claim::transfer();
    for input in [claim.encode(), nonsense(LIMIT), Bytes::new()] {
        let tx = scene.request(0, EXECUTE, input);
        let estimate = scene.net.provider.estimate_gas(without_gas(tx.clone())).await.unwrap();
        let short = scene.net.provider.call(tx.clone().with_gas_limit(estimate - 1)).await;
        assert!(short.is_err());
        let receipts = scene.mine(vec![tx.with_gas_limit(estimate)]).await;
        assert!(receipts[0].status());
        assert_eq!(receipts[0].gas_used, estimate);
    }
}

#[tokio::test]
async fn a_strict_caller_reverts_loudly_and_so_estimates_right() {
    let (scene, strict) = strict().await;
    let claim = Claim::transfer();
    let tx = scene.request(0, strict, run(&claim));
    let estimate = scene.net.provider.estimate_gas(without_gas(tx.clone())).await.unwrap();
    // The least gas that does, found without estimates.
    let (mut low, mut high) = (21_000, estimate);
    assert_eq!(refusal(&scene, tx.clone(), high).await, None);
    while low + 1 < high {
        let middle = low.midpoint(high);
        match refusal(&scene, tx.clone(), middle).await {
            None => high = middle,
            Some(_) => low = middle,
        }
    }
    let could_not = IStepVerifier::ExecuteCouldNotRun::SELECTOR;
    assert_eq!(refusal(&scene, tx.clone(), low).await.unwrap(), could_not[..]);
    assert!(estimate - high <= estimate / 64, "{estimate} for {high}");
    let receipts = scene.mine(vec![tx.clone().with_gas_limit(low)]).await;
    assert!(!receipts[0].status());
    let receipts = scene.mine(vec![tx.with_gas_limit(estimate)]).await;
    assert!(receipts[0].status());
}

#[tokio::test]
async fn full_and_false_are_two_errors() {
    let (scene, strict) = strict().await;
    let claim = Claim::transfer();
    let lie = Claim { post: claim.pre, ..claim.clone() };
    let refused = |claim| refusal(&scene, scene.request(0, strict, run(claim)), MOST_GAS);
    assert_eq!(refused(&claim).await, None);
    let is_false = IStepVerifier::ExecuteIsFalse::SELECTOR;
    assert_eq!(refused(&lie).await.unwrap(), is_false[..]);
    let over = Claim { gas_used: LIMIT + 1, ..claim.clone() };
    let full =
        IStepVerifier::ExecuteIsFull { left: U256::from(LIMIT), needed: U256::from(LIMIT + 1) };
    assert_eq!(refused(&over).await.unwrap(), full.abi_encode());
    // An estimate says so too, and is no number.
    let tx = without_gas(scene.request(0, strict, run(&lie)));
    let error = scene.net.provider.estimate_gas(tx).await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().as_revert_data().unwrap(), is_false[..]);
    let tx = without_gas(scene.request(0, EXECUTE, nonsense(LIMIT + 1)));
    assert!(scene.net.provider.estimate_gas(tx).await.is_err());
}

/// Who fills a block does not burn the gas of those behind him who ask first, as `Execute.run` does.
#[tokio::test]
async fn a_full_block_costs_who_asks_first_no_gas_of_execution() {
    let (scene, strict) = strict().await;
    let claim = Claim::transfer();
    let filler =
        scene.request(1, EXECUTE, nonsense(LIMIT)).with_max_priority_fee_per_gas(1_000_000_001);
    let behind = scene.request(0, strict, run(&claim)).with_gas_limit(MOST_GAS);
    let receipts = scene.mine(vec![filler, behind]).await;
    assert!(receipts[0].status() && !receipts[1].status());
    // Calldata, and copying it: not the 63/64 of all gas that the failing call would have taken.
    let got = receipts[1].gas_used;
    assert!(got < MOST_GAS / 50, "{got} of {MOST_GAS} gas");
    let again = scene.mine(vec![scene.request(0, strict, run(&claim))]).await;
    assert!(again[0].status(), "the next block has all of it again");
}

#[tokio::test]
async fn a_caller_that_swallows_failures_estimates_too_low() {
    // Documented in docs/execute-gas.md: the transaction succeeds with less, but the call does not.
    let scene = Scene::new().await;
    let tx = scene.to_caller(&once(nonsense(LIMIT)));
    let estimate = scene.net.provider.estimate_gas(without_gas(tx.clone())).await.unwrap();
    let told: Called = event(&scene.mine(vec![tx.clone().with_gas_limit(estimate)]).await[0]);
    assert!(!told.success);
    // A 63rd more than the call's own gas is what its author has to add.
    let told: Called =
        event(&scene.mine(vec![tx.with_gas_limit(estimate + estimate / 63)]).await[0]);
    assert!(told.success);
}

#[tokio::test]
async fn an_estimate_holds_for_the_next_block_and_needs_an_eighth_for_each_full_one_after_it() {
    let (scene, strict) = strict().await;
    scene.set_excess(300_000_000).await;
    let direct = scene.request(0, EXECUTE, nonsense(LIMIT));
    let now = scene.net.provider.estimate_gas(without_gas(direct.clone())).await.unwrap();
    scene.mine(vec![scene.request(1, EXECUTE, nonsense(LIMIT))]).await;
    // A block later the same call costs an eighth of its execution more.
    let receipts = scene.mine(vec![direct.clone().with_gas_limit(now)]).await;
    assert!(!receipts[0].status());
    let later = scene.net.provider.estimate_gas(without_gas(direct)).await.unwrap();
    // The failed one was not counted: one full block up, one empty block down.
    let excess = model::next_excess(model::next_excess(300_000_000, LIMIT), 0);
    assert_eq!(scene.excess().await, excess);
    assert_eq!(later - now, model::execution(excess, LIMIT) - model::execution(300_000_000, LIMIT));
    // A quarter of margin, as the daemons have it, outlives one full block.
    let claim = Claim::transfer();
    let tx = scene.request(0, strict, run(&claim));
    let estimate = scene.net.provider.estimate_gas(without_gas(tx.clone())).await.unwrap();
    scene.mine(vec![scene.request(1, EXECUTE, nonsense(LIMIT))]).await;
    let receipts = scene.mine(vec![tx.with_gas_limit(estimate * 5 / 4)]).await;
    assert!(receipts[0].status());
}
