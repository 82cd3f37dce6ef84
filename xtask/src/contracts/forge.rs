//! Foundry's forge. The native one only: the npm launcher returns 0 when tests fail.

use std::{env::consts, path::PathBuf};

use eyre::{ContextCompat, bail};

use super::FOLDER;
use crate::command::{root, run, say};

/// Where this machine's forge is, after `npm ci`.
pub(super) fn binary() -> eyre::Result<PathBuf> {
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("forge is packaged for x86_64 and aarch64, this machine is {other}"),
    };
    let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let forge = format!("node_modules/@foundry-rs/forge-{os}-{arch}/bin/forge");
    let path = root().join(FOLDER).join(&forge);
    if !path.exists() {
        say(&format!("missing: contracts/{forge}"));
        bail!("contracts/package.json names no forge for {os}-{arch}: add its package there");
    }
    Ok(path)
}

/// Runs it in the contracts' folder.
pub(super) fn forge(args: &[&str]) -> eyre::Result<()> {
    let path = binary()?;
    run(FOLDER, path.to_str().wrap_err("the path of forge is not UTF-8")?, args)
}
