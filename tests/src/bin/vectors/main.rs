//! `cargo xtask vectors`: EXECUTE against test vectors that nobody of this project wrote. See docs/vectors.md.

#![expect(clippy::print_stdout, reason = "a command line program")]

mod archive;
mod eest;
mod fixture;
mod holesky;
mod holesky_file;
mod hostile;
mod kzg;
mod payload;
mod refusal;
mod report;
mod rlp;
#[path = "../../../../execution/tests/main/spoil.rs"]
mod spoil;
mod threads;
mod trie;
mod whole;
mod witness;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use eyre::WrapErr;

use crate::report::Report;

/// Runs the official test vectors.
#[derive(Debug, Parser)]
struct Args {
    /// Run this folder of EEST blockchain tests instead of everything.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Run only these.
    #[arg(long, value_enum, value_name = "PART", num_args = 1.., conflicts_with = "dir")]
    only: Vec<Part>,
    /// Run EXECUTE on these files instead: `{block, witness: {state, codes, headers}}`, the block as `eth_getBlockByNumber`
    /// gives it with full transactions, the witness as `debug_executionWitness` does.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "dir")]
    execute_witness: Vec<PathBuf>,
    /// The rules of those blocks.
    #[arg(long, value_enum, default_value = "osaka")]
    rules: witness::Fork,
    /// Execute each EEST block by so many threads too.
    #[arg(long, value_name = "N", num_args = 1.., default_values_t = [1, 2, 4, 8])]
    threads: Vec<usize>,
    /// Spoil the witnesses of the Holesky blocks instead, every node and code in every way.
    #[arg(long, conflicts_with_all = ["dir", "execute_witness"])]
    hostile: bool,
}

/// An archive or a folder of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Eest,
    Holesky,
    Kzg,
    Tries,
    Rlp,
}

fn main() -> eyre::Result<ExitCode> {
    let args = Args::parse();
    if !args.execute_witness.is_empty() {
        return execute_witness(&args);
    }
    if args.hostile {
        return hostile();
    }
    threads::set(&args.threads);
    let report = run(&args)?;
    println!("{report}");
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(args: &Args) -> eyre::Result<Report> {
    if let Some(folder) = &args.dir {
        return eest::run(folder);
    }
    let mut report = Report::default();
    for part in Part::value_variants() {
        if args.only.is_empty() || args.only.contains(part) {
            report.merge(part.run()?);
        }
    }
    Ok(report)
}

impl Part {
    fn run(self) -> eyre::Result<Report> {
        match self {
            Self::Eest => eest::run(&archive::find("eest-osaka")?),
            Self::Holesky => holesky::run(&archive::find("holesky-witnesses")?),
            Self::Kzg => kzg::run(&archive::find("kzg-4844")?),
            Self::Tries => trie::run(&archive::find("trie-and-rlp-tests")?.join("TrieTests")),
            Self::Rlp => rlp::run(&archive::find("trie-and-rlp-tests")?.join("RLPTests")),
        }
    }
}

fn hostile() -> eyre::Result<ExitCode> {
    let rows = hostile::run(&archive::find("holesky-witnesses")?, 1)?;
    println!(
        "| block | nodes and codes spoiled | still true | true no more | wrong claims, all false |"
    );
    println!("|---|--:|--:|--:|--:|");
    let mut total = hostile::Tally::default();
    for (block, tally) in rows {
        println!("| {block} {tally}");
        total.add(tally);
    }
    println!("| **all** {total}");
    if let Some(mib) = hostile::peak_memory() {
        println!("peak memory {mib} MiB");
    }
    Ok(ExitCode::SUCCESS)
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
