//! `cargo xtask bench execute`: EXECUTE beside plain revm and the keccak of the witness. See docs/performance.md.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a bench: it prints, and stops when something is not as it was checked to be"
)]

#[path = "../../../tests/src/bin/vectors/archive.rs"]
mod archive;
mod block;
mod case;
mod holesky;
#[path = "../../../tests/src/bin/vectors/holesky_file.rs"]
mod holesky_file;
mod known;
mod mainnet;
mod measure;
mod padding;
mod plain;
mod report;

use std::{fs, time::Duration};

use criterion::Criterion;

use crate::{
    case::Case,
    report::{Group, Report},
};

fn main() -> eyre::Result<()> {
    let mut report = Report::default();
    let cases = cases(&mut report)?;
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    for case in &cases {
        bench(&mut criterion, case, &mut report);
    }
    criterion.final_summary();
    println!("{report}");
    Ok(())
}

/// All blocks that can be run; the report names the others.
fn cases(report: &mut Report) -> eyre::Result<Vec<Case>> {
    // The first argument, as criterion takes it: what is not timed need not be prepared either.
    let filter = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).unwrap_or_default();
    let mut cases = Vec::new();
    for path in archive::files(&archive::find("holesky-witnesses")?, "json")? {
        if path.to_string_lossy().contains(&filter) {
            cases.push(Case::holesky(&path)?);
        }
    }
    let folder = archive::find("mainnet-blocks")?;
    // The archive may hold a folder of its own name.
    let inner = folder.join("mainnet-blocks");
    let folder = if inner.is_dir() { inner } else { folder };
    let (codes, ancestors) = (mainnet::codes(&folder)?, mainnet::ancestors(&folder)?);
    let mut folders: Vec<_> = fs::read_dir(folder.join("blocks"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort_by_key(|path| path.file_name().map(|name| (name.len(), name.to_owned())));
    for path in folders {
        if !path.to_string_lossy().contains(&filter) {
            continue;
        }
        let case =
            mainnet::block(&path, &ancestors).and_then(|block| Case::mainnet(block, &path, &codes));
        match case {
            Ok(case) => cases.push(case),
            Err(why) => report.skip(&path, &why),
        }
    }
    Ok(cases)
}

fn bench(criterion: &mut Criterion, case: &Case, report: &mut Report) {
    let name = &case.block.name;
    let group = if case.theirs.is_some() { Group::Holesky } else { Group::Mainnet };
    time(criterion, &format!("{name}, minimal witness"), || {
        let sample = measure::whole(case, &case.minimal);
        report.whole(group, case, &case.minimal, sample);
        sample.execute
    });
    if let Some(theirs) = &case.theirs {
        time(criterion, &format!("{name}, their witness"), || {
            let sample = measure::whole(case, theirs);
            report.whole(Group::HoleskyTheirs, case, theirs, sample);
            sample.execute
        });
    }
    time(criterion, &format!("{name}, step by step"), || {
        let samples = measure::steps(case);
        let all = samples.iter().map(|sample| sample.execute).sum();
        report.steps(case, &samples);
        all
    });
    time(criterion, &format!("{name}, engine with the provability rule"), || {
        let [with, without] = measure::rule(case);
        report.rule(case, with, without);
        with
    });
}

/// Lets criterion decide how often, and tell how long EXECUTE takes.
fn time(criterion: &mut Criterion, name: &str, mut once: impl FnMut() -> Duration) {
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| once()).sum());
    });
}
