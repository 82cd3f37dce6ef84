//! A sequencer of the Inbox that censors, is silent, or posts garbage: users get their transactions and deposits in all the same.
//! Whatever it does, within twice FORCE_DELAY and an L1 block; here each way by itself, which takes FORCE_DELAY once.

use alloy::{eips::BlockId, providers::Provider, sol_types::SolError};
use alloy_primitives::{Address, Bytes, U256};
use recourse_protocol::{
    Payload, Periods, TapeWriter,
    bindings::IInbox::{self, BatchAppended},
};
use recourse_tests::{
    Daemon, Network, NetworkOptions, PATIENCE, Role, Wallet, refusal, traffic::raw_transfer,
    wait_for,
};

use crate::network::executable;

const FORCE_DELAY: u64 = 1_200;
const DEPOSITED: u64 = 1_000_000; // gwei
const SENT: u64 = 1_000; // wei
/// Whom the forced transaction pays, and for whom the deposit is.
const PAYEE: Address = Address::repeat_byte(0xaa);
const DEPOSITOR: Address = Address::repeat_byte(0xdd);

/// The attacker alone may append while it is not silent for FORCE_DELAY. An honest proposer looks on, and serves L2.
struct Scene {
    network: Network,
    l1: Wallet,
    proposer: Daemon,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let defaults = NetworkOptions::default();
        let periods = Periods { force_delay: FORCE_DELAY, ..defaults.periods };
        let options = NetworkOptions { periods, sequencer: Some(Role::Cheat), ..defaults };
        let network = Network::start(executable(), folder.path(), &options).await.unwrap();
        let l1 = network.l1_wallet(Role::User).unwrap();
        let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
        Self { network, l1, proposer, _folder: folder }
    }

    /// Forces a transfer and deposits, as somebody whom the sequencer wants to keep out.
    async fn knock(&self) {
        let user = Role::User.signer().unwrap();
        let chain_id = self.network.config().l2.chain_id;
        let raw = raw_transfer(&user, chain_id, 0, PAYEE, SENT).unwrap();
        self.network.force(Role::User, raw).await.unwrap();
        self.network.deposit(Role::User, DEPOSITOR, DEPOSITED).await.unwrap();
    }

    fn l2(&self) -> Wallet {
        Wallet::connect(&self.proposer.url(), Role::User.signer().unwrap()).unwrap()
    }

    /// Whether both are in the L2 that all nodes derive from L1.
    async fn are_in(&self) -> bool {
        let (l2, safe) = (self.l2(), BlockId::safe());
        let payee = l2.provider().get_balance(PAYEE).block_id(safe).await.unwrap();
        let depositor = l2.provider().get_balance(DEPOSITOR).block_id(safe).await.unwrap();
        payee == U256::from(SENT)
            && depositor == U256::from(DEPOSITED) * U256::from(1_000_000_000u64)
    }

    async fn get_in(&self) {
        wait_for("the forced transaction and the deposit", PATIENCE, || async {
            Ok(self.are_in().await.then_some(()))
        })
        .await
        .unwrap();
    }

    /// Waits until the honest node has derived what L1 has.
    async fn derived(&self, batch: u64) {
        wait_for("a claim of the batch", PATIENCE, || async {
            let rollup = self.network.config().contracts.rollup;
            let claims =
                self.l1.events::<recourse_protocol::bindings::IRollup::Proposed>(rollup).await?;
            Ok(claims.iter().any(|claim| claim.event.batch >= batch).then_some(()))
        })
        .await
        .unwrap();
    }

    async fn only_batches_of(&self, role: Role) {
        let inbox = self.network.config().contracts.inbox;
        let batches = self.l1.events::<BatchAppended>(inbox).await.unwrap();
        let who = role.signer().unwrap().address();
        assert!(batches.iter().all(|batch| batch.event.batch.feeRecipient == who));
    }

    async fn views(&self) -> u32 {
        let inbox = self.network.config().contracts.inbox;
        self.l1.ask(inbox, &IInbox::viewCountCall {}).await.unwrap()
    }

    async fn append(&self, payload: &[u8], min_view: u32) -> eyre::Result<u64> {
        let payload = Payload::new(payload).unwrap();
        self.network.append_obliged(Role::Cheat, &[payload], min_view).await
    }

    /// A block of the sequencer's own, which sees nothing new of L1.
    async fn censoring(&self, nonce: u64) -> Vec<u8> {
        let cheat = Role::Cheat.signer().unwrap();
        let chain_id = self.network.config().l2.chain_id;
        let mut tape = TapeWriter::default();
        tape.open(self.l1.now().await.unwrap(), 0).unwrap();
        let raw: Bytes =
            raw_transfer(&cheat, chain_id, nonce, Address::repeat_byte(0xcc), 1).unwrap();
        tape.tx(&raw).unwrap();
        tape.into_bytes()
    }
}

