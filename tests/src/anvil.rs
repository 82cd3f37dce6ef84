//! Anvil, Foundry's dev chain: an L1 that nobody here wrote. `cargo xtask contracts` installs it (contracts/package.json).

use std::{
    env::consts,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// How long it may take until it says where it listens.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Before the address, in the line that says so.
const LISTENING: &str = "Listening on ";

/// A running Anvil. Dropping it kills it.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    url: String,
}

impl Anvil {
    /// Where this machine's is, if it is installed. Where CI runs, it must be.
    ///
    /// # Panics
    /// In CI, without it.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        let arch = if consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
        let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
        let package = format!("../contracts/node_modules/@foundry-rs/anvil-{os}-{arch}/bin/anvil");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(package);
        if path.exists() {
            return Some(path);
        }
        let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!ci, "{} is missing", path.display());
        None
    }

    /// Starts `program` with these arguments on a port that the system picks.
    ///
    /// # Errors
    /// When it can't be started, or does not say where it listens.
    pub async fn start(program: &Path, args: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["--port", "0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let silent = || io::Error::other("anvil did not say where it listens");
        let stdout = child.stdout.take().ok_or_else(silent)?;
        let mut lines = BufReader::new(stdout).lines();
        let said = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix(LISTENING) {
                    return Some(address.trim().to_owned());
                }
            }
            None
        };
        let address = tokio::time::timeout(START_DEADLINE, said).await.ok().flatten();
        let url = format!("http://{}", address.ok_or_else(silent)?);
        // It stops when nobody reads what it prints.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, url })
    }

    /// URL of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// When it can't be signalled.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}
