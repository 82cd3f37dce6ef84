//! The beacon API as clients know it, and beside Anvil's.

use alloy::{network::TransactionBuilder as _, providers::Provider as _};
use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::{
    blobs::{blob_tx, sidecar},
    fork::{installed, program::Anvil},
    harness::{Net, wallet},
};
use recourse_l1_node::Config;

/// Seconds that blobs are served in the test of their end.
const RETENTION: u64 = 100;

#[tokio::test]
async fn routes_that_consensus_clients_serve() {
    let net = Net::start().await;
    net.call("anvil_mine", json!([70])).await;
    let (_, head) = net.get("/eth/v1/beacon/headers/head").await;
    let slot = head["data"]["header"]["message"]["slot"].as_str().unwrap().to_owned();
    let (_, syncing) = net.get("/eth/v1/node/syncing").await;
    assert_eq!(syncing["data"]["head_slot"], json!(slot));
    assert_eq!(syncing["data"]["is_syncing"], json!(false));
    let health = reqwest::get(format!("{}/eth/v1/node/health", net.node.url())).await.unwrap();
    assert_eq!(health.status(), 200);
    // 70 blocks: 38 are safe, 6 final.
    let (_, points) = net.get("/eth/v1/beacon/states/head/finality_checkpoints").await;
    for (name, id) in [("current_justified", "justified"), ("finalized", "finalized")] {
        let (_, block) = net.get(&format!("/eth/v1/beacon/headers/{id}")).await;
        assert_eq!(points["data"][name]["root"], block["data"]["root"], "{name}");
        assert_eq!(block["finalized"], json!(id == "finalized"));
    }
    let (_, genesis) = net.get("/eth/v1/beacon/headers/genesis").await;
    assert_eq!(genesis["data"]["header"]["message"]["slot"], json!("0"));
    for id in ["genesis", "finalized", "justified"] {
        assert_eq!(
            net.get(&format!("/eth/v1/beacon/blobs/{id}")).await.1["data"],
            json!([]),
            "{id}"
        );
        let (_, fork) = net.get(&format!("/eth/v1/beacon/states/{id}/fork")).await;
        let (_, schedule) = net.get("/eth/v1/config/fork_schedule").await;
        assert_eq!(schedule["data"], json!([fork["data"]]), "one fork, from the first epoch on");
        assert_eq!(fork["data"]["epoch"], json!("0"));
    }
    let root = head["data"]["root"].as_str().unwrap();
    let (_, listed) = net.get(&format!("/eth/v1/beacon/headers?slot={slot}")).await;
    assert_eq!(listed["data"], json!([head["data"]]));
    let (_, none) = net.get(&format!("/eth/v1/beacon/headers?parent_root={root}")).await;
    assert_eq!(none["data"], json!([]));
    let parent = head["data"]["header"]["message"]["parent_root"].as_str().unwrap();
    let (_, child) = net.get(&format!("/eth/v1/beacon/headers?parent_root={parent}")).await;
    assert_eq!(child["data"], json!([head["data"]]));
    let wrong = ["headers/x", "headers?slot=x", "headers?parent_root=x", "blobs/0x12"];
    for path in wrong {
        let (status, body) = net.get(&format!("/eth/v1/beacon/{path}")).await;
        assert_eq!((status, &body["code"]), (400, &json!(400)), "{path}");
    }
    let (status, body) = net.get("/eth/v1/nothing").await;
    assert_eq!((status, &body["code"]), (404, &json!(404)));
}

#[tokio::test]
async fn blobs_end_with_their_retention() {
    let retention = std::time::Duration::from_secs(RETENTION);
    let net = Net::with(Config { blob_retention: retention, ..Config::default() }).await;
    let pending = net.provider.send_transaction(blob_tx(&net, sidecar(b"old"))).await.unwrap();
    let _ = pending.get_receipt().await.unwrap();
    let (_, head) = net.get("/eth/v1/beacon/headers/head").await;
    let path = format!("/eth/v1/beacon/blobs/{}", head["data"]["root"].as_str().unwrap());
    net.call("evm_increaseTime", json!([RETENTION - 20])).await;
    net.call("evm_mine", json!([])).await;
    let (status, body) = net.get(&path).await;
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 1));
    net.call("evm_increaseTime", json!([60])).await;
    net.call("evm_mine", json!([])).await;
    let (status, body) = net.get(&path).await;
    assert_eq!((status, &body["code"]), (404, &json!(404)));
}

/// The same blobs on both, asked for in the same ways. Ids differ: Anvil's are block numbers and tags, a beacon node's
/// are slots, roots and names.
#[tokio::test]
async fn blobs_come_as_from_anvil() {
    let Some(program) = installed() else { return };
    let anvil = Anvil::start(&program, &["--hardfork", "osaka"]).await.unwrap();
    let net = Net::start().await;
    let sidecar = sidecar(&vec![9; 2 * 126_000]);
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    assert_eq!(hashes.len(), 2);
    let client = reqwest::Client::new();
    let pending = net.provider.send_transaction(blob_tx(&net, sidecar.clone())).await.unwrap();
    let _ = pending.get_receipt().await.unwrap();
    let theirs = wallet(&net.node, anvil.url());
    let tx = blob_tx(&net, sidecar).with_from(net.account(0));
    let _ = theirs.send_transaction(tx).await.unwrap().get_receipt().await.unwrap();
    let (_, head) = net.get("/eth/v1/beacon/headers/head").await;
    let slot = head["data"]["header"]["message"]["slot"].as_str().unwrap().to_owned();
    let both = |ours: String, other: String| {
        let (client, url) = (client.clone(), format!("{}{other}", anvil.url()));
        let net = &net;
        async move {
            let got = client.get(url).send().await.unwrap();
            let status = got.status().as_u16();
            let body: Value = got.json().await.unwrap();
            (net.get(&ours).await, (status, body))
        }
    };
    let blobs = "/eth/v1/beacon/blobs";
    let [one, two] = [hashes[0], hashes[1]];
    for query in [
        String::new(),
        format!("?versioned_hashes={one}"),
        format!("?versioned_hashes={two},{one}"),
        format!("?versioned_hashes={}", B256::ZERO),
    ] {
        let (ours, anvils) =
            both(format!("{blobs}/{slot}{query}"), format!("{blobs}/1{query}")).await;
        assert_eq!(ours, anvils, "{query}");
    }
    // The parameter may come several times, too, of which Anvil reads one.
    let (_, commas) = net.get(&format!("{blobs}/{slot}?versioned_hashes={one},{two}")).await;
    let twice = format!("{blobs}/{slot}?versioned_hashes={one}&versioned_hashes={two}");
    assert_eq!(net.get(&twice).await.1, commas);
    for id in ["x", "0xzz", "-1", "999999999"] {
        let path = format!("{blobs}/{id}");
        let (ours, anvils) = both(path.clone(), path).await;
        assert_eq!(ours, anvils, "{id}");
    }
    let path = "/eth/v1/beacon/blob_sidecars/1".to_owned();
    let (ours, anvils) = both(path.clone(), path).await;
    assert_eq!(ours, anvils);
    let path = "/eth/v1/beacon/genesis".to_owned();
    let (ours, anvils) = both(path.clone(), path).await;
    let keys = |body: &Value| -> Vec<String> {
        body["data"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!((ours.0, keys(&ours.1)), (anvils.0, keys(&anvils.1)));
    anvil.kill().await.unwrap();
}
