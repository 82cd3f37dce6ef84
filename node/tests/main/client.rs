//! The L1 client: retries, deadlines, checks.

use std::time::Duration;

use recourse_node::{
    Severity,
    l1::{L1Client, L1Error, RetryPolicy},
};

use crate::support::{FakeL1, quick};

#[tokio::test]
async fn rate_limits_and_server_errors_are_retried() {
    let l1 = FakeL1::start().await;
    l1.chain().faults.extend([429, 500, 503, 502]);
    assert_eq!(l1.client().head().await.unwrap().number, 0);
    assert_eq!(l1.chain().count_seen("eth_getBlockByNumber"), 5);
}

#[tokio::test]
async fn the_deadline_ends_retries() {
    let l1 = FakeL1::start().await;
    l1.chain().faults.extend([500; 100]);
    let retry = RetryPolicy { deadline: Duration::ZERO, ..quick() };
    let client = L1Client::new(l1.url(), retry).unwrap();
    let error = client.head().await.unwrap_err();
    assert!(matches!(error, L1Error::Unavailable { .. }), "{error:?}");
    assert_eq!(error.severity(), Severity::Temporary);
}

#[tokio::test]
async fn a_refusal_is_not_retried() {
    let l1 = FakeL1::start().await;
    let error = l1.client().request::<_, String>("eth_fancy", ()).await.unwrap_err();
    assert!(matches!(error, L1Error::Refused { .. }), "{error:?}");
    assert_eq!(l1.chain().count_seen("eth_fancy"), 1);
}

#[tokio::test]
async fn not_there_yet_is_not_an_error() {
    let l1 = FakeL1::start().await;
    assert_eq!(l1.client().block(5).await.unwrap(), None);
    assert_eq!(l1.client().finalized().await.unwrap(), None);
}

#[tokio::test]
async fn the_right_deployment_passes_and_any_difference_is_critical() {
    let l1 = FakeL1::start().await;
    let right = l1.chain().rollup.clone();
    l1.client().check(&right).await.unwrap();
    let mut wrong = vec![right.clone(); 6];
    wrong[0].l1_chain_id += 1;
    wrong[1].periods.response_period += 1;
    wrong[2].limits.arity -= 1;
    wrong[3].l2.gas_limit += 1;
    wrong[4].genesis.checkpoint.timestamp += 1;
    wrong[5].limits.force_fee += alloy_primitives::U256::ONE;
    for config in wrong {
        let error = l1.client().check(&config).await.unwrap_err();
        assert!(matches!(error, L1Error::Mismatch { .. }), "{error:?}");
        assert_eq!(error.severity(), Severity::Critical);
    }
}

#[test]
fn only_http_urls_are_endpoints() {
    for url in ["", "localhost:8545", "ws://localhost", "file:///x"] {
        assert!(matches!(L1Client::new(url, quick()), Err(L1Error::Url { .. })), "{url}");
    }
}
