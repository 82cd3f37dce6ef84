//! `cargo xtask deploy`: the deployment command, built from this source.

use crate::command::cargo_run_here;

const PROGRAM: [&str; 7] =
    ["--locked", "--release", "-q", "-p", "recourse-node", "--bin", "recourse-deploy"];

/// Runs `recourse-deploy` with these arguments.
pub(crate) fn run(args: &[String]) -> eyre::Result<()> {
    cargo_run_here(&PROGRAM, args)
}
