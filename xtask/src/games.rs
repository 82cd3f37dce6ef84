//! `cargo xtask games`: the Rollup contract against its reference model, for longer than a test run does.

use eyre::{Context, ensure};

use crate::command::{root, say};

const TEST: [&str; 7] =
    ["test", "--locked", "-p", "recourse-trace-builder", "--test", "state_machine", "--"];

/// Plays so many games for each arity, never the same ones; prints what was accepted and refused, and any shortest game on which the two
/// differ.
pub(crate) fn run(count: u32) -> eyre::Result<()> {
    say(&format!("{count} games for each arity"));
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = std::process::Command::new(cargo)
        .args(TEST)
        .arg("--nocapture")
        .env("RECOURSE_GAMES", count.to_string())
        .env("RUST_BACKTRACE", "0")
        .current_dir(root())
        .status()
        .wrap_err("cargo can't be started")?;
    ensure!(status.success(), "contract and model differ: {status}");
    Ok(())
}
