//! `cargo run --release --bin demo`: one fraud, from the first transaction to the confirmed truth, on a network of real
//! processes. The daemons are this same executable under another name, so that one build has them all.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::{path::PathBuf, process::ExitCode, time::SystemTime};

use clap::Parser;
use recourse_node::lifecycle::{LogFormat, init_tracing, shutdown};
use recourse_tests::{cheat, die_with_parent, story};
use tokio_util::sync::CancellationToken;

/// That of the daemons.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// First arguments that make this executable a child.
const CHILDREN: [&str; 4] = ["l1-node", "proposer", "challenger", "cheat"];
/// Exit status after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// A child of the demo.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
enum Child {
    /// An L1 with EXECUTE.
    L1Node(Box<recourse_l1_node::Args>),
    /// The proposer.
    Proposer(Box<recourse_proposer::Args>),
    /// The watchtower.
    Challenger(Box<recourse_challenger::Args>),
    /// A cheating proposer.
    Cheat(Box<cheat::Args>),
}

#[tokio::main]
async fn main() -> eyre::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let stop = shutdown()?;
    if arguments.first().is_some_and(|name| CHILDREN.contains(&name.as_str())) {
        die_with_parent();
        init_tracing(LogFormat::Text, "info").map_err(|error| eyre::eyre!(error))?;
        return child(Child::parse_from(&arguments), stop).await.map(|()| ExitCode::SUCCESS);
    }
    play(story::Args::parse(), stop).await
}

async fn child(child: Child, stop: CancellationToken) -> eyre::Result<()> {
    match child {
        Child::L1Node(args) => Ok(recourse_l1_node::run(*args, stop).await?),
        Child::Proposer(args) => Ok(recourse_proposer::run(*args, stop).await?),
        Child::Challenger(args) => Ok(recourse_challenger::run(*args, stop).await?),
        Child::Cheat(args) => cheat::run(*args, stop).await,
    }
}

async fn play(args: story::Args, stop: CancellationToken) -> eyre::Result<ExitCode> {
    let folder = args.folder.clone().map_or_else(new_folder, Ok)?;
    let executable = std::env::current_exe()?;
    let told = tokio::select! {
        told = story::tell(&args, executable, folder.clone()) => told,
        () = stop.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    match told {
        Ok(stage) if args.keep_running => {
            println!("The network stays up: {}. Ctrl-C ends it.", stage.addresses());
            stop.cancelled().await;
            Ok(ExitCode::SUCCESS)
        }
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
            eprintln!("The demo failed: {}", chain.join(": "));
            eprintln!("Logs: {}", folder.display());
            Ok(ExitCode::FAILURE)
        }
    }
}

fn new_folder() -> eyre::Result<PathBuf> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    Ok(std::env::current_dir()?.join(format!("logs/demo-{now}")))
}
