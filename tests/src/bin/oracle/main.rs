//! `cargo xtask oracle`: random blocks, by our executor and by the Python execution specs. See docs/vectors.md.

#![expect(clippy::print_stdout, reason = "a command line program")]

mod case;
mod compare;
mod generate;
mod localise;
mod opinion;
mod ours;
mod run;
mod shrink;
mod worker;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser;

/// Runs random blocks by our executor and by the Python execution specs.
#[derive(Debug, Parser)]
struct Args {
    /// How many blocks.
    #[arg(long, default_value_t = 200)]
    blocks: u64,
    /// The seed of the first block; each further block has the next one. By default the clock's.
    #[arg(long)]
    seed: Option<u64>,
    /// Run the case in this file instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["blocks", "seed"])]
    replay: Option<PathBuf>,
    /// A Python that has what tests/oracle/requirements.txt names.
    #[arg(long, value_name = "FILE", default_value = ".venv/bin/python")]
    python: PathBuf,
    /// Where cases with a difference are written.
    #[arg(long, value_name = "DIR", default_value = "target/oracle")]
    out: PathBuf,
}

fn main() -> eyre::Result<ExitCode> {
    let args = Args::parse();
    let mut oracle = worker::Worker::start(&args.python)?;
    let good = match &args.replay {
        Some(file) => run::replay(&mut oracle, file)?,
        None => run::random(&mut oracle, args.seed.unwrap_or_else(now), args.blocks, &args.out)?,
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
