//! `cargo xtask test`: all that must pass.

use std::process::Command;

use clap::ValueEnum;

use crate::{
    bindings, clients,
    command::{self, Count, cargo, cargo_test, root, say},
    contracts, execute_vectors, oracle,
};

/// The contracts' stage has installed forge, so its tests run, too.
const FORGE: [&str; 2] = ["--features", "recourse-tests/forge"];
const DENY_VERSION: &str = "0.20.2";
/// The same few at every run, in seconds; `cargo xtask oracle` runs as many others as one likes.
const ORACLE: oracle::Options = oracle::Options { blocks: Some(60), seed: Some(1), replay: None };

/// A stage of the test run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Stage {
    /// rustfmt and the freshness of the bindings.
    Format,
    /// clippy, warnings denied.
    Clippy,
    /// All of `cargo xtask contracts --check`.
    Contracts,
    /// Rust tests and doctests, the published vectors.
    Rust,
    /// Random blocks against the Python execution specs.
    Oracle,
    /// Clients that nobody here wrote.
    Clients,
    /// Licences, bans, sources.
    Deny,
}

/// Runs every stage from `from` on.
pub(crate) fn run(from: Stage) -> eyre::Result<()> {
    let mut count = Count::default();
    for stage in Stage::value_variants().iter().filter(|stage| **stage >= from) {
        say(&format!("== {stage:?}"));
        match stage {
            Stage::Format => {
                cargo(&["fmt", "--all", "--check"])?;
                bindings::run(true)?;
            }
            Stage::Clippy => {
                let clippy = ["clippy", "--workspace", "--all-targets", "--locked"];
                cargo(&[&clippy[..], &FORGE, &["--", "-D", "warnings"]].concat())?;
            }
            Stage::Contracts => contracts::check()?,
            Stage::Rust => {
                count = cargo_test(&[&["--workspace", "--locked"][..], &FORGE].concat())?;
                execute_vectors::run(true)?;
            }
            Stage::Oracle => oracle::run(&ORACLE)?,
            Stage::Clients => clients::run(&[])?,
            Stage::Deny => deny()?,
        }
    }
    say("all stages passed; Rust tests:");
    say(&format!("{} passed, {} failed", count.passed, count.failed));
    Ok(())
}

fn deny() -> eyre::Result<()> {
    let check = ["check", "bans", "licenses", "sources"];
    if Command::new("cargo-deny").arg("--version").output().is_ok_and(|o| o.status.success()) {
        return command::run("", "cargo-deny", &check);
    }
    let tools = root().join("target/tools");
    let binary = tools.join("bin/cargo-deny");
    let (tools, path) = (tools.display().to_string(), binary.display().to_string());
    if !binary.exists() {
        say("installing cargo-deny into target/tools");
        let version = ["--locked", "--version", DENY_VERSION, "--root", &tools];
        cargo(&[&["install", "cargo-deny"][..], &version[..]].concat())?;
    }
    command::run("", &path, &check)
}
