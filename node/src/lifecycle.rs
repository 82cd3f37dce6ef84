//! How a daemon starts and stops.

use std::{fmt, future::Future, io, path::Path, process, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

/// Exit status of a process that was told twice to stop.
const INTERRUPTED: i32 = 130;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Something that must not be shown: a key, a token. Prints as `<secret>`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

/// A secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("the secret file {path} can't be read")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The environment variable is not set, or is no text.
    #[error("the environment variable {name} holds no secret")]
    Environment {
        /// Its name.
        name: String,
    },
    /// There is nothing in it.
    #[error("{place} is empty")]
    Empty {
        /// File or variable.
        place: String,
    },
}

impl Secret {
    /// The first line of a file.
    ///
    /// # Errors
    /// [`SecretError::File`], [`SecretError::Empty`].
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| SecretError::File { path: place.clone(), source })?;
        Self::of(text.lines().next().unwrap_or_default(), place)
    }

    /// The value of an environment variable.
    ///
    /// # Errors
    /// [`SecretError::Environment`], [`SecretError::Empty`].
    pub fn from_env(name: &str) -> Result<Self, SecretError> {
        let value = std::env::var(name);
        let value = value.map_err(|_| SecretError::Environment { name: name.to_owned() })?;
        Self::of(&value, name.to_owned())
    }

    /// The secret itself: never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn of(text: &str, place: String) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.is_empty() { Err(SecretError::Empty { place }) } else { Ok(Self(text.to_owned())) }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A token that the first SIGINT or SIGTERM cancels. The second one ends the process at once with status 130.
///
/// # Errors
/// When signals can't be caught.
pub fn shutdown() -> io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first {
                tracing::info!("stopping; a second signal stops at once");
                cancelled.cancel();
            }
        }
        process::exit(INTERRUPTED);
    });
    Ok(token)
}

/// Waits for work to end after a shutdown, for so long at most. Returns whether it ended.
pub async fn drain<F: Future>(work: F, deadline: Duration) -> bool {
    let ended = tokio::time::timeout(deadline, work).await.is_ok();
    if !ended {
        tracing::warn!(?deadline, "work did not end in time");
    }
    ended
}

/// Sends log lines to standard error. `filter` is as of `RUST_LOG` ("info,recourse_node=debug").
///
/// # Errors
/// When the filter is wrong, or logging was set up before.
pub fn init_tracing(
    format: LogFormat,
    filter: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_span_events(FmtSpan::NONE);
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_trimmed_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "0xabc \nsecond line\n").unwrap();
        let secret = Secret::from_file(&path).unwrap();
        assert_eq!(secret.expose(), "0xabc");
        assert_eq!(format!("{secret:?}"), "<secret>");
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(Secret::from_file(&path), Err(SecretError::Empty { .. })));
        assert!(matches!(Secret::from_file(folder.path()), Err(SecretError::File { .. })));
    }
}
