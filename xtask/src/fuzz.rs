//! `cargo xtask fuzz`: every fuzz target for a while.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use eyre::{Context, ensure};

use crate::command::{cargo, named_tests, root, say};

const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// Where the fuzzers are built, and what they find is kept: not in the committed corpus.
const BUILT: &str = "target/fuzz";
/// What no input of this length may need: so many seconds are a hang, so many MiB are not bounded by the input.
const LIMITS: [&str; 4] =
    ["-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-max_len=16384"];

/// Runs the targets one after the other.
pub(crate) fn run(seconds: u64, only: Option<&str>) -> eyre::Result<()> {
    let tool = install()?;
    let targets = targets(only)?;
    build(&tool)?;
    let mut rows = Vec::new();
    for target in &targets {
        rows.push(fuzz(&tool, target, seconds)?);
    }
    say("| target | executions | new units | corpus | peak MiB | crashes |");
    say("|---|--:|--:|--:|--:|--:|");
    rows.iter().for_each(|row| say(&row.to_string()));
    let crashes: u64 = rows.iter().map(|row| row.crashes).fold(0, u64::saturating_add);
    ensure!(crashes == 0, "{crashes} crashes: the inputs that were left are in fuzz/artifacts");
    Ok(())
}

/// Writes the known claims and the seeds, which the tests of `execution` make.
pub(crate) fn write_seeds() -> eyre::Result<()> {
    let test = ["--locked", "-p", "recourse-execution", "--test", "main"];
    let name = ["every_target_passes_its_corpus"];
    named_tests(&[&test[..], &name].concat(), &[("RECOURSE_WRITE_SEEDS", "1")])
}

/// The targets, by the files that they are.
fn targets(only: Option<&str>) -> eyre::Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).wrap_err("no fuzz targets")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    if let Some(only) = only {
        ensure!(names.iter().any(|name| name == only), "no target {only}; there are {names:?}");
        names.retain(|name| name == only);
    }
    Ok(names)
}

/// cargo-fuzz, from the path or in `target/tools`.
fn install() -> eyre::Result<PathBuf> {
    let found = Command::new("cargo-fuzz").arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Ok("cargo-fuzz".into());
    }
    let tools = root().join("target/tools");
    let binary = tools.join("bin/cargo-fuzz");
    if !binary.exists() {
        say("installing cargo-fuzz into target/tools");
        let tools = tools.display().to_string();
        let version = ["--locked", "--version", CARGO_FUZZ_VERSION, "--root", &tools];
        cargo(&[&["install", "cargo-fuzz"][..], &version[..]].concat())?;
    }
    Ok(binary)
}

/// A cargo-fuzz command. Without a sanitizer, whose runtime the stable toolchain does not have: the code is safe Rust, and
/// what is looked for are panics, wrong answers, hangs and memory.
fn cargo_fuzz(tool: &Path, command: &str) -> Command {
    let mut cargo_fuzz = Command::new(tool);
    cargo_fuzz
        .args(["fuzz", command, "--sanitizer", "none", "--target-dir", BUILT])
        .current_dir(root());
    cargo_fuzz
}

fn build(tool: &Path) -> eyre::Result<()> {
    say("building the fuzz targets");
    let status = cargo_fuzz(tool, "build").status().wrap_err("cargo-fuzz can't be started")?;
    ensure!(status.success(), "the fuzz targets can't be built: {status}");
    Ok(())
}

/// How a target did.
#[derive(Debug, Default)]
struct Row {
    target: String,
    executions: u64,
    new_units: u64,
    corpus: usize,
    peak_mib: u64,
    crashes: u64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, new_units, corpus, peak_mib, crashes } = self;
        write!(f, "| {target} | {executions} | {new_units} | {corpus} | {peak_mib} | {crashes} |")
    }
}

fn fuzz(tool: &Path, target: &str, seconds: u64) -> eyre::Result<Row> {
    say(&format!("== {target}, {seconds} s"));
    let found = root().join(BUILT).join("corpus").join(target);
    let seeds = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&found).wrap_err_with(|| format!("can't create {}", found.display()))?;
    let before = artifacts(target);
    let output = cargo_fuzz(tool, "run")
        .arg(target)
        // The first folder is written to.
        .args([&found, &seeds])
        .arg("--")
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg("-print_final_stats=1")
        .stderr(Stdio::piped())
        .output()
        .wrap_err("cargo-fuzz can't be started")?;
    let log = String::from_utf8_lossy(&output.stderr);
    let mut crashes = written(&before, &artifacts(target));
    if !output.status.success() {
        say(&log);
        if crashes == 0 {
            // The other targets get their turn.
            say(&format!("{target} ended with {} and left no input", output.status));
            crashes = 1;
        }
    }
    Ok(Row {
        target: target.to_owned(),
        executions: stat(&log, "stat::number_of_executed_units:"),
        new_units: stat(&log, "stat::new_units_added:"),
        corpus: fs::read_dir(&found).map_or(0, Iterator::count),
        peak_mib: stat(&log, "stat::peak_rss_mb:"),
        crashes,
    })
}

/// A line of libFuzzer's closing statistics.
fn stat(log: &str, name: &str) -> u64 {
    let line = log.lines().rev().find_map(|line| line.strip_prefix(name));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

/// Inputs that a target failed on, so far, and when each was written.
fn artifacts(target: &str) -> BTreeMap<OsString, SystemTime> {
    let folder = root().join("fuzz/artifacts").join(target);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?.modified().ok()?)))
        .collect()
}

/// How many were written meanwhile. One that was found before is written again, under the same name.
fn written(before: &BTreeMap<OsString, SystemTime>, after: &BTreeMap<OsString, SystemTime>) -> u64 {
    let new = after.iter().filter(|(name, at)| before.get(*name) != Some(at)).count();
    u64::try_from(new).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_crash_that_is_found_again_counts() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let of = |all: &[(&str, u64)]| -> BTreeMap<OsString, SystemTime> {
            all.iter().map(|(name, seconds)| (OsString::from(name), at(*seconds))).collect()
        };
        let before = of(&[("crash-1", 1), ("crash-2", 2)]);
        assert_eq!(written(&before, &before), 0);
        assert_eq!(written(&before, &of(&[("crash-1", 1), ("crash-2", 3)])), 1);
        assert_eq!(written(&before, &of(&[("crash-1", 1), ("crash-2", 2), ("crash-3", 3)])), 1);
    }
}
