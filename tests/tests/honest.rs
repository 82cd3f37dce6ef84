//! Honest claims under attack.

use alloy_primitives::{B256, U256};
use recourse_protocol::bindings::IRollup::{self, Challenged, Settled};
use recourse_tests::{Lie, LyingL1, Network, PATIENCE, Role, wait_for};

use crate::{fraud::Scene, network::executable};

/// Challenges a whole claim, true or not; gives the segment's id.
async fn grief(network: &Network, attempt: B256) -> B256 {
    let wallet = network.l1_wallet(Role::Griefer).unwrap();
    let call = IRollup::challengeClaimCall { attempt };
    let bond = network.config().limits.challenge_bond;
    let receipt = wallet.transact(network.config().contracts.rollup, &call, bond).await.unwrap();
    receipt.decoded_log::<Challenged>().unwrap().segmentId
}

async fn revealed(network: &Network, segment: B256) {
    let wallet = network.l1_wallet(Role::Griefer).unwrap();
    let rollup = network.config().contracts.rollup;
    wait_for("the answer to a challenge without cause", PATIENCE, || async {
        let call = IRollup::revealedOfCall { segmentId: segment };
        let revealed = wallet.ask(rollup, &call).await?;
        Ok((!revealed.versionedHash.is_zero()).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_challenge_without_cause_pays_the_honest_owner() {
    let scene = Scene::set(Default::default()).await;
    let network = &scene.network;
    let rollup = network.config().contracts.rollup;
    let claim = network.claim_of(Role::Proposer).await.unwrap().event;
    let segment = grief(network, claim.attempt).await;
    revealed(network, segment).await;
    network.pass_window().await.unwrap();
    let fate = network.fate_of(claim.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Confirmed as u8);
    assert_eq!(U256::from(fate.challengeBonds), network.config().limits.challenge_bond);

    // The owner collects its own bond and the challenger's.
    let wallet = network.l1_wallet(Role::User).unwrap();
    let paid = wait_for("the owner's settlement", PATIENCE, || async {
        let settled = wallet.events::<Settled>(rollup).await?;
        Ok(settled.into_iter().find(|seen| seen.event.id == claim.attempt))
    })
    .await
    .unwrap();
    assert_eq!(paid.event.to, Role::Proposer.signer().unwrap().address());
    assert_eq!(paid.event.paid, U256::from(fate.bond) + U256::from(fate.challengeBonds));
}

#[tokio::test]
async fn a_true_claim_whose_owner_vanished_is_claimed_again() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(executable(), folder.path(), &Default::default()).await.unwrap();
    let rollup = network.config().contracts.rollup;
    network.append_a_bit_of_everything().await.unwrap();
    let vanishing = network.cheat("vanishing", Role::Vanishing, Lie::Vanished).await.unwrap();
    let first = network.claim_of(Role::Vanishing).await.unwrap().event;
    vanishing.kill().await.unwrap();
    let _challenger = network.challenger("challenger", Role::Challenger).await.unwrap();

    let segment = grief(&network, first.attempt).await;
    network.pass_response().await.unwrap();
    let griefer = network.l1_wallet(Role::Griefer).unwrap();
    let call = IRollup::timeoutCall { attempt: first.attempt, segmentId: segment };
    griefer.transact(rollup, &call, U256::ZERO).await.unwrap();
    let fate = network.fate_of(first.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Dead as u8, "nobody answered for it");

    let again = network.claim_of(Role::Challenger).await.unwrap().event;
    assert_eq!(again.content, first.content, "the same truth");
    // And it is defended.
    let segment = grief(&network, again.attempt).await;
    revealed(&network, segment).await;
    network.pass_window().await.unwrap();
    let fate = network.fate_of(again.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Confirmed as u8);
}

#[tokio::test]
async fn a_lying_endpoint_does_not_make_a_watchtower_attack_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(executable(), folder.path(), &Default::default()).await.unwrap();
    let rollup = network.config().contracts.rollup;
    let lying = LyingL1::before(network.l1_url()).await.unwrap();
    let challenger =
        network.challenger_behind("challenger", Role::Challenger, &lying.url()).await.unwrap();
    let to = Role::User.signer().unwrap().address();
    network.deposit(Role::User, to, 1_000_000).await.unwrap();
    // The proposer pokes for the deposit and posts a batch that credits it; its claim is true, and false to whom believes
    // in another deposit.
    let _proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    let wallet = network.l1_wallet(Role::User).unwrap();
    network.append_a_bit_of_everything().await.unwrap();
    let claim = network.claim_of(Role::Proposer).await.unwrap().event;
    let health = format!("{}/health", challenger.url());
    wait_for("the watchtower's alarm", PATIENCE, || async {
        let health: serde_json::Value = reqwest::get(&health).await?.json().await?;
        Ok(health["problems"].to_string().contains("inputs-disputed").then_some(()))
    })
    .await
    .unwrap();
    network.pass_window().await.unwrap();
    let fate = network.fate_of(claim.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Confirmed as u8);
    assert_eq!(wallet.events::<Challenged>(rollup).await.unwrap().len(), 0);
}
