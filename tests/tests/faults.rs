//! L1 at its worst: it forgets blocks, refuses, dawdles, loses blobs and finalizes nothing. The truth still wins.

use alloy::providers::Provider;
use alloy_primitives::B256;
use recourse_protocol::bindings::IRollup::{self, Challenged, Died, Proposed};
use recourse_tests::{Lie, Network, NetworkOptions, PATIENCE, Role, Seen, wait_for};
use serde_json::{Value, json};

use crate::{fraud::Scene, network::executable};

async fn ask_l1(network: &Network, method: &'static str, params: Value) -> Value {
    let wallet = network.l1_wallet(Role::Deployer).unwrap();
    wallet.provider().raw_request(method.into(), params).await.unwrap()
}

/// Replaces the block of a transaction, and all after it, by empty ones.
async fn forget<E>(network: &Network, seen: &Seen<E>) {
    let wallet = network.l1_wallet(Role::Deployer).unwrap();
    let receipt = wallet.receipt(seen.transaction).await.unwrap();
    // Blocks go on being made: one that comes in between is replaced with the next try.
    wait_for("the reorg", PATIENCE, || async {
        let head = wallet.provider().get_block_number().await?;
        let depth = head + 1 - receipt.block_number.unwrap();
        ask_l1(network, "anvil_reorg", json!([depth])).await;
        let gone = wallet.provider().get_transaction_receipt(seen.transaction).await?;
        Ok(gone.is_none_or(|again| again.block_number > receipt.block_number).then_some(()))
    })
    .await
    .unwrap();
}

async fn inject(network: &Network, method: &str, code: i64, times: u64, latency_ms: u64) {
    let error = json!({ "code": code, "message": "not now" });
    let fault =
        json!([{ "method": method, "error": error, "times": times, "latencyMs": latency_ms }]);
    ask_l1(network, "recourse_injectFault", fault).await;
}

#[tokio::test]
async fn claims_and_challenges_that_l1_forgets_are_made_again() {
    let scene = Scene::set(NetworkOptions::default()).await;
    let network = &scene.network;
    ask_l1(network, "recourse_stallFinality", json!([true])).await;
    let rollup = network.config().contracts.rollup;
    let wallet = network.l1_wallet(Role::User).unwrap();
    let proposer = Role::Proposer.signer().unwrap().address();
    let watchtower = Role::Challenger.signer().unwrap().address();

    let claim = network.claim_of(Role::Proposer).await.unwrap();
    forget(network, &claim).await;
    let again = wait_for("the proposer's claim again", PATIENCE, || async {
        let claims = wallet.events::<Proposed>(rollup).await?;
        Ok(claims.into_iter().find(|claim| claim.event.owner == proposer))
    })
    .await
    .unwrap();
    println!("claimed in {}, and again in {}", claim.transaction, again.transaction);

    let _cheat = network.cheat("cheat", Role::Cheat, Lie::WrongStateRoot).await.unwrap();
    let lie = network.claim_of(Role::Cheat).await.unwrap().event.attempt;
    let challenge = wait_for("a challenge", PATIENCE, || async {
        let challenges = wallet.events::<Challenged>(rollup).await?;
        Ok(challenges.into_iter().find(|seen| seen.event.attempt == lie))
    })
    .await
    .unwrap();
    forget(network, &challenge).await;
    let honest = network.claim_of(Role::Proposer).await.unwrap().event.attempt;
    settled(network, lie, honest).await;
    let deaths = wallet.events::<Died>(rollup).await.unwrap();
    assert_eq!(deaths.len(), 1, "nothing else died");
    assert_eq!(deaths[0].event.beneficiary, watchtower);
}

/// The lie dies by proof, and the truth is confirmed.
async fn settled(network: &Network, lie: B256, honest: B256) {
    let fate = network.fate_of(lie).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Dead as u8);
    network.pass_window().await.unwrap();
    let fate = network.fate_of(honest).await.unwrap();
    assert_eq!(fate.status as u8, IRollup::Status::Confirmed as u8);
}

#[tokio::test]
async fn errors_latency_and_missing_blocks_only_delay_a_dispute() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        Network::start(executable(), folder.path(), &NetworkOptions::default()).await.unwrap();
    network.append_a_bit_of_everything().await.unwrap();
    let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    let challenger = network.challenger("challenger", Role::Challenger).await.unwrap();
    let honest = network.claim_of(Role::Proposer).await.unwrap().event.attempt;
    let _cheat = network.cheat("cheat", Role::Cheat, Lie::WrongGas).await.unwrap();
    let lie = network.claim_of(Role::Cheat).await.unwrap().event.attempt;
    // Codes of a node that is overloaded, and of one that has lost its mind.
    for (method, code) in [
        ("eth_getBlockByNumber", -32005),
        ("eth_getBlockByHash", -32603),
        ("eth_getLogs", -32005),
        ("eth_sendRawTransaction", -32603),
        ("eth_getTransactionReceipt", -32000),
        ("GET /eth/v1/beacon/blobs", 503),
    ] {
        inject(&network, method, code, 5, 200).await;
    }
    // Who finds several new blocks at once walks from parent to parent, by hash.
    ask_l1(&network, "anvil_mine", json!([8])).await;
    ask_l1(&network, "recourse_missBlocks", json!([3])).await;
    settled(&network, lie, honest).await;
    // What struck as often as it should is not listed any more.
    let left = ask_l1(&network, "recourse_faults", json!([])).await;
    let idle: Vec<_> =
        left.as_array().unwrap().iter().filter(|fault| fault["times"] == json!(5)).collect();
    assert!(idle.is_empty(), "these never struck: {idle:?}");
    drop((proposer, challenger));
}
