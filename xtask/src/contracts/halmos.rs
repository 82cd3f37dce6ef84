//! Symbolic execution of `test/symbolic`: what each `check_` says, for all values at once.

use super::{FOLDER, analysers, forge};
use crate::{command::run_with, vectors::told};

/// A check that takes a solver longer than this fails: each takes seconds.
const ARGUMENTS: [&str; 4] =
    ["--match-contract", "SymbolicTest", "--solver-timeout-assertion", "60s"];

/// Fails on any counterexample, and on a check that shows nothing because all its paths revert.
pub(super) fn run() -> eyre::Result<()> {
    let halmos = told(&analysers()?.program("halmos"))?;
    run_with(FOLDER, &halmos, &ARGUMENTS, &[("PATH", &forge::search_path()?)])
}
