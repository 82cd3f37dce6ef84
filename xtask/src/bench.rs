//! `cargo xtask bench`: measurements, as ratios against a peer in the same run.

use clap::ValueEnum;

use crate::command::cargo;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// EXECUTE's work for claims of too little gas, beside that for the true claim; see docs/bounded-work.md.
    Bounded,
    /// What the parts of EXECUTE's L1 gas take, beside precompiles whose price is known; see docs/execute-gas.md.
    Price,
    /// EXECUTE of real blocks and of their steps, beside plain revm and the keccak of the witness; see docs/performance.md.
    Execute,
    /// State roots beside alloy-trie's hash builder; see docs/engine.md.
    Root,
}

/// Runs one.
pub(crate) fn run(bench: Bench) -> eyre::Result<()> {
    let name = match bench {
        Bench::Bounded => "bounded",
        Bench::Price => "price",
        Bench::Execute => "execute",
        Bench::Root => "root",
    };
    cargo(&["bench", "--locked", "-p", "recourse-execution", "--bench", name])
}
