//! Python programs in virtual environments of the project's own, with exactly the packages that a file names.

use std::{fs, path::PathBuf, process::Command};

use eyre::{Context, bail};

use crate::{
    command::{run, say},
    vectors::told,
};

/// Those that all packages have wheels for.
const PYTHONS: [&str; 4] = ["python3.12", "python3.11", "python3", "python"];
const VERSIONS: [&str; 2] = ["3.11", "3.12"];

/// A virtual environment, and the file that says what is in it.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// `name==version`, one a line, of all packages; none else is installed.
    pub(crate) requirements: PathBuf,
}

impl Environment {
    /// Installs what the requirements name, unless it is there.
    pub(crate) fn install(&self) -> eyre::Result<()> {
        let requirements = told(&self.requirements)?;
        let wanted = fs::read(&self.requirements)
            .wrap_err_with(|| format!("{requirements} can't be read"))?;
        let stamp = self.folder.join(".recourse-requirements");
        if fs::read(&stamp).is_ok_and(|got| got == wanted) {
            return Ok(());
        }
        run("", &python()?, &["-m", "venv", "--clear", &told(&self.folder)?])?;
        let python = told(&self.program("python"))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        // No dependency but the listed ones, and nothing is built here.
        let exactly = ["--no-deps", "--only-binary", ":all:", "-r", &requirements];
        run("", &python, &[&pip[..], &exactly[..]].concat())?;
        run("", &python, &["-m", "pip", "check"])?;
        fs::write(&stamp, wanted).wrap_err("the stamp of the installed packages can't be written")
    }

    /// A program of the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
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
            bail!("the Python programs need Python {}", VERSIONS.join(" or "))
        }
    }
}

/// Major and minor.
fn version(python: &str) -> Option<String> {
    let program = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", program]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
