//! `cargo xtask vectors`: EXECUTE against test vectors that nobody of this project wrote. See docs/vectors.md.

#![expect(clippy::print_stdout, reason = "a command line program")]

mod archive;
mod eest;
mod fixture;
mod holesky;
mod kzg;
mod payload;
mod refusal;
mod report;
mod rlp;
mod trie;
mod whole;
mod witness;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use eyre::WrapErr;

use crate::report::Report;

/// Runs the official test vectors.
#[derive(Debug, Parser)]
struct Args {
    /// Run this folder of EEST blockchain tests instead of everything.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Run EXECUTE on these files instead: `{block, witness: {state, codes, headers}}`, the block as `eth_getBlockByNumber`
    /// gives it with full transactions, the witness as `debug_executionWitness` does.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "dir")]
    execute_witness: Vec<PathBuf>,
    /// The rules of those blocks.
    #[arg(long, value_enum, default_value = "osaka")]
    rules: witness::Fork,
}

fn main() -> eyre::Result<ExitCode> {
    let args = Args::parse();
    if !args.execute_witness.is_empty() {
        return execute_witness(&args);
    }
    let report = run(&args)?;
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

fn execute_witness(args: &Args) -> eyre::Result<ExitCode> {
    let mut all = true;
    for path in &args.execute_witness {
        let answer = witness::run(path, args.rules).wrap_err_with(|| path.display().to_string())?;
        all &= answer.no.is_none();
        println!("{}", path.display());
        println!("  root {}", answer.done.state_root);
        println!("  gas {}", answer.done.gas_used);
        println!("  {}", answer.no.map_or("true".to_owned(), |why| format!("false: {why}")));
        println!(
            "  minimal witness {} bytes, {} nodes, {} codes",
            answer.minimal,
            answer.done.witness.nodes.len(),
            answer.done.witness.codes.len()
        );
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
