//! `cargo xtask demo`: the demo, with what it needs.

use crate::{command::cargo, npm};

/// Runs the demo with these arguments. Anvil is one of the packages of the contracts' folder.
pub(crate) fn run(fork_anvil: bool, args: &[String]) -> eyre::Result<()> {
    let mut demo = vec!["run", "--locked", "--release", "--bin", "demo", "--"];
    if fork_anvil {
        npm::install("contracts")?;
        demo.push("--fork-anvil");
    }
    demo.extend(args.iter().map(String::as_str));
    cargo(&demo)
}
