//! `cargo run --release --bin demo`: one fraud, from the first transaction to the confirmed truth, on a network of real
//! processes. The daemons are this same executable under another name, so that one build has them all.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use recourse_node::lifecycle::{LogFormat, init_tracing, shutdown};
use recourse_tests::{cheat, die_with_parent};
use tokio_util::sync::CancellationToken;

/// A child of the demo.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
enum Child {
    /// An L1 with EXECUTE.
    L1Node(recourse_l1_node::Args),
    /// The proposer.
    Proposer(recourse_proposer::Args),
    /// The watchtower.
    Challenger(recourse_challenger::Args),
    /// A cheating proposer.
    Cheat(cheat::Args),
}

#[tokio::main]
async fn main() -> eyre::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Ok(child) = Child::try_parse_from(&arguments) {
        die_with_parent();
        let stop = shutdown()?;
        init_tracing(LogFormat::Text, "info").map_err(|error| eyre::eyre!(error))?;
        run(child, stop).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let _ = PathBuf::new();
    Ok(ExitCode::SUCCESS)
}

async fn run(child: Child, stop: CancellationToken) -> eyre::Result<()> {
    match child {
        Child::L1Node(args) => Ok(recourse_l1_node::run(args, stop).await?),
        Child::Proposer(args) => Ok(recourse_proposer::run(args, stop).await?),
        Child::Challenger(args) => Ok(recourse_challenger::run(args, stop).await?),
        Child::Cheat(args) => cheat::run(args, stop).await,
    }
}
