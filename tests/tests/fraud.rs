//! Each kind of fraud, caught by a watchtower and settled by L1. Honest claims confirm beside it.

use recourse_protocol::bindings::IRollup::{self, Challenged, Died, SegmentRevealed, StepProven};
use recourse_tests::{Daemon, Lie, Network, NetworkOptions, PATIENCE, Role, wait_for};

use crate::network::executable;

/// An L1, an honest proposer, an honest watchtower, and a batch with one of everything.
pub(crate) struct Scene {
    pub(crate) network: Network,
    _proposer: Daemon,
    _challenger: Daemon,
    _folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn set(options: NetworkOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::start(executable(), folder.path(), &options).await.unwrap();
        network.append_a_bit_of_everything().await.unwrap();
        let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
        let challenger = network.challenger("challenger", Role::Challenger).await.unwrap();
        Self { network, _proposer: proposer, _challenger: challenger, _folder: folder }
    }
}

/// How a false claim has to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// EXECUTE or the step function showed that it is false.
    Proven,
    /// It said more than its batch holds: no step needs to be proven for that.
    Beyond,
    /// Nobody answered for it.
    Timeout,
}

pub(crate) async fn caught(lie: Lie, options: NetworkOptions, death: Death) {
    let arity = options.arity.0;
    let scene = Scene::set(options).await;
    let network = &scene.network;
    let rollup = network.config().contracts.rollup;
    let _cheat = network.cheat("cheat", Role::Cheat, lie).await.unwrap();
    let claim = network.claim_of(Role::Cheat).await.unwrap().event;
    let wallet = network.l1_wallet(Role::User).unwrap();
    if death == Death::Timeout {
        wait_for("a challenge", PATIENCE, || async {
            let challenges = wallet.events::<Challenged>(rollup).await?;
            Ok(challenges.into_iter().find(|seen| seen.event.attempt == claim.attempt))
        })
        .await
        .unwrap();
        network.pass_response().await.unwrap();
    }

    let fate = network.fate_of(claim.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Dead as u8);
    // A node may know the new state a moment before it can be asked for the logs.
    let deaths = wait_for("the event of its death", PATIENCE, || async {
        let deaths = wallet.events::<Died>(rollup).await?;
        let told = deaths.iter().any(|seen| seen.event.attempt == claim.attempt);
        Ok(told.then_some(deaths))
    })
    .await
    .unwrap();
    let died = deaths.iter().find(|seen| seen.event.attempt == claim.attempt).unwrap();
    let watchtower = Role::Challenger.signer().unwrap().address();
    assert_eq!(died.event.byTimeout, death == Death::Timeout);
    assert_eq!(died.event.beneficiary, watchtower);
    assert_eq!(died.event.reward + died.event.burnt, fate.bond, "all of the bond is gone");
    assert!(died.event.burnt >= died.event.reward, "at least half is burnt");
    let proven = wallet.events::<StepProven>(rollup).await.unwrap();
    assert_eq!(proven.len(), usize::from(death == Death::Proven));
    let reveals = wallet.events::<SegmentRevealed>(rollup).await.unwrap();
    match (death, arity) {
        (Death::Timeout, _) => assert_eq!(reveals.len(), 0),
        (_, 4095) => assert_eq!(reveals.len(), 1, "one reveal is enough"),
        // log2 and log4 of about forty steps.
        (_, arity) => assert!(reveals.len() >= if arity == 2 { 5 } else { 3 }, "{reveals:?}"),
    }
    for step in proven {
        assert_eq!(step.transaction, died.transaction, "proven and killed in one transaction");
    }

    let honest = network.claim_of(Role::Proposer).await.unwrap().event;
    network.pass_window().await.unwrap();
    let fate = network.fate_of(honest.attempt).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Confirmed as u8);
    assert_eq!(deaths.len(), 1, "nothing else died");
}

async fn caught_by_proof(lie: Lie) {
    caught(lie, NetworkOptions::default(), Death::Proven).await;
}

#[tokio::test]
async fn a_wrong_state_root_in_a_transfer() {
    caught_by_proof(Lie::WrongStateRoot).await;
}

#[tokio::test]
async fn a_wrong_gas() {
    caught_by_proof(Lie::WrongGas).await;
}

#[tokio::test]
async fn a_skipped_transaction() {
    caught_by_proof(Lie::SkippedTransaction).await;
}

#[tokio::test]
async fn an_invalid_transaction_executed() {
    caught_by_proof(Lie::InvalidExecuted).await;
}

#[tokio::test]
async fn a_wrong_base_fee() {
    caught_by_proof(Lie::WrongBaseFee).await;
}

#[tokio::test]
async fn a_wrong_timestamp() {
    caught_by_proof(Lie::WrongTimestamp).await;
}

#[tokio::test]
async fn a_wrong_view() {
    caught_by_proof(Lie::WrongView).await;
}

#[tokio::test]
async fn a_wrong_seal() {
    caught_by_proof(Lie::WrongSeal).await;
}

#[tokio::test]
async fn a_wrong_end_of_batch() {
    caught_by_proof(Lie::WrongBatchEnd).await;
}

#[tokio::test]
async fn too_few_steps() {
    caught_by_proof(Lie::TooFewSteps).await;
}

#[tokio::test]
async fn too_many_steps() {
    caught(Lie::TooManySteps, NetworkOptions::default(), Death::Beyond).await;
}

#[tokio::test]
async fn a_cheat_that_never_reveals() {
    caught(Lie::Silent, NetworkOptions::default(), Death::Timeout).await;
}

#[tokio::test]
async fn a_cheat_that_reveals_garbage() {
    caught_by_proof(Lie::Garbage).await;
}

#[tokio::test]
async fn classic_bisection_finds_it_too() {
    let options = NetworkOptions { arity: (2, 24), ..NetworkOptions::default() };
    caught(Lie::WrongStateRoot, options, Death::Proven).await;
}

#[tokio::test]
async fn a_small_arity_finds_it_too() {
    let options = NetworkOptions { arity: (4, 12), ..NetworkOptions::default() };
    caught(Lie::WrongGas, options, Death::Proven).await;
}
