//! `cargo xtask bonds`: the gas of every move at its dearest, and the bonds that cover it at the fee cap.

use crate::command::named_tests;

const TEST: [&str; 8] = [
    "--locked",
    "-p",
    "recourse-trace-builder",
    "--test",
    "settlement",
    "bonds::the_default_bonds_cover_the_measured_worst_case",
    "--",
    "--exact",
];

/// Measures, prints the tables of docs/money.md, and fails when the default bonds cover less.
pub(crate) fn run() -> eyre::Result<()> {
    named_tests(&[&TEST[..], &["--nocapture"]].concat(), &[])
}
