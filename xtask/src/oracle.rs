//! `cargo xtask oracle`: random blocks against the Python execution specs, in a virtual environment of the project's.

use std::path::PathBuf;

use crate::{
    command::{cargo, root},
    python::Environment,
    vectors::told,
};

const PROGRAM: [&str; 7] = ["run", "--locked", "-p", "recourse-tests", "--bin", "oracle", "--"];

/// What to run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) blocks: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) replay: Option<PathBuf>,
}

/// Runs many blocks, or one case from a file. Not optimised: it is the specs that take the time.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let specs = Environment {
        folder: root().join(".venv"),
        requirements: root().join("tests/oracle/requirements.txt"),
    };
    specs.install()?;
    let mut args: Vec<String> = PROGRAM.iter().map(|arg| (*arg).to_owned()).collect();
    args.extend(["--python".to_owned(), told(&specs.program("python"))?]);
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
