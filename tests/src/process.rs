//! Daemons as real processes: children of this very executable, so that one build has them all.

use std::{
    fs::File,
    io::{self, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

/// How long a daemon may take until it says where it listens.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A daemon that runs as a child process. Dropping it kills the child; so does the death of this process, since
/// the child watches its standard input.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    /// Held open: its end is the child's sign that its parent is gone.
    _stdin: Option<ChildStdin>,
    log: PathBuf,
    address: SocketAddr,
}

/// A daemon could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The operating system refused.
    #[error("{name}: {what}")]
    Io {
        /// The daemon.
        name: String,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// It ended, or said nothing, instead of saying where it listens.
    #[error("{name} did not say where it listens within {START_DEADLINE:?}; its log: {log}")]
    NotReady {
        /// The daemon.
        name: String,
        /// Its log file.
        log: String,
    },
}

impl Daemon {
    /// Starts `executable role args...`, with its standard error in `folder/name.log`, and waits for the line in
    /// which it says where it listens.
    ///
    /// # Errors
    /// [`ProcessError`] when it can't be started or ends before it is ready.
    pub async fn start(
        executable: &Path,
        name: &str,
        role: &str,
        args: &[String],
        folder: &Path,
    ) -> Result<Self, ProcessError> {
        let io = |what| move |source| ProcessError::Io { name: name.to_owned(), what, source };
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).map_err(io("open log"))?;
        let mut child = Command::new(executable)
            .arg(role)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(io("start"))?;
        let stdin = child.stdin.take();
        let not_ready =
            || ProcessError::NotReady { name: name.to_owned(), log: log.display().to_string() };
        let stdout = child.stdout.take().ok_or_else(not_ready)?;
        let address = tokio::time::timeout(START_DEADLINE, listening(stdout))
            .await
            .ok()
            .flatten()
            .ok_or_else(not_ready)?;
        Ok(Self { name: name.to_owned(), child, _stdin: stdin, log, address })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves HTTP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL, as a crash would have it, and waits until it is gone.
    ///
    /// # Errors
    /// [`ProcessError::Io`] when the child can't be signalled.
    pub async fn kill(mut self) -> Result<(), ProcessError> {
        let name = self.name.clone();
        self.child.kill().await.map_err(|source| ProcessError::Io { name, what: "kill", source })
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// The first socket address that the daemon prints; the rest of what it prints is read and dropped, lest it block.
async fn listening(stdout: tokio::process::ChildStdout) -> Option<SocketAddr> {
    let mut lines = BufReader::new(stdout).lines();
    let address = loop {
        let line = lines.next_line().await.ok()??;
        if let Some(address) = address_in(&line) {
            break address;
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Some(address)
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || "\"'/,{}".contains(c))
        .find_map(|word| word.parse().ok())
}

/// Ends this process when its standard input ends: its parent is gone, however it went.
pub fn die_with_parent() {
    std::thread::spawn(|| {
        let mut byte = [0u8; 64];
        while matches!(io::stdin().read(&mut byte), Ok(read) if read > 0) {}
        std::process::exit(0);
    });
}
