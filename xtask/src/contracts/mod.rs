//! Building, testing and analysing the contracts.

mod forge;
mod halmos;
mod slither;

use std::{fs, path::PathBuf};

use eyre::Context;

use self::forge::forge;
use crate::{
    command::{root, run},
    npm,
    python::Environment,
    vectors::told,
};

const FOLDER: &str = "contracts";
/// Tests whose calls are measured.
const GAS_TESTS: [&str; 3] = ["test", "--match-path", "test/gas/*"];
/// Where they leave what they measured, as in foundry.toml.
const GAS: &str = "cache/gas";

/// Rebuilds the contracts, and writes what is committed of them: artifacts, storage layouts, gas.
pub(crate) fn write() -> eyre::Result<()> {
    npm::install(FOLDER)?;
    forge(&["build"])?;
    run(FOLDER, "node", &["artifacts.js", "--write"])?;
    forget_gas()?;
    forge(&GAS_TESTS)?;
    run(FOLDER, "node", &["snapshots.js", "--write"])
}

/// Fails unless everything about the contracts is as it must be: artifacts and snapshots fresh, format, tests, analyses.
pub(crate) fn check() -> eyre::Result<()> {
    npm::install(FOLDER)?;
    forge(&["build"])?;
    run(FOLDER, "node", &["artifacts.js", "--check"])?;
    forge(&["fmt", "--check"])?;
    forget_gas()?;
    forge(&["test"])?;
    run(FOLDER, "node", &["snapshots.js", "--check"])?;
    halmos::run()?;
    slither::run()
}

/// Foundry's cast.
pub(crate) fn cast() -> eyre::Result<PathBuf> {
    npm::install(FOLDER)?;
    forge::binary("cast")
}

/// What the Rust tests pass over because Anvil is not installed.
pub(crate) fn without_anvil() -> Option<String> {
    let place = forge::place("anvil").map(|(place, _)| root().join(FOLDER).join(place));
    let why = match place {
        Ok(path) if path.exists() => return None,
        Ok(path) => format!("no {}", path.display()),
        Err(error) => error.to_string(),
    };
    Some(format!("tests beside Anvil, and on forks of it: {why}"))
}

/// Slither and halmos.
fn analysers() -> eyre::Result<Environment> {
    let folder = root().join(FOLDER);
    let environment =
        Environment { folder: folder.join(".venv"), requirements: folder.join("requirements.txt") };
    environment.install()?;
    Ok(environment)
}

/// Tests the tests: see `contracts/mutants.js`.
pub(crate) fn mutants(seconds: u64, skip: u64, files: &[String]) -> eyre::Result<()> {
    npm::install(FOLDER)?;
    let (forge, seconds, skip) =
        (told(&forge::binary("forge")?)?, seconds.to_string(), skip.to_string());
    let mut args = vec!["mutants.js", &forge, &seconds, &skip];
    args.extend(files.iter().map(String::as_str));
    run(FOLDER, "node", &args)
}

/// What earlier runs measured: a call that no test makes any more would live on there.
fn forget_gas() -> eyre::Result<()> {
    let folder = root().join(FOLDER).join(GAS);
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&folder).wrap_err_with(|| format!("can't remove {}", folder.display()))
}
