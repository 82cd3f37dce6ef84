//! Holds the dependency table of ARCHITECTURE.md against `cargo metadata`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// What each crate may use; edges are transitive.
const MAY_USE: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("execution", &["protocol"]),
    ("bisection", &["protocol"]),
    ("trace-builder", &["execution", "bisection"]),
    ("rpc", &[]),
    ("node", &["protocol", "execution"]),
    ("proposer", &["node", "trace-builder", "rpc"]),
    ("challenger", &["node", "trace-builder"]),
    ("l1-node", &["execution", "rpc"]),
    ("xtask", &[]),
];

/// Crates without IO, clock, randomness or async.
const PURE: &[&str] = &["protocol", "execution", "bisection"];

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every workspace crate with the workspace crates that it names as normal dependencies.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let ours = |name: &str| name.strip_prefix("recourse-").map(str::to_owned);
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let normal = dependencies.iter().filter(|d| d["kind"].is_null());
            let used = normal.filter_map(|d| ours(d["name"].as_str().unwrap())).collect();
            (ours(package["name"].as_str().unwrap()).unwrap(), used)
        })
        .collect()
}

fn allowed(name: &str) -> BTreeSet<String> {
    let direct = MAY_USE.iter().find(|(crate_name, _)| *crate_name == name);
    let (_, direct) = direct.unwrap_or_else(|| panic!("{name} is not in the table"));
    let transitive = direct.iter().flat_map(|name| allowed(name));
    direct.iter().map(|name| (*name).to_owned()).chain(transitive).collect()
}

#[test]
fn crates_import_only_what_the_table_allows() {
    let edges = edges();
    assert_eq!(edges.len(), MAY_USE.len() + 1, "the table names every crate but `tests`");
    for (name, used) in edges.iter().filter(|(name, _)| *name != "tests") {
        let allowed = allowed(name);
        let extra: Vec<_> = used.difference(&allowed).collect();
        assert!(extra.is_empty(), "{name} may not import {extra:?}");
    }
}

#[test]
fn the_table_in_the_documentation_is_this_one() {
    let map = include_str!("../../ARCHITECTURE.md");
    for (name, uses) in MAY_USE {
        let row = map.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let documented: BTreeSet<_> = last.split('`').skip(1).step_by(2).collect();
        assert_eq!(documented, uses.iter().copied().collect(), "{name}");
    }
}

#[test]
fn pure_crates_have_no_async_runtime() {
    for name in PURE {
        let package = format!("recourse-{name}");
        let tree = cargo(&["tree", "-p", &package, "-e", "normal", "--prefix", "none", "--locked"]);
        for banned in ["tokio v", "reqwest v", "sled v", "mio v"] {
            assert!(!tree.lines().any(|line| line.starts_with(banned)), "{name} pulls in {banned}");
        }
    }
}
