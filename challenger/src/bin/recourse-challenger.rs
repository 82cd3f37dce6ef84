//! The watchtower as a process. See the crate's README.

use std::{future::Future, time::Duration};

use clap::Parser;
use eyre::Result;
use recourse_challenger::{Args, run};
use recourse_node::lifecycle::{LogFormat, init_tracing, shutdown};
use tokio::runtime::Runtime;

/// glibc's takes a third of a start's time; docs/engine.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What threads in the middle of something get at the end. A history may take minutes more, and nobody reads it.
const LAST_WORDS: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let args = Args::parse();
    let format = if args.log_json { LogFormat::Json } else { LogFormat::Text };
    init_tracing(format, &args.log).map_err(|error| eyre::eyre!(error))?;
    to_the_end(async {
        let token = shutdown()?;
        let ended = run(args, token).await;
        Ok(ended.inspect_err(|error| tracing::error!(?error, "the watchtower failed"))?)
    })
}

/// Runs something, and then waits for no thread: a process that has failed must be seen to end.
fn to_the_end(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_does_not_end_holds_nothing_up() {
        let (end, wait) = channel::<()>();
        let (begin, begun) = channel();
        let failed = to_the_end(async move {
            tokio::task::spawn_blocking(move || {
                begin.send(()).ok();
                wait.recv().ok()
            });
            begun.recv()?;
            Err(eyre::eyre!("for good"))
        });
        // The thread waits for this; who waits for the thread never comes here.
        drop(end);
        assert!(failed.is_err());
    }
}
