//! The proposer's executable.

use clap::Parser as _;
use recourse_node::lifecycle::{LogFormat, init_tracing, shutdown};
use recourse_proposer::{Args, run};

/// glibc's takes a third of a start's time; docs/engine.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> eyre::Result<()> {
    let args = Args::parse();
    let format = if args.log_json { LogFormat::Json } else { LogFormat::Text };
    init_tracing(format, &args.log).map_err(|error| eyre::eyre!(error))?;
    let stop = shutdown()?;
    Ok(run(args, stop).await?)
}
