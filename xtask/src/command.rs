//! Running other programs.

use std::{path::PathBuf, process::Command};

use eyre::{Context, bail};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// Runs a program in a folder of the repository and fails when it does.
pub(crate) fn run(folder: &str, program: &str, args: &[&str]) -> eyre::Result<()> {
    say(&format!("$ {program} {}", args.join(" ")));
    let status = Command::new(program)
        .args(args)
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
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    run("", &cargo, args)
}

/// Tells the person at the terminal.
#[expect(clippy::print_stdout, reason = "a command line tool")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
