//! `cargo xtask execute-vectors`: the test vectors for EXECUTE that this repository publishes. See docs/execute.md.

#![expect(clippy::print_stdout, reason = "a command line program")]

mod contracts;
mod envelope;
mod lies;
mod margins;
mod noops;
mod piece;
mod pieces;
mod publish;
mod raw;
mod scene;
mod transactions;
mod tries;

use std::{fs, path::Path, process::ExitCode};

use clap::Parser;
use eyre::WrapErr;
use recourse_tests::published::folder;

/// Writes the published vectors.
#[derive(Debug, Parser)]
struct Args {
    /// Only say whether they are stale.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> eyre::Result<ExitCode> {
    let check = Args::parse().check;
    let mut stale = 0_usize;
    for (name, text) in publish::files().await? {
        let path = folder().join(name);
        if fs::read_to_string(&path).is_ok_and(|got| got == text) {
            continue;
        }
        stale = stale.saturating_add(1);
        if check {
            println!("{name} is stale: run `cargo xtask execute-vectors` and commit it");
        } else {
            write(&path, &text)?;
            println!("wrote {name}: {} bytes", text.len());
        }
    }
    Ok(if check && stale > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn write(path: &Path, text: &str) -> eyre::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).wrap_err_with(|| format!("can't write {}", path.display()))
}
