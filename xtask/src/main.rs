#![doc = include_str!("../README.md")]

mod bench;
mod bindings;
mod bonds;
mod clients;
mod command;
mod contracts;
mod demo;
mod deploy;
mod execute_vectors;
mod forked;
mod fuzz;
mod games;
mod kills;
mod npm;
mod oracle;
mod python;
mod rpc;
mod test;
mod vectors;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development commands of Recourse")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything that must pass, and installs what it needs.
    Test {
        /// The stage to start at.
        #[arg(long, value_enum, default_value_t = test::Stage::Format)]
        from: test::Stage,
    },
    /// Rebuilds the contracts, and what is committed of them: artifacts, storage layouts, gas.
    Contracts {
        /// Write nothing; fail if any of it is stale, a test fails or an analysis finds something.
        #[arg(long)]
        check: bool,
    },
    /// Runs the demo, from release builds.
    Demo {
        /// On a fork of Anvil, with a token on it as L2's gas; see docs/l1-node.md.
        #[arg(long)]
        fork_anvil: bool,
        /// Other options of the demo.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Deploys a rollup, or verifies one (`--verify FILE`): `recourse-deploy`, built from this source; see docs/deploy.md.
    #[command(disable_help_flag = true)]
    Deploy {
        /// Those of recourse-deploy.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs the official test vectors; see docs/vectors.md.
    Vectors {
        /// Run this folder of EEST blockchain tests instead of everything.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Spoil the witnesses of real blocks instead, every node and code in every way; see docs/hostile.md.
        #[arg(long, conflicts_with = "dir")]
        hostile: bool,
    },
    /// Runs the fuzz targets, each for a while; see docs/hostile.md.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
        /// Write the known claims and the seeds anew instead.
        #[arg(long, conflicts_with_all = ["seconds", "target"])]
        seeds: bool,
    },
    /// Plays random games on the Rollup contract and on its reference model; see trace-builder/README.md.
    Games {
        /// How many, for each of three arities.
        #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
    },
    /// Breaks the contracts in one place at a time and tells what no test notices; see contracts/mutants.md.
    Mutants {
        /// For how long.
        #[arg(long, default_value_t = 3600)]
        seconds: u64,
        /// Leaves out the first ones, as run before.
        #[arg(long, default_value_t = 0)]
        skip: u64,
        /// Only in these files of contracts/src.
        #[arg(value_name = "FILE")]
        files: Vec<String>,
    },
    /// Runs EXECUTE on blocks with witnesses in debug_executionWitness JSON; see docs/vectors.md.
    ExecuteWitness {
        /// `{block, witness: {state, codes, headers}}`.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The rules of the blocks: osaka, prague or cancun.
        #[arg(long, default_value = "osaka")]
        rules: String,
    },
    /// Rewrites the test vectors that we publish for EXECUTE, and checks them with an independent reader; see docs/execute.md.
    ExecuteVectors {
        /// Only fail when they are stale or false.
        #[arg(long)]
        check: bool,
    },
    /// Measures the gas of every move at its dearest, and the bonds that cover it at the fee cap; see docs/money.md.
    Bonds,
    /// Kills processes while they write the L2 state, and verifies what is there; see docs/engine.md.
    Kills {
        /// How many.
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
        count: u64,
    },
    /// Measures, as ratios.
    Bench {
        /// What.
        #[arg(value_enum)]
        what: bench::Bench,
        /// Options of that bench. engine: --dir DIR, --peer-times FILE, --threads N, --rounds N, --only mainnet|synthetic.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Runs the end-to-end tests, all or those whose name has FILTER in it, with every L1 a fork of an Anvil; see docs/l1-node.md.
    Forked {
        /// Part of a test's name.
        filter: Option<String>,
    },
    /// Asks both nodes what the tests of execution-apis ask, method by method; see docs/json-rpc.md.
    RpcConformance,
    /// Runs random blocks by our executor and by the Python execution specs; see docs/vectors.md.
    Oracle {
        /// How many.
        #[arg(long, conflicts_with = "replay")]
        blocks: Option<u64>,
        /// The seed of the first; each further one has the next. By default the clock's.
        #[arg(long, conflicts_with = "replay")]
        seed: Option<u64>,
        /// Run the case in this file instead.
        #[arg(long, value_name = "FILE")]
        replay: Option<PathBuf>,
    },
    /// Drives l1-node and the L2 by clients that nobody here wrote; see docs/l1-node.md.
    Clients {
        /// Only these: viem, ethers, web3.py, cast, page, docs.
        #[arg(value_name = "CLIENT")]
        only: Vec<String>,
    },
    /// Rewrites the Rust bindings' Solidity source from the interfaces.
    Bindings {
        /// Only fail when it is stale.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> eyre::Result<()> {
    match Args::parse().command {
        Command::Test { from } => test::run(from),
        Command::Contracts { check: true } => contracts::check(),
        Command::Contracts { check: false } => contracts::write(),
        Command::Demo { fork_anvil, args } => demo::run(fork_anvil, &args),
        Command::Deploy { args } => deploy::run(&args),
        Command::Vectors { hostile: true, .. } => vectors::hostile(),
        Command::Vectors { dir, .. } => vectors::run(dir.as_deref()),
        Command::Fuzz { seeds: true, .. } => fuzz::write_seeds(),
        Command::Fuzz { seconds, target, .. } => fuzz::run(seconds, target.as_deref()),
        Command::Games { count } => games::run(count),
        Command::Mutants { seconds, skip, files } => contracts::mutants(seconds, skip, &files),
        Command::ExecuteWitness { files, rules } => vectors::execute_witness(&files, &rules),
        Command::ExecuteVectors { check } => execute_vectors::run(check).map(drop),
        Command::Bonds => bonds::run(),
        Command::Kills { count } => kills::run(count),
        Command::Bench { what, options } => bench::run(what, &options),
        Command::Forked { filter } => forked::run(filter.as_deref()),
        Command::RpcConformance => rpc::conformance(),
        Command::Oracle { blocks, seed, replay } => {
            oracle::run(&oracle::Options { blocks, seed, replay })
        }
        Command::Clients { only } => clients::run(&only).map(drop),
        Command::Bindings { check } => bindings::run(check),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_no_number_of_games_or_kills() {
        for command in ["games", "kills"] {
            let parse = |count| Args::try_parse_from(["xtask", command, "--count", count]);
            assert!(parse("0").is_err(), "{command}");
            assert!(parse("1").is_ok(), "{command}");
        }
    }
}
