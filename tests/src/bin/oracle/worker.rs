//! The Python execution specs, behind one long-lived process that speaks lines of JSON.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use alloy_primitives::Address;
use eyre::{OptionExt, WrapErr, bail};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    case::{Account, Case},
    opinion::Opinion,
};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/worker.py");

/// A running `tests/oracle/worker.py`.
#[derive(Debug)]
pub(crate) struct Worker {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// An empty folder, which t8n wants.
    scratch: TempDir,
}

#[derive(Serialize)]
struct Question<'a> {
    #[serde(flatten)]
    case: &'a Case,
    scratch: &'a Path,
    /// Stop after so many transactions and tell the whole state.
    stop: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Crash { crash: String },
    Answer(T),
}

#[derive(Deserialize)]
struct Stopped {
    alloc: BTreeMap<Address, Account>,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// When that Python is not there.
    pub(crate) fn start(python: &Path) -> eyre::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let mut process = Command::new(python)
            .arg(PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| {
                format!("{} can't be started: `cargo xtask oracle` installs it", python.display())
            })?;
        let stdin = process.stdin.take().ok_or_eyre("no stdin")?;
        let stdout = BufReader::new(process.stdout.take().ok_or_eyre("no stdout")?);
        Ok(Self { process, stdin, stdout, scratch })
    }

    /// What the specs say of a case.
    ///
    /// # Errors
    /// When they break on it, or t8n and the functions behind it disagree.
    pub(crate) fn judge(&mut self, case: &Case) -> eyre::Result<Opinion> {
        self.ask(case, None)
    }

    /// The state after the opening and the first `stop` transactions.
    ///
    /// # Errors
    /// When the specs break on it.
    pub(crate) fn alloc(
        &mut self,
        case: &Case,
        stop: usize,
    ) -> eyre::Result<BTreeMap<Address, Account>> {
        let stopped: Stopped = self.ask(case, Some(stop))?;
        Ok(stopped.alloc)
    }

    fn ask<T: for<'a> Deserialize<'a>>(
        &mut self,
        case: &Case,
        stop: Option<usize>,
    ) -> eyre::Result<T> {
        let question = Question { case, scratch: self.scratch.path(), stop };
        let mut line = serde_json::to_vec(&question)?;
        line.push(b'\n');
        self.stdin.write_all(&line).wrap_err("the worker is gone")?;
        self.stdin.flush()?;
        let mut answer = String::new();
        if self.stdout.read_line(&mut answer)? == 0 {
            bail!("the worker is gone: {}", self.process.wait()?);
        }
        match serde_json::from_str(&answer).wrap_err("not an answer")? {
            Answer::Crash { crash } => bail!("the specs broke: {crash}"),
            Answer::Answer(answer) => Ok(answer),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It also ends with its stdin; nothing can be done about a failure here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
