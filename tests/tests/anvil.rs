//! Plain Anvil as L1: everything works there but EXECUTE, which it does not have.

use recourse_protocol::bindings::IRollup::{self, SegmentRevealed};
use recourse_tests::{Anvil, Daemon, Lie, Network, NetworkOptions, PATIENCE, Role, wait_for};

use crate::{
    fraud::{self, Death},
    network::executable,
};

/// Anvil and a network on it; `None` where it is not installed.
async fn plain() -> Option<(Anvil, NetworkOptions)> {
    let Some(program) = Anvil::program() else {
        println!("skipped: anvil is not installed (cargo xtask contracts)");
        return None;
    };
    let args = ["--hardfork", "osaka", "--block-time", "1"];
    let anvil = Anvil::start(&program, &args).await.unwrap();
    let l1 = Some(anvil.url().to_owned());
    Some((anvil, NetworkOptions { l1, ..NetworkOptions::default() }))
}

/// Waits for words in a daemon's log.
async fn says(daemon: &Daemon, words: &str) {
    wait_for(words, PATIENCE, || async {
        let log = std::fs::read_to_string(daemon.log())?;
        Ok(log.contains(words).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_dispute_on_plain_anvil_goes_up_to_the_step_and_says_what_is_missing() {
    let Some((anvil, options)) = plain().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(executable(), folder.path(), &options).await.unwrap();
    network.append_a_bit_of_everything().await.unwrap();
    let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    let challenger = network.challenger("challenger", Role::Challenger).await.unwrap();
    for daemon in [&proposer, &challenger] {
        says(daemon, "this L1 has no EXECUTE: claims and challenges work").await;
    }
    let _cheat = network.cheat("cheat", Role::Cheat, Lie::WrongStateRoot).await.unwrap();
    let claim = network.claim_of(Role::Cheat).await.unwrap().event;
    let wallet = network.l1_wallet(Role::User).unwrap();
    let rollup = network.config().contracts.rollup;
    wait_for("the revealed history of the false claim", PATIENCE, || async {
        let reveals = wallet.events::<SegmentRevealed>(rollup).await?;
        Ok(reveals.into_iter().find(|seen| seen.event.attempt == claim.attempt))
    })
    .await
    .unwrap();
    says(&challenger, "the step can't be proven here").await;
    // Nothing was sent in vain: the claim lives, and nobody else's died.
    let call = IRollup::attemptOfCall { attempt: claim.attempt };
    let attempt = wallet.ask(rollup, &call).await.unwrap();
    assert_eq!(attempt.status as u8, IRollup::Status::Live as u8);
    drop(anvil);
}

#[tokio::test]
async fn what_dies_without_a_step_dies_on_plain_anvil_too() {
    let Some((anvil, options)) = plain().await else { return };
    fraud::caught(Lie::TooManySteps, options, Death::Beyond).await;
    drop(anvil);
}
