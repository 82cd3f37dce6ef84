//! The `.io` tests of ethereum/execution-apis against both nodes, method by method, and docs/json-rpc.md, which tells the
//! result. `cargo xtask rpc-conformance` prints the table; with RECOURSE_WRITE=1 it is written into the page.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use recourse_l1_node::{Config, Mining, spawn};
use recourse_tests::{
    Network, NetworkOptions,
    conformance::{Case, ask, difference, read},
};

use crate::{l2_rpc::Own, network::executable, vectors::find};

/// The part of the page that is made.
const TABLE: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->"];

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/json-rpc.md")
}

/// The first cells of the page's rows that are of this kind.
fn told(is: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let page = fs::read_to_string(page()).unwrap();
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).filter(|name| is(name)).collect()
}

async fn failures(url: &str, cases: &[Case]) -> BTreeMap<String, String> {
    let client = reqwest::Client::new();
    let mut failures = BTreeMap::new();
    for case in cases {
        for (request, expected) in &case.exchanges {
            let got = ask(&client, url, request).await.unwrap();
            if let Some(what) = difference(expected, &got, case.shape_only) {
                failures.entry(case.name.clone()).or_insert(what);
            }
        }
    }
    failures
}

/// The methods that an L2 does not have, of those that the cases ask for.
async fn unserved(url: &str, cases: &[Case]) -> BTreeSet<String> {
    let client = reqwest::Client::new();
    let mut unserved = BTreeSet::new();
    for case in cases {
        for (request, _) in &case.exchanges {
            let got = ask(&client, url, request).await.unwrap();
            let code = got["error"]["code"].as_i64();
            assert!(got.get("result").is_some() || code.is_some(), "{}: {got}", case.name);
            let text = got["error"]["message"].as_str().unwrap_or_default();
            assert!(!text.eq_ignore_ascii_case("internal error"), "{}: {got}", case.name);
            if code == Some(-32601) {
                unserved.insert(request["method"].as_str().unwrap().to_owned());
            }
        }
    }
    unserved
}

/// The chain that the cases are about, on an L1 node.
fn config(folder: &Path) -> Config {
    Config {
        genesis: Some(folder.join("genesis.json")),
        import: Some(folder.join("chain.rlp")),
        // The cases were filled on a node whose head is final, and that mines nothing.
        mining: Mining::Manual,
        slots_in_an_epoch: 0,
        ..Config::default()
    }
}

fn table(
    cases: &[Case],
    failed: &BTreeMap<String, String>,
    unserved: &BTreeSet<String>,
    alike: &BTreeSet<String>,
) -> String {
    let mut methods: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in cases {
        let (passed, all) = methods.entry(case.method()).or_default();
        *passed += usize::from(!failed.contains_key(&case.name));
        *all += 1;
    }
    let mut table = "| method | L1: passed | L2 |\n|---|---|---|\n".to_owned();
    for (method, (passed, all)) in &methods {
        let l2 = match *method {
            method if unserved.contains(method) => "no",
            method if alike.contains(method) => "same shape",
            _ => "served",
        };
        table += &format!("| {method} | {passed} of {all} | {l2} |\n");
    }
    let passed = cases.len() - failed.len();
    table + &format!("| all | {passed} of {} | |\n", cases.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn rpc_conformance() {
    let Some(folder) = find::find("execution-apis-io") else { return };
    let folder = folder.join("tests");
    let cases = read(&folder).unwrap();
    assert_eq!(cases.len(), 232);
    let l1 = spawn(config(&folder)).await.unwrap();
    let failed = failures(&l1.url(), &cases).await;
    l1.shutdown().await;

    let folder = tempfile::tempdir().unwrap();
    let network =
        Network::start(executable(), folder.path(), &NetworkOptions::default()).await.unwrap();
    let l2 = Own::of(&network).await;
    let (alike, unlike) = l2.shapes(&cases).await;
    let unserved = unserved(&l2.url(), &cases).await;

    let table = table(&cases, &failed, &unserved, &alike);
    println!("{table}");
    for (name, what) in &failed {
        println!("{name}: {what}");
    }
    for (name, what) in &unlike {
        println!("L2, {name}: {what}");
    }
    let page_text = fs::read_to_string(page()).unwrap();
    let (before, rest) = page_text.split_once(TABLE[0]).unwrap();
    let (published, after) = rest.split_once(TABLE[1]).unwrap();
    if env::var_os("RECOURSE_WRITE").is_some() {
        fs::write(page(), format!("{before}{}{table}{}{after}", TABLE[0], TABLE[1])).unwrap();
        return;
    }
    let failed: BTreeSet<String> = failed.into_keys().collect();
    assert_eq!(
        failed,
        told(|name| name.ends_with(".io")),
        "docs/json-rpc.md explains these failures"
    );
    let unlike: BTreeSet<String> = unlike.into_keys().collect();
    assert_eq!(
        unlike,
        told(|name| name.contains('/') && !name.contains([' ', '.'])),
        "docs/json-rpc.md explains what an L2 tells otherwise"
    );
    let explained = told(|name| !name.contains(['/', ' ']) && unserved.contains(name));
    assert_eq!(unserved, explained, "docs/json-rpc.md says why the L2 has no such methods");
    assert_eq!(
        published, table,
        "docs/json-rpc.md is stale: RECOURSE_WRITE=1 cargo xtask rpc-conformance"
    );
}
