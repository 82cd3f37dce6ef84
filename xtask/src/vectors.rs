//! `cargo xtask vectors` and `execute-witness`: EXECUTE on what others made.

use std::path::{Path, PathBuf, absolute};

use eyre::{Context, OptionExt};

use crate::command::cargo;

/// Optimised: thousands of blocks.
const PROGRAM: [&str; 8] =
    ["run", "--release", "--locked", "-p", "recourse-tests", "--bin", "vectors", "--"];

/// Runs all vectors, or one folder of EEST blockchain tests.
pub(crate) fn run(dir: Option<&Path>) -> eyre::Result<()> {
    let Some(dir) = dir else {
        return cargo(&PROGRAM);
    };
    cargo(&[&PROGRAM[..], &["--dir", &told(dir)?]].concat())
}

/// Spoils the witnesses of real blocks, every node and code in every way.
pub(crate) fn hostile() -> eyre::Result<()> {
    cargo(&[&PROGRAM[..], &["--hostile"]].concat())
}

/// Runs EXECUTE on blocks with witnesses.
pub(crate) fn execute_witness(files: &[PathBuf], rules: &str) -> eyre::Result<()> {
    let files: Vec<_> = files.iter().map(|file| told(file)).collect::<Result<_, _>>()?;
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    cargo(&[&PROGRAM[..], &["--rules", rules, "--execute-witness"], &files].concat())
}

/// A path for cargo, which is run at the repository's root.
pub(crate) fn told(path: &Path) -> eyre::Result<String> {
    let path = absolute(path).wrap_err("a path can't be told")?;
    Ok(path.to_str().ok_or_eyre("a path is not UTF-8")?.to_owned())
}
