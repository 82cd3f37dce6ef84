//! `cargo xtask oracle`: random blocks against the Python execution specs, in a virtual environment of the project's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Context, bail};

use crate::{
    command::{self, cargo, root, say},
    vectors::told,
};

const PROGRAM: [&str; 7] = ["run", "--locked", "-p", "recourse-tests", "--bin", "oracle", "--"];
const REQUIREMENTS: &str = "tests/oracle/requirements.txt";
const FOLDER: &str = ".venv";
/// Those that all packages have wheels for.
const PYTHONS: [&str; 4] = ["python3.12", "python3.11", "python3", "python"];
const VERSIONS: [&str; 2] = ["3.11", "3.12"];

/// What to run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) blocks: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) replay: Option<PathBuf>,
}

/// Runs many blocks, or one case from a file. Not optimised: it is the specs that take the time.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    install()?;
    let mut args: Vec<String> = PROGRAM.iter().map(|arg| (*arg).to_owned()).collect();
    args.extend(["--python".to_owned(), told(&python_of(&root().join(FOLDER)))?]);
    if let Some(blocks) = options.blocks {
        args.extend(["--blocks".to_owned(), blocks.to_string()]);
    }
    if let Some(seed) = options.seed {
        args.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(file) = &options.replay {
        args.extend(["--replay".to_owned(), told(file)?]);
    }
    cargo(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Installs exactly what the requirements name, unless it is there.
fn install() -> eyre::Result<()> {
    let wanted = fs::read(root().join(REQUIREMENTS))
        .wrap_err_with(|| format!("{REQUIREMENTS} can't be read"))?;
    let folder = root().join(FOLDER);
    let stamp = folder.join(".recourse-requirements");
    if fs::read(&stamp).is_ok_and(|got| got == wanted) {
        return Ok(());
    }
    command::run("", &python()?, &["-m", "venv", "--clear", FOLDER])?;
    let python = told(&python_of(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    // No dependency but the listed ones, and nothing is built here.
    let exactly = ["--no-deps", "--only-binary", ":all:", "-r", REQUIREMENTS];
    command::run("", &python, &[&pip[..], &exactly[..]].concat())?;
    command::run("", &python, &["-m", "pip", "check"])?;
    fs::write(&stamp, wanted).wrap_err("the stamp of the installed packages can't be written")
}

fn python_of(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// A Python of the right version.
fn python() -> eyre::Result<String> {
    let found = PYTHONS
        .into_iter()
        .find(|name| version(name).is_some_and(|version| VERSIONS.contains(&version.as_str())));
    match found {
        Some(name) => Ok(name.to_owned()),
        None => {
            say(&format!("looked for: {}", PYTHONS.join(", ")));
            bail!("the execution specs need Python {}", VERSIONS.join(" or "))
        }
    }
}

/// Major and minor.
fn version(python: &str) -> Option<String> {
    let program = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", program]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
