//! Money goes in and out: deposited on L1, spent on L2, withdrawn again by a Merkle proof that the proposer's RPC gives.

use alloy::{
    network::TransactionBuilder, providers::Provider, rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner, sol_types::SolError,
};
use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_sol_types::SolValue;
use recourse_protocol::{
    L2_WITHDRAWALS,
    bindings::{
        IBridge::{self, Paid},
        IInbox, IL2Withdrawals, Withdrawal,
    },
};
use recourse_tests::{
    Daemon, ITetherLike, Network, NetworkOptions, PATIENCE, Role, Wallet, create, refusal,
    token_code, traffic, wait_for,
};

use crate::network::executable;

/// One ether, or one whole token, in wei of L2.
const ETHER: u64 = 1_000_000_000_000_000_000;
const GWEI: u64 = 1_000_000_000;

/// A contract on L1 that refuses all calls until a word other than zero was written to it:
/// `CALLDATASIZE 32 EQ write JUMPI | 0 SLOAD open JUMPI | 0 0 REVERT | open: STOP | write: 0 CALLDATALOAD 0 SSTORE STOP`.
const GATE: &[u8] = &hex!("60178060095f395ff3366020146011575f54600f575f5ffd5b005b5f355f5500");

struct Scene {
    network: Network,
    proposer: Daemon,
    /// On L2: nothing is there before it deposits.
    saver: Wallet,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn set(options: NetworkOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::start(executable(), folder.path(), &options).await.unwrap();
        let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
        let key = PrivateKeySigner::from_bytes(&keccak256("saver")).unwrap();
        let saver = Wallet::connect(&proposer.url(), key).unwrap();
        Self { network, proposer, saver, _folder: folder }
    }

    async fn l2_balance(&self, who: Address) -> U256 {
        self.saver.provider().get_balance(who).await.unwrap()
    }

    async fn saver_has(&self, wei: u64) {
        wait_for("the deposit on L2", PATIENCE, || async {
            let balance = self.l2_balance(self.saver.address()).await;
            Ok((balance == U256::from(wei)).then_some(()))
        })
        .await
        .unwrap();
    }

    /// Withdraws, waits for a claim, proves, and lets all clocks run out.
    async fn due(&self, target: Address, value: u64, data: &'static [u8]) -> IBridge::withdrawCall {
        let (value, data) = (U256::from(value), Bytes::from_static(data));
        let (message, block) = self.saver.withdraw(target, value, 100_000, data).await.unwrap();
        assert_eq!(message.sender, self.saver.address());
        let claim = self.network.claim_over(block).await.unwrap();
        let call = self.network.prove(&self.saver, &claim, &message).await.unwrap();
        self.refused(&call, &IBridge::NotConfirmed { content: claim.event.content }).await;
        self.network.pass_withdrawal_delay(claim.event.attempt).await.unwrap();
        call
    }

    /// Who pays the gas on L1: anybody.
    fn payer(&self) -> Wallet {
        self.network.l1_wallet(Role::Stranger).unwrap()
    }

    async fn pay(&self, call: &IBridge::withdrawCall) {
        let bridge = self.network.config().contracts.bridge;
        let receipt = self.payer().transact(bridge, call, U256::ZERO).await.unwrap();
        println!("a withdrawal on L1: {} gas", receipt.gas_used);
        let paid = receipt.decoded_log::<Paid>().unwrap();
        assert_eq!(paid.hash, hash(&call.withdrawal));
    }

    async fn refused<E: SolError>(&self, call: &IBridge::withdrawCall, expected: &E) {
        let bridge = self.network.config().contracts.bridge;
        let error = self.payer().ask(bridge, call).await.map(drop).unwrap_err();
        let got = refusal(&error).unwrap_or_else(|| panic!("no revert: {error:?}"));
        assert_eq!(got, Bytes::from(expected.abi_encode()));
    }
}

fn hash(message: &Withdrawal) -> alloy_primitives::B256 {
    keccak256(message.abi_encode())
}

