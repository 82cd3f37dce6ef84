//! Malformed requests for every method of both nodes. Methods are asked for by `rpc_methods`, so a new one is covered as
//! soon as it is there.

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use recourse_l1_node::{Config, spawn};
use recourse_tests::{Network, NetworkOptions, Role, conformance::ask};
use serde_json::{Value, json};

use crate::network::executable;

/// Requests for each method.
const EACH: u64 = 120;

/// A small generator: the same requests on every run, so that a failure can be looked at.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// A value that some method may want, or that none does.
    fn value(&mut self, depth: usize) -> Value {
        let word = format!("0x{}", "ff".repeat(32));
        let leaves = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(2),
            json!(u64::MAX),
            json!(""),
            json!("0x"),
            json!("0x0"),
            json!("0x1"),
            json!("0xg"),
            json!("0x123"),
            json!("0xffffffffffffffff"),
            json!("1"),
            json!("latest"),
            json!("pending"),
            json!("earliest"),
            json!("finalized"),
            json!("newHeads"),
            json!("logs"),
            json!("callTracer"),
            json!("\u{0}\u{fffd}"),
            json!(word),
            json!(format!("{word}00")),
            json!(format!("0x{}", "00".repeat(32))),
            json!(format!("0x{}", "01".repeat(20))),
            json!(format!("0x{}", "00".repeat(19) + "01")),
            json!(format!("0x{}", "5b".repeat(2_000))),
        ];
        match self.roll(if depth == 0 { 8 } else { 12 }) {
            8 | 9 => (0..self.roll(4)).map(|_| self.value(depth - 1)).collect(),
            10 | 11 => self.object(depth - 1),
            _ => leaves[self.roll(leaves.len())].clone(),
        }
    }

    /// An object with fields that methods look for.
    fn object(&mut self, depth: usize) -> Value {
        let names = [
            "from",
            "to",
            "gas",
            "gasPrice",
            "maxFeePerGas",
            "value",
            "data",
            "input",
            "nonce",
            "type",
            "accessList",
            "authorizationList",
            "blobVersionedHashes",
            "chainId",
            "address",
            "topics",
            "fromBlock",
            "toBlock",
            "blockHash",
            "blockNumber",
            "requireCanonical",
            "tracer",
            "tracerConfig",
            "stateOverrides",
            "blockOverrides",
            "blockStateCalls",
            "calls",
            "validation",
            "traceTransfers",
            "number",
            "time",
            "timestamp",
            "balance",
            "code",
            "state",
            "stateDiff",
            "movePrecompileToAddress",
            "0x0000000000000000000000000000000000000001",
        ];
        let fields = (0..self.roll(5))
            .map(|_| (names[self.roll(names.len())].to_owned(), self.value(depth)));
        Value::Object(fields.collect())
    }

    fn params(&mut self) -> Value {
        match self.roll(12) {
            0 => self.object(2),
            1 => self.value(0),
            _ => (0..self.roll(5)).map(|_| self.value(3)).collect(),
        }
    }
}

async fn methods(client: &reqwest::Client, url: &str) -> Vec<String> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "rpc_methods" });
    let names = ask(client, url, &request).await.unwrap();
    serde_json::from_value(names["result"].clone()).unwrap()
}

async fn bombard(url: &str, least: usize) {
    let client = reqwest::Client::new();
    let names = methods(&client, url).await;
    assert!(names.len() >= least, "{names:?}");
    let mut refused = 0_u64;
    // Subscriptions are asked for over WebSocket, below.
    let asked: Vec<_> = names
        .iter()
        .filter(|name| !["eth_subscribe", "eth_unsubscribe"].contains(&name.as_str()))
        .collect();
    for name in &asked {
        let mut dice =
            Dice(name.bytes().fold(7, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte)));
        for round in 0..EACH {
            let params = dice.params();
            let request =
                json!({ "jsonrpc": "2.0", "id": round, "method": name, "params": params });
            let got =
                ask(&client, url, &request).await.unwrap_or_else(|e| panic!("{request}: {e}"));
            let code = got["error"]["code"].as_i64();
            assert!(got.get("result").is_some() || code.is_some(), "{request}: {got}");
            // A panic or a failure of the node itself would be -32603 and this text.
            let text = got["error"]["message"].as_str().unwrap_or_default();
            assert!(!text.eq_ignore_ascii_case("internal error"), "{request}: {got}");
            let known = [3, -32000, -32001, -32600, -32601, -32602];
            // Geth has this code for a nonce that overflows.
            let simulated = -38026..=-38010;
            let overflow = name.as_str() == "eth_simulateV1" && code == Some(-32603);
            assert!(
                overflow
                    || code.is_none_or(|code| known.contains(&code) || simulated.contains(&code)),
                "{request}: {got}"
            );
            // A request that is not even one has no id to answer to.
            assert!(got["id"] == json!(round) || code == Some(-32600), "{request}: {got}");
            refused += u64::from(code.is_some());
        }
    }
    assert!(refused * 2 > EACH * asked.len() as u64, "most garbage is refused");
    assert_eq!(methods(&client, url).await, names, "the node still answers");
}

