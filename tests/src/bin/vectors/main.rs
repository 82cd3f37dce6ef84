//! `cargo xtask vectors`: EXECUTE against test vectors that nobody of this project wrote. See docs/vectors.md.

#![expect(clippy::print_stdout, reason = "a command line program")]

mod archive;
mod eest;
mod fixture;
mod header;
mod holesky;
mod kzg;
mod refusal;
mod report;
mod rlp;
mod trie;
mod whole;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::report::Report;

/// Runs the official test vectors.
#[derive(Debug, Parser)]
struct Args {
    /// Run this folder of EEST blockchain tests instead of everything.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn main() -> eyre::Result<ExitCode> {
    let report = run(&Args::parse())?;
    println!("{report}");
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(args: &Args) -> eyre::Result<Report> {
    if let Some(folder) = &args.dir {
        return eest::run(folder);
    }
    let mut report = eest::run(&archive::find("eest-osaka")?)?;
    report.merge(holesky::run(&archive::find("holesky-witnesses")?)?);
    report.merge(kzg::run(&archive::find("kzg-4844")?)?);
    let tries_and_rlp = archive::find("trie-and-rlp-tests")?;
    report.merge(trie::run(&tries_and_rlp.join("TrieTests"))?);
    report.merge(rlp::run(&tries_and_rlp.join("RLPTests"))?);
    Ok(report)
}
