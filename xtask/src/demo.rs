//! `cargo xtask demo`: the demo, with what it needs.

use crate::{command::cargo_run_here, npm};

const PROGRAM: [&str; 4] = ["--locked", "--release", "--bin", "demo"];
const FORK_ANVIL: &str = "--fork-anvil";

/// Runs the demo with these arguments. Anvil is one of the packages of the contracts' folder.
pub(crate) fn run(fork_anvil: bool, args: &[String]) -> eyre::Result<()> {
    let args = arguments(fork_anvil, args);
    if args.iter().any(|arg| arg == FORK_ANVIL) {
        npm::install("contracts")?;
    }
    cargo_run_here(&PROGRAM, &args)
}

/// Those of the demo. Behind another one, our flag comes among them.
fn arguments(fork_anvil: bool, args: &[String]) -> Vec<String> {
    let mut all = args.to_vec();
    if fork_anvil && !all.iter().any(|arg| arg == FORK_ANVIL) {
        all.push(FORK_ANVIL.to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_may_stand_anywhere() {
        let of = |all: &[&str]| all.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        let both = of(&["--keep-running", FORK_ANVIL]);
        assert_eq!(arguments(true, &of(&["--keep-running"])), both);
        assert_eq!(arguments(false, &both), both);
        assert_eq!(arguments(true, &both), both);
    }
}
