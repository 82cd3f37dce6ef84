//! `cargo xtask forked`: the end-to-end tests on forks. What makes them forks: `tests/src/network.rs`.

use crate::{
    command::{named_tests, say},
    npm,
};

const TESTS: [&str; 6] =
    ["--workspace", "--locked", "--features", "recourse-tests/forge", "--test", "end_to_end"];

/// Runs all of them, or those whose name has `filter` in it.
pub(crate) fn run(filter: Option<&str>) -> eyre::Result<()> {
    npm::install("contracts")?;
    say("every L1 that the tests start is a fork of an Anvil");
    let filter: Vec<_> = filter.into_iter().collect();
    named_tests(
        &[&TESTS[..], &["--no-fail-fast", "--"], &filter].concat(),
        &[("RECOURSE_ON_A_FORK", "1")],
    )
}
