//! Blockchain tests of EEST: every valid block is executed, every invalid one refused.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_rlp::Decodable;
use eyre::{WrapErr, bail, ensure, eyre};
use recourse_execution::State;

use crate::{
    archive,
    fixture::{Fixture, FixtureBlock},
    payload,
    report::{Outcome, Report, Work},
    whole::{self, Rules},
};

/// Runs all tests below a folder, on all cores.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn run(folder: &Path) -> eyre::Result<Report> {
    let files = archive::files(folder, "json")?;
    ensure!(!files.is_empty(), "no tests in {}", folder.display());
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut report = Report::default();
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..cores).map(|_| scope.spawn(|| work(folder, &files, &next))).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => report.merge(part),
                Err(_) => {
                    report.add("(worker)", "panic", Outcome::Failed("a worker panicked".into()));
                }
            }
        }
    });
    Ok(report)
}

fn work(folder: &Path, files: &[PathBuf], next: &AtomicUsize) -> Report {
    let mut report = Report::default();
    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        let row = row(folder, file);
        match read(file) {
            Ok(tests) => {
                for (name, test) in &tests {
                    report.add(&row, name, one(test));
                }
            }
            Err(error) => {
                let name = file.display().to_string();
                report.add(&row, &name, Outcome::Failed(format!("{error:#}")));
            }
        }
    }
    report
}

/// The first two folders on the way to a file, without one that only repeats the archive's name.
fn row(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    let parents = below.parent().unwrap_or(below);
    let own = folder.file_name();
    let parts: Vec<_> = parents
        .iter()
        .filter(|part| Some(*part) != own)
        .take(2)
        .map(|part| part.to_string_lossy())
        .collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

fn read(file: &Path) -> eyre::Result<BTreeMap<String, Fixture>> {
    let text = fs::read(file).wrap_err("can't be read")?;
    serde_json::from_slice(&text).wrap_err("not blockchain tests")
}

fn one(test: &Fixture) -> Outcome {
    if let Some(why) = test.skip() {
        return Outcome::Skipped(why);
    }
    let ran = catch_unwind(AssertUnwindSafe(|| chain(test)));
    ran.unwrap_or_else(|_| Err(eyre!("panicked"))).into()
}

fn chain(test: &Fixture) -> eyre::Result<Work> {
    let rules = test.rules()?;
    let mut state = State::of(&test.accounts()?)?;
    let genesis = Block::<TxEnvelope>::decode(&mut &test.genesis[..])?.header;
    ensure!(state.root() == genesis.state_root, "genesis root {}", state.root());
    let mut headers = vec![genesis];
    let mut work = Work::default();
    for (index, block) in test.blocks.iter().enumerate() {
        let done = one_block(&rules, &state, &headers, block)
            .wrap_err_with(|| format!("block {index}"))?;
        work.add(done.work);
        if let Some((header, after)) = done.next {
            headers.push(header);
            state = after;
        }
    }
    let last = headers.last().map(Header::hash_slow);
    ensure!(last == Some(test.last_hash), "the last block is {last:?}");
    Ok(work)
}

/// What was done, and where the chain goes on after a valid block.
struct Done {
    work: Work,
    next: Option<(Header, State)>,
}

fn one_block(
    rules: &Rules,
    state: &State,
    headers: &[Header],
    block: &FixtureBlock,
) -> eyre::Result<Done> {
    // No more than BLOCKHASH and a witness reach.
    let ancestors = headers.get(headers.len().saturating_sub(256)..).unwrap_or_default();
    let decoded = whole::decode(&block.rlp);
    let verdict = match &decoded {
        Ok(decoded) => whole::verify(rules, state, ancestors, (decoded, block.rlp.len()))?,
        Err(refused) => Err(refused.clone()),
    };
    match (verdict, &block.expect_exception, decoded) {
        (Ok(verified), None, Ok(decoded)) => {
            let next = Some((decoded.header, verified.state));
            Ok(Done { work: verified.work, next })
        }
        (Err(refused), Some(expected), decoded) if refused.is_one_of(expected) => {
            let as_payload = match decoded {
                Ok(decoded) => payload::refuse(rules, state, ancestors, &decoded, expected)?,
                Err(_) => false,
            };
            let work = Work { refused: 1, refused_payloads: as_payload.into(), ..Work::default() };
            Ok(Done { work, next: None })
        }
        (Ok(_), expected, _) => bail!("accepted, expected {expected:?}"),
        (Err(refused), expected, _) => bail!("refused, {refused}, expected {expected:?}"),
    }
}
