//! `cargo xtask execute-vectors`: the vectors that we publish for EXECUTE, and a reader of them that is not ours.

use std::process::Command;

use eyre::bail;

use crate::command::{self, cargo, say};

const PROGRAM: [&str; 6] = ["run", "--locked", "-p", "recourse-tests", "--bin", "execute-vectors"];
/// Written from docs/execute.md alone; standard library only.
const READER: &str = "docs/vectors/reader/check.py";

/// Writes the vectors, or fails when they are stale; then lets the independent reader check them. Returns what
/// was skipped.
pub(crate) fn run(check: bool) -> eyre::Result<Option<String>> {
    let check: &[&str] = if check { &["--", "--check"] } else { &[] };
    cargo(&[&PROGRAM[..], check].concat())?;
    if Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success()) {
        command::run("", "python3", &["-B", READER])?;
        return Ok(None);
    }
    if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        bail!("there is no python3 for {READER}");
    }
    let skipped = format!("{READER}: there is no python3");
    say(&format!("SKIPPED {skipped}"));
    Ok(Some(skipped))
}
