//! Many cases, or one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use eyre::WrapErr;
use recourse_execution::{Invalid, TxRun};

use crate::{
    case::Case, compare::both, generate::generate, ours::Ours, shrink::shrink, worker::Worker,
};

/// How often progress is told, in blocks.
const TELL_EVERY: u64 = 500;
/// Differences after which it is enough.
const ENOUGH: u64 = 5;

/// What was run.
#[derive(Debug, Default)]
struct Tally {
    blocks: u64,
    differ: u64,
    succeeded: u64,
    failed: u64,
    rejected: BTreeMap<String, u64>,
    gas: u64,
    witness: usize,
}

/// Runs random cases. Gives whether both sides agreed on all of them.
///
/// # Errors
/// When a file can't be written.
pub(crate) fn random(
    oracle: &mut Worker,
    seed: u64,
    blocks: u64,
    out: &Path,
) -> eyre::Result<bool> {
    println!("seed {seed}");
    let mut tally = Tally::default();
    for seed in (0..blocks).map(|index| seed.wrapping_add(index)) {
        let case = generate(seed).wrap_err_with(|| format!("seed {seed}"))?;
        tally.blocks = tally.blocks.saturating_add(1);
        match both(oracle, &case) {
            Ok(ours) => tally.agree(&ours),
            Err(difference) => {
                tally.differ = tally.differ.saturating_add(1);
                println!("DIFFERENT, `cargo xtask oracle --blocks 1 --seed {seed}`: {difference}");
                let (case, difference) = shrink(oracle, case, difference);
                let file = write(out, &case)?;
                println!("shrunk, `cargo xtask oracle --replay {}`: {difference}", file.display());
            }
        }
        if tally.blocks.is_multiple_of(TELL_EVERY) {
            tally.tell();
        }
        if tally.differ >= ENOUGH {
            println!("that is enough");
            break;
        }
    }
    tally.tell();
    tally.tell_reasons();
    println!("{} passed, {} failed", tally.blocks.saturating_sub(tally.differ), tally.differ);
    Ok(tally.differ == 0)
}

/// Runs a case from a file. Gives whether both sides agree on it.
///
/// # Errors
/// When the file is none.
pub(crate) fn replay(oracle: &mut Worker, file: &Path) -> eyre::Result<bool> {
    let text = fs::read(file).wrap_err_with(|| format!("{} can't be read", file.display()))?;
    let case: Case = serde_json::from_slice(&text).wrap_err("not a case")?;
    let answer = both(oracle, &case);
    match &answer {
        Ok(ours) => println!("both sides agree: root {}", ours.opinion.sealed.root),
        Err(difference) => println!("DIFFERENT: {difference}"),
    }
    Ok(answer.is_ok())
}

fn write(out: &Path, case: &Case) -> eyre::Result<PathBuf> {
    fs::create_dir_all(out).wrap_err_with(|| format!("can't create {}", out.display()))?;
    let file = out.join(format!("{}.json", case.seed));
    fs::write(&file, serde_json::to_vec_pretty(case)?)
        .wrap_err_with(|| format!("{} can't be written", file.display()))?;
    Ok(file)
}

impl Tally {
    fn agree(&mut self, ours: &Ours) {
        for run in &ours.runs {
            let count = match run {
                TxRun::Included(executed) if executed.receipt.status() => &mut self.succeeded,
                TxRun::Included(_) => &mut self.failed,
                TxRun::NoOp(why) => self.rejected.entry(kind(why)).or_default(),
            };
            *count = count.saturating_add(1);
        }
        self.gas = self.gas.saturating_add(ours.opinion.sealed.gas);
        self.witness = self.witness.saturating_add(ours.witness);
    }

    fn tell(&self) {
        println!(
            "{} blocks, {} differences; {} transactions succeeded, {} failed, {} were rejected; {} Mgas, {} kB of witnesses",
            self.blocks,
            self.differ,
            self.succeeded,
            self.failed,
            self.rejected.values().sum::<u64>(),
            self.gas / 1_000_000,
            self.witness / 1_000
        );
    }

    fn tell_reasons(&self) {
        let reasons = self.rejected.iter().map(|(why, count)| format!("{why} {count}"));
        println!("rejected: {}", reasons.collect::<Vec<_>>().join(", "));
    }
}

/// The name of a reason.
fn kind(why: &Invalid) -> String {
    let name = match why {
        Invalid::Rules(rules) => format!("{rules:?}"),
        other => format!("{other:?}"),
    };
    name.chars().take_while(char::is_ascii_alphanumeric).collect()
}
