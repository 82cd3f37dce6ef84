//! `cargo xtask clients`: clients that nobody here wrote, against real nodes. What runs: `tests/clients/run.js`.

use std::process::Command;

use eyre::bail;

use crate::{
    command::{self, cargo, root, run_with, say, target},
    contracts, npm,
    python::Environment,
    vectors::told,
};

const FOLDER: &str = "tests/clients";
/// As in the stage of the Rust tests, so that nothing is compiled twice: it leaves the daemons in target/debug.
const BUILD: [&str; 6] =
    ["test", "--workspace", "--locked", "--no-run", "--features", "recourse-tests/forge"];
/// What the clients need of the system, by the program that tells whether it is there. Debian's names.
const PACKAGES: [(&str, &str); 2] = [("chromium", "chromium"), ("jq", "jq")];

/// Runs these clients, or all. What can't be had here is a failure under CI=true and elsewhere a skip, which is returned.
pub(crate) fn run(only: &[String]) -> eyre::Result<Option<String>> {
    let missing = system_packages();
    if !missing.is_empty() {
        let what =
            format!("the clients need {}, which could not be installed", missing.join(" and "));
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            bail!(what);
        }
        say(&format!("SKIPPED: {what}"));
        return Ok(Some(what));
    }
    npm::install(FOLDER)?;
    let folder = root().join(FOLDER);
    let python =
        Environment { folder: folder.join(".venv"), requirements: folder.join("requirements.txt") };
    python.install()?;
    let cast = told(&contracts::cast()?)?;
    cargo(&BUILD)?;
    let (binaries, python) = (told(&target().join("debug"))?, told(&python.program("python"))?);
    let mut args = vec!["run.js", &binaries, &python, &cast];
    args.extend(only.iter().map(String::as_str));
    run_with(FOLDER, "node", &args, &[])?;
    Ok(None)
}

/// Installs what the system lacks, as root on Debian; returns what it still lacks.
fn system_packages() -> Vec<&'static str> {
    let lacks = |(program, package)| (!answers(program)).then_some(package);
    let missing: Vec<_> = PACKAGES.into_iter().filter_map(lacks).collect();
    if missing.is_empty() {
        return missing;
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    let apt = |arguments: &[&str]| {
        // It asks nobody anything.
        let how = ["DEBIAN_FRONTEND=noninteractive", "apt-get"];
        command::run("", "env", &[&how[..], arguments].concat())
    };
    let installed =
        apt(&["update", "--quiet"]).and_then(|()| apt(&[&install[..], &missing].concat()));
    if let Err(error) = installed {
        say(&format!("{error:#}"));
    }
    PACKAGES.into_iter().filter_map(lacks).collect()
}

fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
