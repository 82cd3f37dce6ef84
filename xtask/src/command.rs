//! Running other programs.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use eyre::{Context, bail, ensure};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// Runs a program in a folder of the repository and fails when it does.
pub(crate) fn run(folder: &str, program: &str, args: &[&str]) -> eyre::Result<()> {
    run_with(folder, program, args, &[])
}

/// [`run`], with environment variables set.
pub(crate) fn run_with(
    folder: &str,
    program: &str,
    args: &[&str],
    variables: &[(&str, &str)],
) -> eyre::Result<()> {
    say(&format!("$ {program} {}", args.join(" ")));
    let status = Command::new(program)
        .args(args)
        .envs(variables.iter().copied())
        .current_dir(root().join(folder))
        .status()
        .wrap_err_with(|| format!("{program} can't be started: is it installed?"))?;
    if !status.success() {
        bail!("`{program} {}` failed in ./{folder}: {status}", args.join(" "));
    }
    Ok(())
}

/// Runs cargo, the one that runs us.
pub(crate) fn cargo(args: &[&str]) -> eyre::Result<()> {
    run("", &program(), args)
}

/// Runs a program of the workspace where the caller is, so that the paths that it is given are the caller's.
pub(crate) fn cargo_run_here(options: &[&str], args: &[String]) -> eyre::Result<()> {
    let manifest = root().join("Cargo.toml");
    let mut command = Command::new(program());
    command.arg("run").arg("--manifest-path").arg(manifest).args(options).arg("--").args(args);
    say(&format!("$ cargo run {} -- {}", options.join(" "), args.join(" ")));
    let status = command.status().wrap_err("cargo can't be started")?;
    ensure!(status.success(), "`cargo run {}` failed: {status}", options.join(" "));
    Ok(())
}

fn program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Where cargo builds, unless a configuration file of cargo's says otherwise.
pub(crate) fn target() -> PathBuf {
    // `join` takes an absolute path as it is.
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Tests that passed and failed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// Runs `cargo test` for tests that somebody names. That there are none is a failure.
pub(crate) fn named_tests(args: &[&str], variables: &[(&str, &str)]) -> eyre::Result<()> {
    cargo_test(args, variables)?.at_least_one(args)
}

/// Runs `cargo test` with environment variables set, shows what it prints, and counts.
pub(crate) fn cargo_test(args: &[&str], variables: &[(&str, &str)]) -> eyre::Result<Count> {
    say(&format!("$ cargo test {}", args.join(" ")));
    let mut child = Command::new(program())
        .arg("test")
        .args(args)
        .envs(variables.iter().copied())
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .wrap_err("cargo can't be started")?;
    let mut count = Count::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.wrap_err("the output of cargo test can't be read")?;
            count.add(&line);
            say(&line);
        }
    }
    let status = child.wait().wrap_err("cargo test can't be waited for")?;
    if !status.success() {
        bail!("cargo test failed: {status}; {} passed, {} failed", count.passed, count.failed);
    }
    Ok(count)
}

impl Count {
    fn at_least_one(self, args: &[&str]) -> eyre::Result<()> {
        let command = args.join(" ");
        ensure!(self.passed > 0, "no test ran: `cargo test {command}` names none");
        Ok(())
    }

    /// Adds the line in which a test binary says how it ended: `test result: ok. 3 passed; 0 failed; ...`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let words: Vec<_> = result.split_whitespace().collect();
        for pair in words.windows(2) {
            if let [number, what] = pair {
                let number = number.parse().unwrap_or(0);
                match what.trim_end_matches(';') {
                    "passed" => self.passed = self.passed.saturating_add(number),
                    "failed" => self.failed = self.failed.saturating_add(number),
                    _ => {}
                }
            }
        }
    }
}

/// Tells the person at the terminal.
#[expect(clippy::print_stdout, reason = "a command line tool")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_over_all_binaries() {
        let mut count = Count::default();
        count.add("running 3 tests");
        count.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out");
        count.add("test result: FAILED. 2 passed; 1 failed; 0 ignored");
        assert_eq!((count.passed, count.failed), (5, 1));
    }

    #[test]
    fn no_test_by_that_name_is_a_failure() {
        let mut count = Count::default();
        count.add("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 87 filtered out");
        assert!(count.at_least_one(&["--", "nothing"]).is_err());
        count.add("test result: ok. 1 passed; 0 failed");
        assert!(count.at_least_one(&["--", "something"]).is_ok());
    }
}
