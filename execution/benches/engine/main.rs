//! `cargo xtask bench engine`: blocks by many threads, beside plain revm that keeps its journal. See docs/engine.md.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bench: it prints, and stops when something is not as it was checked to be"
)]

#[path = "../../../tests/src/bin/vectors/archive.rs"]
#[allow(dead_code, reason = "of the archives one is read, and not by its files")]
mod archive;
mod assembly;
#[path = "../execute/block.rs"]
#[allow(dead_code, reason = "there is no state root here")]
mod block;
mod case;
mod export;
mod flat;
#[path = "../execute/known.rs"]
mod known;
#[path = "../execute/mainnet.rs"]
mod mainnet;
mod measure;
mod plain;
mod report;
mod synthetic;

use std::{collections::BTreeMap, fs, path::PathBuf, thread};

use clap::{Parser, ValueEnum};
use eyre::WrapErr;

use crate::{case::Case, report::Report};

/// As the daemons have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the execution of blocks by many threads.
#[derive(Debug, Parser)]
struct Args {
    /// A folder of mainnet blocks with the state that they read, instead of the archive of the vectors.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// What another engine takes, in milliseconds, by the names that this prints: JSON.
    #[arg(long)]
    peer_times: Option<PathBuf>,
    /// Writes all blocks to this folder, with the state that they read, for other engines to run. Nothing is measured then.
    #[arg(long)]
    export: Option<PathBuf>,
    /// The most threads. By default as many as there are cores.
    #[arg(long)]
    threads: Option<usize>,
    /// How often each block runs.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Only these.
    #[arg(long, value_enum)]
    only: Option<Group>,
    /// With the limit on bytes of state, which L2 has and Ethereum doesn't.
    #[arg(long)]
    limit: bool,
    /// Only blocks with this in their names.
    #[arg(long, default_value = "")]
    filter: String,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    Mainnet,
    Synthetic,
}

fn main() -> eyre::Result<()> {
    let args = Args::parse();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let most = args.threads.unwrap_or(cores).max(1);
    let mut threads: Vec<usize> = (0..).map(|power| 1 << power).take_while(|n| *n < most).collect();
    threads.push(most);
    let peers = match &args.peer_times {
        Some(file) => serde_json::from_slice(&fs::read(file).wrap_err("the peer's times")?)?,
        None => BTreeMap::new(),
    };
    let mut report = Report::new(threads.clone(), peers);
    let take = |kind, mut case: Case, report: &mut Report| -> eyre::Result<()> {
        case.max_witness_bytes = args.limit.then_some(u64::MAX);
        if let Some(folder) = &args.export {
            return export::export(folder, &case);
        }
        let times = measure::measure(&case, &threads, args.rounds)?;
        report.add(kind, &case, times);
        Ok(())
    };
    if args.only != Some(Group::Synthetic) {
        for case in blocks(&args, &mut report)? {
            take(report::Kind::Mainnet, case, &mut report)?;
        }
    }
    if args.only != Some(Group::Mainnet) {
        for build in synthetic::ALL {
            let case = build();
            if case.name.contains(&args.filter) {
                take(report::Kind::Synthetic, case, &mut report)?;
            }
        }
    }
    if args.export.is_some() {
        return Ok(());
    }
    if args.only != Some(Group::Mainnet) {
        for (name, build) in synthetic::ROWS {
            if !name.contains(&args.filter) {
                continue;
            }
            let mut cases = build();
            for case in &mut cases {
                case.max_witness_bytes = args.limit.then_some(u64::MAX);
            }
            report.add_row(name, cases.len(), measure::measure_row(&cases, most, args.rounds)?);
        }
    }
    println!("{report}");
    Ok(())
}

/// All mainnet blocks that can be run.
fn blocks(args: &Args, report: &mut Report) -> eyre::Result<Vec<Case>> {
    let folder = match &args.dir {
        Some(dir) => dir.clone(),
        None => archive::find("mainnet-blocks")?,
    };
    // The archive may hold a folder of its own name.
    let inner = folder.join("mainnet-blocks");
    let folder = if inner.is_dir() { inner } else { folder };
    let (codes, ancestors) = (mainnet::codes(&folder)?, mainnet::ancestors(&folder)?);
    let mut folders: Vec<_> = fs::read_dir(folder.join("blocks"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort_by_key(|path| path.file_name().map(|name| (name.len(), name.to_owned())));
    let mut cases = Vec::new();
    for path in folders {
        if !path.to_string_lossy().contains(&args.filter) {
            continue;
        }
        let case = mainnet::block(&path, &ancestors)
            .and_then(|block| Case::mainnet(&block, &mainnet::accounts(&path, &codes)?));
        match case {
            Ok(case) => cases.push(case),
            Err(why) => report.skip(&path, &why),
        }
    }
    Ok(cases)
}
