//! A part of the official test vectors, by the program that runs them all (docs/vectors.md). Blocks on their states run in
//! `execution`'s tests.

use std::{path::Path, process::Command};

#[path = "../../execution/tests/main/vectors.rs"]
pub(crate) mod find;

/// Runs the program and gives how many passed. None may fail.
fn run(args: &[&str]) -> usize {
    let output = Command::new(env!("CARGO_BIN_EXE_vectors")).args(args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let last = told.trim_end().lines().last().unwrap();
    let passed = last.split_once(" passed, 0 failed").expect(last).0;
    passed.parse().unwrap()
}

#[test]
fn real_blocks_run_from_the_witnesses_that_came_with_them() {
    if find::find("holesky-witnesses").is_some() {
        assert_eq!(run(&["--only", "holesky"]), 4);
    }
}

#[test]
fn commitments_openings_and_the_precompile_agree_with_the_kzg_vectors() {
    if find::find("kzg-4844").is_some() {
        assert_eq!(run(&["--only", "kzg"]), 185);
    }
}

#[test]
fn the_trie_and_rlp_agree_with_their_vectors() {
    if find::find("trie-and-rlp-tests").is_some() {
        assert_eq!(run(&["--only", "tries", "rlp"]), 80);
    }
}

#[test]
fn blocks_of_access_lists_are_executed_step_by_step_and_invalid_ones_refused() {
    if let Some(folder) = find::find("eest-osaka") {
        let folder = folder.join("eest-osaka/berlin/eip2930_access_list");
        assert_eq!(run(&["--dir", path(&folder)]), 533);
    }
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}
