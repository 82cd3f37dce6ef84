//! Building and testing the contracts. Native forge only: the npm launchers return 0 when tests fail.

use std::{env::consts, fs};

use eyre::{Context, bail};

use crate::command::{root, run, say};

const FOLDER: &str = "contracts";

/// Installs the tools that the lock file names, unless they are there.
pub(crate) fn install() -> eyre::Result<()> {
    let lock = root().join(FOLDER).join("package-lock.json");
    let stamp = root().join(FOLDER).join("node_modules/.recourse-lock");
    let wanted = fs::read(&lock).wrap_err_with(|| format!("{} can't be read", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|got| got == wanted) {
        return Ok(());
    }
    run(FOLDER, "npm", &["ci", "--no-audit", "--no-fund"])?;
    fs::write(&stamp, wanted).wrap_err("the stamp of the installed packages can't be written")
}

/// Builds the contracts and writes their artifacts, or fails when those are stale.
pub(crate) fn artifacts(check: bool) -> eyre::Result<()> {
    install()?;
    forge(&["build"])?;
    run(FOLDER, "node", &["artifacts.js", if check { "--check" } else { "--write" }])
}

/// Checks format, freshness and tests.
pub(crate) fn test() -> eyre::Result<()> {
    artifacts(true)?;
    forge(&["fmt", "--check"])?;
    forge(&["test"])
}

fn forge(args: &[&str]) -> eyre::Result<()> {
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("forge is packaged for x86_64 and aarch64, this machine is {other}"),
    };
    let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let forge = format!("node_modules/@foundry-rs/forge-{os}-{arch}/bin/forge");
    if !root().join(FOLDER).join(&forge).exists() {
        say(&format!("missing: contracts/{forge}"));
        bail!("contracts/package.json names no forge for {os}-{arch}: add its package there");
    }
    run(FOLDER, &format!("./{forge}"), args)
}
