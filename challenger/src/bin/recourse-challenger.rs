//! The watchtower as a process. See the crate's README.

use clap::Parser;
use eyre::Result;
use recourse_challenger::{Args, run};
use recourse_node::lifecycle::{LogFormat, init_tracing, shutdown};

/// glibc's takes a third of a start's time; docs/engine.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let format = if args.log_json { LogFormat::Json } else { LogFormat::Text };
    init_tracing(format, &args.log).map_err(|error| eyre::eyre!(error))?;
    let token = shutdown()?;
    run(args, token).await.inspect_err(|error| tracing::error!(?error, "the watchtower failed"))?;
    Ok(())
}
