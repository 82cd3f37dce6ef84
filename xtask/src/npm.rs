//! Packages of npm, exactly those that a folder's lock file names.

use std::fs;

use eyre::Context;

use crate::command::{root, run};

/// Installs them, unless they are there.
pub(crate) fn install(folder: &str) -> eyre::Result<()> {
    let lock = root().join(folder).join("package-lock.json");
    let stamp = root().join(folder).join("node_modules/.recourse-lock");
    let wanted = fs::read(&lock).wrap_err_with(|| format!("{} can't be read", lock.display()))?;
    if fs::read(&stamp).is_ok_and(|got| got == wanted) {
        return Ok(());
    }
    run(folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    fs::write(&stamp, wanted).wrap_err("the stamp of the installed packages can't be written")
}
