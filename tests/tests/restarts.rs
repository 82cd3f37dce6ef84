//! Crashes of the watchtower. It rereads the whole game from L1, so no phase of a dispute may be lost with it.

use std::time::Duration;

use alloy::providers::Provider;
use alloy_primitives::B256;
use recourse_protocol::bindings::{
    IInbox::BatchAppended,
    IRollup::{self, Challenged, Died, SegmentRevealed},
};
use recourse_tests::{Daemon, Lie, Network, NetworkOptions, PATIENCE, Role, wait_for};

use crate::network::executable;

struct Dispute {
    network: Network,
    attempt: B256,
    _cheat: Daemon,
    _folder: tempfile::TempDir,
}

impl Dispute {
    /// A false claim, and no watchtower yet.
    async fn begin() -> Self {
        Self::begin_with(NetworkOptions { arity: (4, 12), ..Default::default() }).await
    }

    async fn begin_with(options: NetworkOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::start(executable(), folder.path(), &options).await.unwrap();
        network.append_a_bit_of_everything().await.unwrap();
        let cheat = network.cheat("cheat", Role::Cheat, Lie::WrongStateRoot).await.unwrap();
        let attempt = network.claim_of(Role::Cheat).await.unwrap().event.attempt;
        Self { network, attempt, _cheat: cheat, _folder: folder }
    }

    async fn watchtower(&self) -> Daemon {
        self.network.challenger("challenger", Role::Challenger).await.unwrap()
    }

    /// Waits for the `count`-th challenge and reveal.
    async fn moves(&self, challenges: usize, reveals: usize) {
        let wallet = self.network.l1_wallet(Role::User).unwrap();
        let rollup = self.network.config().contracts.rollup;
        wait_for("a move", PATIENCE, || async {
            let challenged = wallet.events::<Challenged>(rollup).await?.len();
            let revealed = wallet.events::<SegmentRevealed>(rollup).await?.len();
            Ok((challenged >= challenges && revealed >= reveals).then_some(()))
        })
        .await
        .unwrap();
    }

    async fn is_won(&self) {
        let fate = self.network.fate_of(self.attempt).await.unwrap();
        assert_eq!(fate.status as u8, IRollup::Status::Dead as u8);
    }
}

#[tokio::test]
async fn killed_at_each_phase_of_a_dispute_it_still_wins() {
    let dispute = Dispute::begin().await;
    // Down while the claim was made; killed as soon as it is up, before it can have done anything.
    dispute.watchtower().await.kill().await.unwrap();
    // Killed right after its first challenge; the answer comes while it is down.
    let challenger = dispute.watchtower().await;
    dispute.moves(1, 0).await;
    challenger.kill().await.unwrap();
    dispute.moves(1, 1).await;
    // Killed between the second challenge and its answer.
    let challenger = dispute.watchtower().await;
    dispute.moves(2, 1).await;
    challenger.kill().await.unwrap();
    dispute.moves(2, 2).await;
    // Killed when all that is left is the proof.
    let challenger = dispute.watchtower().await;
    dispute.moves(3, 3).await;
    challenger.kill().await.unwrap();
    let _challenger = dispute.watchtower().await;
    dispute.is_won().await;
}

#[tokio::test]
async fn killed_again_and_again_it_still_wins() {
    let dispute = Dispute::begin().await;
    for round in 0..12u64 {
        let challenger = dispute.watchtower().await;
        // Long enough to do something now and then, and never at the same instant of a move.
        tokio::time::sleep(Duration::from_millis(900 + 370 * round)).await;
        challenger.kill().await.unwrap();
    }
    let _challenger = dispute.watchtower().await;
    dispute.is_won().await;
}

/// L1 serves blobs for weeks, not for ever. What a watchtower saw it keeps: here the blobs of the batch and of the first reveal
/// are gone when it comes up again in the middle of the dispute, and it goes on, up to the proof.
#[tokio::test]
async fn the_blobs_expire_during_the_dispute() {
    let options =
        NetworkOptions { arity: (4, 12), blob_retention: Some(600), ..Default::default() };
    let dispute = Dispute::begin_with(options).await;
    let network = &dispute.network;
    let wallet = network.l1_wallet(Role::User).unwrap();
    let inbox = network.config().contracts.inbox;
    let batch = wallet.events::<BatchAppended>(inbox).await.unwrap().remove(0).transaction;
    let blobs = format!("{}/eth/v1/beacon/blobs/{}", network.l1_url(), slot(network, batch).await);

    let challenger = dispute.watchtower().await;
    dispute.moves(1, 0).await;
    challenger.kill().await.unwrap();
    dispute.moves(1, 1).await;
    wallet.warp(400).await.unwrap();
    let challenger = dispute.watchtower().await;
    dispute.moves(2, 1).await;
    challenger.kill().await.unwrap();
    dispute.moves(2, 2).await;
    assert_eq!(reqwest::get(&blobs).await.unwrap().status(), 200);
    // The second reveal, which it may not have seen, is 300 seconds old then.
    wallet.warp(300).await.unwrap();
    assert_eq!(reqwest::get(&blobs).await.unwrap().status(), 404);

    let rollup = network.config().contracts.rollup;
    assert!(wallet.events::<Died>(rollup).await.unwrap().is_empty());
    let _challenger = dispute.watchtower().await;
    dispute.is_won().await;
}

/// The slot of a transaction's block: a second each, from the first block of this chain, which a fork's is not number 0.
async fn slot(network: &Network, transaction: B256) -> u64 {
    let wallet = network.l1_wallet(Role::User).unwrap();
    let number = wallet.receipt(transaction).await.unwrap().block_number.unwrap();
    let block = wallet.provider().get_block_by_number(number.into()).await.unwrap().unwrap();
    let genesis = format!("{}/eth/v1/beacon/genesis", network.l1_url());
    let genesis: serde_json::Value = reqwest::get(genesis).await.unwrap().json().await.unwrap();
    let start: u64 = genesis["data"]["genesis_time"].as_str().unwrap().parse().unwrap();
    block.header.timestamp - start
}
