//! `cargo xtask vectors`: the official test vectors.

use std::path::{Path, absolute};

use eyre::{Context, OptionExt};

use crate::command::cargo;

/// Runs all of them, or one folder of EEST blockchain tests. Optimised: thousands of blocks.
pub(crate) fn run(dir: Option<&Path>) -> eyre::Result<()> {
    let program =
        ["run", "--release", "--locked", "-p", "recourse-tests", "--bin", "vectors", "--"];
    let Some(dir) = dir else {
        return cargo(&program);
    };
    // Cargo is run at the repository's root.
    let dir = absolute(dir).wrap_err("the folder's path can't be told")?;
    let dir = dir.to_str().ok_or_eyre("the folder's path is not UTF-8")?;
    cargo(&[&program[..], &["--dir", dir]].concat())
}
