//! Foundry's programs. The native ones only: the npm launchers return 0 when they fail.

use std::{
    env::consts,
    path::{Path, PathBuf},
};

use eyre::{Context, ContextCompat, bail};

use super::FOLDER;
use crate::command::{root, run, say};

/// Where this machine's `forge` or `cast` is, after `npm ci`.
pub(super) fn binary(name: &str) -> eyre::Result<PathBuf> {
    let (binary, platform) = place(name)?;
    let path = root().join(FOLDER).join(&binary);
    if !path.exists() {
        say(&format!("missing: contracts/{binary}"));
        bail!("contracts/package.json names no {name} for {platform}: add its package there");
    }
    Ok(path)
}

/// Where in the contracts' folder it would be, and this machine's platform.
pub(super) fn place(name: &str) -> eyre::Result<(String, String)> {
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("{name} is packaged for x86_64 and aarch64, this machine is {other}"),
    };
    let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let platform = format!("{os}-{arch}");
    Ok((format!("node_modules/@foundry-rs/{name}-{platform}/bin/{name}"), platform))
}

/// Runs it in the contracts' folder.
pub(super) fn forge(args: &[&str]) -> eyre::Result<()> {
    let path = binary("forge")?;
    run(FOLDER, path.to_str().wrap_err("the path of forge is not UTF-8")?, args)
}

/// A search path for programs that call `forge` by name.
pub(super) fn search_path() -> eyre::Result<String> {
    let binary = binary("forge")?;
    let folder = binary.parent().map(Path::to_path_buf);
    let found = std::env::var_os("PATH").unwrap_or_default();
    let all = folder.into_iter().chain(std::env::split_paths(&found));
    let path = std::env::join_paths(all).wrap_err("PATH can't be extended")?;
    path.into_string().ok().wrap_err("PATH is not UTF-8")
}
