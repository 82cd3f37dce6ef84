//! Holds docs/attacks.md and docs/money.md against the tests that they name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Folders of which every test is an attack.
const FOLDERS: &[&str] = &["contracts/test/attacks", "trace-builder/tests/settlement/attacks"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every `path::name` of a document's tables.
fn named_in(document: &str) -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let quoted = text.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`'));
    let tests = quoted.filter_map(|word| word.split_once("::"));
    tests.map(|(path, name)| (path.to_owned(), name.to_owned())).collect()
}

/// Names of the tests in a file: functions that forge runs, functions behind `#[test]`, `#[tokio::test]` or in `proptest!`.
fn tests_in(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let name = |line: &str, keyword: &str| {
        let rest = line.trim_start().strip_prefix(keyword)?;
        Some(rest.split(['(', '<']).next()?.to_owned())
    };
    if path.extension().is_some_and(|extension| extension == "sol") {
        let functions = text.lines().filter_map(|line| name(line, "function "));
        let runs = |name: &String| name.starts_with("test") || name.starts_with("invariant_");
        return functions.filter(runs).collect();
    }
    let mut tests = BTreeSet::new();
    let mut marked = false;
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(name) = name(line, "fn ").or_else(|| name(line, "async fn ")) {
            if marked {
                tests.insert(name);
            }
            marked = false;
        }
    }
    tests
}

#[test]
fn every_test_that_the_documents_name_exists() {
    for (document, at_least) in [("docs/attacks.md", 100), ("docs/money.md", 50)] {
        let named = named_in(document);
        assert!(named.len() > at_least, "{document} names {} tests", named.len());
        let exists = |path: &str, name: &String| tests_in(&root().join(path)).contains(name);
        let missing: Vec<_> = named.iter().filter(|(path, name)| !exists(path, name)).collect();
        assert!(missing.is_empty(), "{document} names tests that do not exist: {missing:#?}");
    }
}

/// Who can lose money is a question with a test for each answer.
#[test]
fn every_row_about_money_has_a_test() {
    let text = fs::read_to_string(root().join("docs/money.md")).unwrap();
    let (_, table) = text.split_once("## Who can lose money").unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    assert!(rows.len() > 40, "{} rows", rows.len());
    for row in rows {
        assert!(row.contains("::"), "no test in {row}");
    }
}

#[test]
fn every_attack_is_in_the_document() {
    let named = named_in("docs/attacks.md");
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{folder}/{file}");
            for name in tests_in(&root().join(&path)) {
                let known = named.contains(&(path.clone(), name.clone()));
                assert!(known, "docs/attacks.md does not name {path}::{name}");
            }
        }
    }
}

/// A setter would let somebody lower a bond under older claims, or change the game under them.
#[test]
fn nobody_can_change_the_rules_of_a_deployed_rollup() {
    let artifact = fs::read_to_string(root().join("contracts/artifacts/Rollup.json")).unwrap();
    let artifact: Value = serde_json::from_str(&artifact).unwrap();
    let changes = |entry: &&Value| {
        let mutability = entry["stateMutability"].as_str().unwrap_or_default();
        entry["type"] == "function" && !["view", "pure"].contains(&mutability)
    };
    let functions = artifact["abi"].as_array().unwrap().iter().filter(changes);
    let names: BTreeSet<_> = functions.map(|entry| entry["name"].as_str().unwrap()).collect();
    let moves = [
        "propose",
        "challengeClaim",
        "challengeGap",
        "reveal",
        "proveStep",
        "killGap",
        "killClaim",
        "killGapBeyond",
        "proveFraudGap",
        "proveFraudClaim",
        "timeout",
        "confirm",
        "markVoid",
        "settleAttempt",
        "settleChallenge",
        "withdraw",
    ];
    assert_eq!(names, BTreeSet::from(moves), "moves of the game, and nothing else");
}
