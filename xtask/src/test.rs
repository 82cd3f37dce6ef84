//! `cargo xtask test`: all that must pass.

use std::process::Command;

use clap::ValueEnum;

use crate::{
    bindings, clients,
    command::{self, Count, cargo, cargo_test, root, say},
    contracts, execute_vectors, oracle, vectors,
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

/// Runs every stage from `from` on, and says what was left out.
pub(crate) fn run(from: Stage) -> eyre::Result<()> {
    if from <= Stage::Rust {
        vectors::missing().iter().for_each(|part| say(&format!("will be SKIPPED: {part}")));
    }
    let (mut count, mut skipped) = (None, Vec::new());
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
                skipped.extend(vectors::missing());
                skipped.extend(contracts::without_anvil());
                count =
                    Some(cargo_test(&[&["--workspace", "--locked"][..], &FORGE].concat(), &[])?);
                skipped.extend(execute_vectors::run(true)?);
            }
            Stage::Oracle => oracle::run(&ORACLE)?,
            Stage::Clients => skipped.extend(clients::run(&[])?),
            Stage::Deny => deny()?,
        }
    }
    summary(from, &skipped, count).iter().for_each(|line| say(line));
    Ok(())
}

/// What passed, and what did not run.
fn summary(from: Stage, skipped: &[String], count: Option<Count>) -> Vec<String> {
    let stages = |ran: bool| {
        let stages = Stage::value_variants().iter().filter(|stage| (**stage >= from) == ran);
        stages.map(|stage| format!("{stage:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    let left = stages(false);
    let mut lines = vec![if left.is_empty() {
        "all stages passed".to_owned()
    } else {
        format!("passed: {}; not run, for --from: {left}", stages(true))
    }];
    if !skipped.is_empty() {
        lines.push(format!("passed, but {} parts were SKIPPED:", skipped.len()));
        lines.extend(skipped.iter().map(|part| format!("- {part}")));
    }
    if let Some(Count { passed, failed }) = count {
        lines.push("Rust tests:".to_owned());
        lines.push(format!("{passed} passed, {failed} failed"));
    }
    lines
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_is_said() {
        let count = Some(Count { passed: 7, failed: 0 });
        let all = summary(Stage::Format, &[], count);
        assert_eq!(all, ["all stages passed", "Rust tests:", "7 passed, 0 failed"]);
        let parts = ["the page: no browser".to_owned()];
        let some = summary(Stage::Format, &parts, count);
        assert!(some.contains(&"passed, but 1 parts were SKIPPED:".to_owned()), "{some:?}");
        assert!(some.contains(&"- the page: no browser".to_owned()), "{some:?}");
        let late = summary(Stage::Clients, &[], None);
        let left =
            "passed: clients, deny; not run, for --from: format, clippy, contracts, rust, oracle";
        assert_eq!(late, [left]);
    }
}