#[tokio::test]
async fn a_deposit_is_spent_on_l2_and_the_rest_withdrawn_by_a_proof() {
    let scene = Scene::set(NetworkOptions::default()).await;
    let (network, saver) = (&scene.network, &scene.saver);
    let l1 = network.l1_wallet(Role::User).unwrap();
    let gate = create(&l1, Bytes::from_static(GATE)).await.unwrap();
    network.deposit(Role::User, saver.address(), 3 * ETHER / GWEI).await.unwrap();
    scene.saver_has(3 * ETHER).await;
    let friend = Address::repeat_byte(0xf0);
    let receipt = saver.send(traffic::transfer(friend, ETHER)).await.unwrap();
    assert!(receipt.status());
    assert_eq!(scene.l2_balance(friend).await, U256::from(ETHER));

    let call = scene.due(gate, ETHER, b"open").await;
    assert_eq!(scene.l2_balance(L2_WITHDRAWALS).await, U256::from(ETHER), "it stays on L2");
    let inbox = network.config().contracts.inbox;

    // A message that nobody sent, with the proof of one that somebody sent.
    let mut more = call.clone();
    more.withdrawal.value += U256::from(1);
    let bridge = network.config().contracts.bridge;
    let error = scene.payer().ask(bridge, &more).await.map(drop).unwrap_err();
    assert!(refusal(&error).is_some(), "{error:?}");
    // Another state than the one that was claimed.
    let mut other = call.clone();
    other.proof.checkpoint.stateRoot = keccak256("mine");
    let error = scene.payer().ask(bridge, &other).await.map(drop).unwrap_err();
    let got = refusal(&error).unwrap();
    assert_eq!(got[..4], IBridge::WrongCheckpoint::SELECTOR);

    // The target refuses it: nothing happens, and it can be tried again.
    scene.refused(&call, &IBridge::CallFailed { hash: hash(&call.withdrawal) }).await;
    assert!(scene.payer().transact(bridge, &call, U256::ZERO).await.is_err());
    let locked = || async { l1.ask(inbox, &IInbox::lockedCall {}).await.unwrap() };
    assert_eq!(locked().await, U256::from(3 * ETHER));
    let open = U256::from(1).to_be_bytes::<32>();
    let open = TransactionRequest::default().with_to(gate).with_input(open);
    assert!(l1.send(open).await.unwrap().status());
    scene.pay(&call).await;
    assert_eq!(l1.provider().get_balance(gate).await.unwrap(), U256::from(ETHER));
    assert_eq!(l1.provider().get_balance(inbox).await.unwrap(), U256::from(2 * ETHER));
    assert_eq!(locked().await, U256::from(2 * ETHER));

    scene.refused(&call, &IBridge::AlreadyPaid { hash: hash(&call.withdrawal) }).await;
    assert!(scene.payer().transact(bridge, &call, U256::ZERO).await.is_err());
    assert_eq!(l1.provider().get_balance(gate).await.unwrap(), U256::from(ETHER));
    drop(scene.proposer);
}

#[tokio::test]
async fn a_token_with_six_decimals_and_no_answers_is_the_gas_of_l2() {
    let token = token_code(Role::User.signer().unwrap().address()).unwrap();
    let options = NetworkOptions { gas_token: Some(token), ..NetworkOptions::default() };
    a_token_is_the_gas_of_l2(options).await;
}

pub(crate) async fn a_token_is_the_gas_of_l2(options: NetworkOptions) {
    let scene = Scene::set(options).await;
    let (network, saver) = (&scene.network, &scene.saver);
    let l1 = network.l1_wallet(Role::User).unwrap();
    let inbox = network.config().contracts.inbox;
    let token = l1.ask(inbox, &IInbox::configCall {}).await.unwrap().gasToken;
    let balance = |who| {
        let l1 = &l1;
        async move { l1.ask(token, &ITetherLike::balanceOfCall { who }).await.unwrap() }
    };
    let whole = U256::from(1_000_000); // one token

    let approve = ITetherLike::approveCall { spender: inbox, amount: whole * U256::from(5) };
    l1.transact(token, &approve, U256::ZERO).await.unwrap();
    let deposit = IInbox::depositTokenCall { to: saver.address(), amountGwei: 5 * GWEI };
    l1.transact(inbox, &deposit, U256::ZERO).await.unwrap();
    assert_eq!(balance(inbox).await, whole * U256::from(5));
    scene.saver_has(5 * ETHER).await;
    // Ether is no asset here.
    assert!(network.deposit(Role::User, saver.address(), GWEI).await.is_err());

    // Two and a half tokens, and 0.7 of the token's smallest unit, which stays behind.
    let target = Address::repeat_byte(0x77);
    let call = scene.due(target, 5 * ETHER / 2 + 700_000_000_000, b"").await;
    scene.pay(&call).await;
    assert_eq!(balance(target).await, U256::from(2_500_000));
    assert_eq!(balance(inbox).await, U256::from(2_500_000));
    assert_eq!(l1.ask(inbox, &IInbox::lockedCall {}).await.unwrap(), U256::from(2_500_000));
    let count = saver.ask(L2_WITHDRAWALS, &IL2Withdrawals::countCall {}).await.unwrap();
    assert_eq!(count, 1);
    drop(scene.proposer);
}