/// The same over WebSocket, for what is only there.
async fn bombard_subscriptions(url: &str) {
    let ws = WsConnect::new(url.replacen("http", "ws", 1));
    let provider = ProviderBuilder::new().connect_ws(ws).await.unwrap();
    let mut dice = Dice(11);
    let mut refused = 0;
    for _ in 0..EACH {
        for method in ["eth_subscribe", "eth_unsubscribe"] {
            let params = dice.params();
            let asked = provider.raw_request::<Value, Value>(method.into(), params.clone()).await;
            let Err(error) = asked else { continue };
            let error = error.as_error_resp().unwrap_or_else(|| panic!("{params}: {error}"));
            assert!([-32600, -32602].contains(&error.code), "{method} {params}: {error}");
            refused += u64::from(method == "eth_subscribe");
        }
    }
    // Not so what ends no subscription: that is answered with false.
    assert!(refused > EACH / 2, "most garbage is refused");
    // The connection has survived it.
    let heads = provider.subscribe_blocks().await.unwrap();
    provider.unsubscribe(*heads.local_id()).await.unwrap();
}

/// Ids of blocks, such as they are and as they are not.
const IDS: [&str; 16] = [
    "",
    "head",
    "genesis",
    "finalized",
    "justified",
    "0",
    "-1",
    "1.5",
    "0x",
    "0xzz",
    "%00",
    "%ff%fe",
    "..",
    "18446744073709551615",
    "18446744073709551616",
    "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

const QUERIES: [&str; 8] = [
    "",
    "?",
    "?versioned_hashes",
    "?versioned_hashes=",
    "?versioned_hashes=,",
    "?versioned_hashes=0x01",
    "?versioned_hashes=%ff",
    "?a=b&&=",
];

/// What a consensus client would serve.
async fn bombard_beacon(url: &str) {
    let client = reqwest::Client::new();
    let (mut served, mut refused) = (0, 0);
    let mut ask = async |path: String| {
        let got = client.get(format!("{url}/eth/v1/{path}")).send().await.unwrap();
        let status = got.status().as_u16();
        assert!([200, 400, 404, 410, 414].contains(&status), "{path}: {status}");
        let body: Value = got.json().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(status == 200 || body["code"] == json!(status), "{path}: {body}");
        // Of what is about blocks.
        if path.starts_with("beacon/") && !path.contains("sidecars") {
            *if status == 200 { &mut served } else { &mut refused } += 1;
        }
    };
    let long = "9".repeat(2_000);
    for id in IDS.into_iter().chain([long.as_str()]) {
        for query in QUERIES {
            for (route, behind) in [
                ("beacon/blobs", ""),
                ("beacon/blob_sidecars", ""),
                ("beacon/headers", ""),
                ("beacon/states", "/finality_checkpoints"),
                ("beacon/states", "/fork"),
                ("beacon/states", "/validators"),
                ("node", ""),
                ("config", ""),
                ("x", ""),
            ] {
                ask(format!("{route}/{id}{behind}{query}")).await;
            }
        }
        for name in ["slot", "parent_root", "sloth"] {
            ask(format!("beacon/headers?{name}={id}")).await;
            ask(format!("beacon/headers?slot=0&{name}={id}")).await;
        }
    }
    assert!(served > 50 && refused > served, "{refused} refused, {served} served");
}

async fn broken(url: &str) {
    let client = reqwest::Client::new();
    let cases = [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_unheardOf"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}"#, -32602),
    ];
    for (body, code) in cases {
        let sent = client.post(url).header("content-type", "application/json").body(body);
        let got: Value = sent.send().await.unwrap().json().await.unwrap();
        assert_eq!(got["error"]["code"], json!(code), "{body}: {got}");
    }
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let many = Value::Array(vec![one.clone(); 1_001]);
    let got = ask(&client, url, &many).await.unwrap();
    assert!(got["error"]["code"].is_i64(), "a batch of 1,001 is refused: {got}");
    let some = ask(&client, url, &Value::Array(vec![one.clone(); 1_000])).await.unwrap();
    assert_eq!(some.as_array().map(Vec::len), Some(1_000));
    // What any web page could send to a node on its reader's machine.
    let page = client.post(url).header("origin", "https://evil.example").json(&one);
    assert_eq!(page.send().await.unwrap().status(), 403);
    let upgrade = client
        .get(url)
        .header("origin", "https://evil.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(upgrade.send().await.unwrap().status(), 403);
    let plain = client.post(url).header("content-type", "text/plain").body(one.to_string());
    assert_eq!(plain.send().await.unwrap().status(), 415, "no request without a preflight");
    let long =
        client.post(url).header("content-type", "application/json").body(vec![b' '; 17 << 20]);
    // The node may hang up before all of it was sent.
    assert!(long.send().await.map_or(true, |got| got.status() == 413));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_codes_on_both_nodes() {
    let l1 = spawn(Config::default()).await.unwrap();
    broken(&l1.url()).await;
    bombard(&l1.url(), 90).await;
    bombard_subscriptions(&l1.url()).await;
    bombard_beacon(&l1.url()).await;
    l1.shutdown().await;

    let folder = tempfile::tempdir().unwrap();
    let network =
        Network::start(executable(), folder.path(), &NetworkOptions::default()).await.unwrap();
    let proposer = network.proposer("proposer", Role::Proposer).await.unwrap();
    broken(&proposer.url()).await;
    bombard(&proposer.url(), 60).await;
    bombard_subscriptions(&proposer.url()).await;
}
