//! The same stories on a fork of a chain that nobody here wrote: Anvil's, with a token on it that pays for L2's gas.

use recourse_tests::{Anvil, ForkOf, Lie, NetworkOptions, Upstream};

use crate::{bridge, fraud, messages};

/// Anvil and what forks it; `None` where it is not installed.
async fn forked() -> Option<(Upstream, NetworkOptions)> {
    let Some(program) = Anvil::program() else {
        println!("skipped: anvil is not installed (cargo xtask contracts)");
        return None;
    };
    let upstream = Upstream::start(&program).await.unwrap();
    let fork = ForkOf { url: upstream.url().to_owned(), gas_token: upstream.token() };
    Some((upstream, NetworkOptions { fork: Some(fork), ..NetworkOptions::default() }))
}

#[tokio::test]
async fn a_fraud_is_settled_on_a_fork_of_anvil() {
    let Some((upstream, options)) = forked().await else { return };
    fraud::caught(Lie::WrongStateRoot, options, fraud::Death::Proven).await;
    drop(upstream);
}

#[tokio::test]
async fn a_token_of_the_forked_chain_goes_to_l2_and_comes_back() {
    let Some((upstream, options)) = forked().await else { return };
    bridge::a_token_is_the_gas_of_l2(options).await;
    drop(upstream);
}

#[tokio::test]
async fn what_was_written_on_the_fork_is_proven_on_l2() {
    let Some((upstream, options)) = forked().await else { return };
    messages::proven_on_l2(options).await;
    drop(upstream);
}
