//! `cargo xtask bench`: measurements, as ratios against a peer in the same run.

use std::path::Path;

use clap::ValueEnum;

use crate::{command::cargo, vectors::told};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// EXECUTE's work for claims of too little gas, beside that for the true claim; see docs/bounded-work.md.
    Bounded,
    /// What the parts of EXECUTE's L1 gas take, beside precompiles whose price is known; see docs/execute-gas.md.
    Price,
    /// EXECUTE of real blocks and of their steps, beside plain revm and the keccak of the witness; see docs/performance.md.
    Execute,
    /// Blocks by many threads, beside plain revm; see docs/engine.md.
    Engine,
    /// State roots beside alloy-trie's hash builder; see docs/engine.md.
    Root,
    /// A restart: the L2 state read from disk, its root verified; see docs/engine.md.
    Load,
    /// 10,000 transactions a minute against l1-node, its memory watched; see docs/l1-node.md.
    LoadL1,
    /// Derivation from blobs to disk; see docs/engine.md.
    Pipeline,
}

/// Runs one, with options of its own (`engine` has some).
pub(crate) fn run(bench: Bench, options: &[String]) -> eyre::Result<()> {
    let name = match bench {
        Bench::Bounded => "bounded",
        Bench::Price => "price",
        Bench::Execute => "execute",
        Bench::Engine => "engine",
        Bench::Root => "root",
        Bench::Load => "load",
        Bench::LoadL1 => "load-l1",
        Bench::Pipeline => "pipeline",
    };
    let package = match bench {
        Bench::LoadL1 => "recourse-l1-node",
        Bench::Load | Bench::Pipeline => "recourse-node",
        _ => "recourse-execution",
    };
    let command = ["bench", "--locked", "-p", package, "--bench", name, "--"];
    let options = options.iter().enumerate().map(|(index, option)| {
        // Cargo runs it elsewhere.
        let of = index.checked_sub(1).and_then(|before| options.get(before));
        let path =
            of.is_some_and(|of| ["--dir", "--peer-times", "--export"].contains(&of.as_str()));
        if path { told(Path::new(option)) } else { Ok(option.clone()) }
    });
    let options: Vec<_> = options.collect::<Result<_, _>>()?;
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    cargo(&[&command[..], &options].concat())
}
