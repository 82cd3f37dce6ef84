//! `cargo xtask deploy`: the deployment command, built from this source.

use crate::command::cargo;

const PROGRAM: [&str; 9] =
    ["run", "--locked", "--release", "-q", "-p", "recourse-node", "--bin", "recourse-deploy", "--"];

/// Runs `recourse-deploy` with these arguments.
pub(crate) fn run(args: &[String]) -> eyre::Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    cargo(&[&PROGRAM[..], &args].concat())
}
