//! `cargo xtask kills`: processes killed while they write the L2 state, more than a test run does.

use crate::command::run_with;

const TEST: [&str; 6] = ["test", "--locked", "-p", "recourse-node", "--test", "kills"];

/// Kills so many; each time what is there must be whole, and nothing that was acknowledged lost.
pub(crate) fn run(count: u64) -> eyre::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    run_with("", &cargo, &TEST, &[("RECOURSE_KILLS", &count.to_string())])
}