#[tokio::test]
async fn a_sequencer_that_appends_can_censor_for_force_delay_only() {
    let scene = Scene::set().await;
    scene.knock().await;
    // Its blocks need not look at L1 for a while.
    let batch = scene.append(&scene.censoring(0).await, 0).await.unwrap();
    scene.derived(batch).await;
    assert!(!scene.are_in().await, "the sequencer may wait");
    let view = scene.views().await - 1;
    scene.l1.warp(FORCE_DELAY / 2 + 1).await.unwrap();
    let batch = scene.append(&scene.censoring(1).await, 0).await.unwrap();
    scene.derived(batch).await;
    assert!(!scene.are_in().await, "and still");

    scene.l1.warp(FORCE_DELAY / 2 + 1).await.unwrap();
    assert!(scene.append(&scene.censoring(2).await, 0).await.is_err());
    // What it appends from now on obliges L2 to the view with both in it, whatever the blobs say.
    scene.append(&scene.censoring(2).await, view).await.unwrap();
    scene.get_in().await;
    scene.only_batches_of(Role::Cheat).await;
}

#[tokio::test]
async fn a_silent_sequencer_is_replaced_by_anybody_after_force_delay() {
    let scene = Scene::set().await;
    scene.knock().await;
    let inbox = scene.network.config().contracts.inbox;
    let stranger = scene.network.l1_wallet(Role::Stranger).unwrap();
    let call =
        IInbox::appendCall { feeRecipient: stranger.address(), minView: 0, expectedIndex: 0 };
    let error = stranger.ask(inbox, &call).await.unwrap_err();
    assert_eq!(refusal(&error).unwrap()[..4], IInbox::NotSequencer::SELECTOR);
    let payload = Payload::new(b"whatever").unwrap();
    assert!(scene.network.append(Role::Stranger, &[payload]).await.is_err());
    assert!(scene.l1.events::<BatchAppended>(inbox).await.unwrap().is_empty());

    scene.l1.warp(FORCE_DELAY + 1).await.unwrap();
    // The honest proposer takes over by itself.
    scene.get_in().await;
    scene.only_batches_of(Role::Proposer).await;
}

#[tokio::test]
async fn a_sequencer_that_posts_garbage_withholds_nothing() {
    let scene = Scene::set().await;
    scene.knock().await;
    let garbage: Vec<u8> =
        (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    scene.append(&garbage, 0).await.unwrap();
    let view = scene.views().await - 1;
    // Too new: nobody has had time to see it. Not there yet. Half of the delay later it may be promised.
    assert!(scene.append(&garbage, view).await.is_err());
    assert!(scene.append(&garbage, view + 100).await.is_err());
    scene.l1.warp(FORCE_DELAY / 2).await.unwrap();
    scene.append(&garbage, view).await.unwrap();
    scene.get_in().await;

    // It can't sit on old views, either, while it is not silent.
    scene.l1.warp(FORCE_DELAY - 100).await.unwrap();
    assert!(scene.append(&garbage, 0).await.is_err());
    let newest = scene.views().await - 1;
    let batch = scene.append(&[], newest).await.unwrap();
    scene.derived(batch).await;
    scene.only_batches_of(Role::Cheat).await;
}
